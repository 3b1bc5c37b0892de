"""Settings of the tests of every package."""

from hypothesis import settings

# A busy machine makes an example slow, not wrong.
settings.register_profile("effspine", deadline=None)
settings.load_profile("effspine")
