"""The parameters of the embedded digits data set."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from search_space.errors import InvalidValueError

_FORMAT_VERSION = 1


@dataclass(frozen=True)
class DigitsParameters:
    """The arguments of `make_digits`, stored in its directory so that an equal call can reuse it.

    Raises InvalidValueError for a value out of range.
    """

    train: int
    val: int
    seed: int
    categories: int
    image_px: int
    format_version: int = _FORMAT_VERSION

    def __post_init__(self) -> None:
        for name, lowest in (("train", 1), ("val", 1), ("seed", 0), ("image_px", 64)):
            if getattr(self, name) < lowest:
                raise InvalidValueError(f"{name} must be at least {lowest}, not {getattr(self, name)}", field=name)
        if self.categories not in (1, 10):
            raise InvalidValueError(f"categories must be 1 or 10, not {self.categories}", field="categories")

    def to_dict(self) -> dict[str, int]:
        """The parameters by name, as JSON."""
        return asdict(self)
