"""Format `keras`: a `.keras` file that Keras 3 loads without effspine and that trains further."""

from exporters.keras.folder import write

__all__ = ["write"]
