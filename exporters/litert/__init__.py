"""Format `litert`: `.tflite` files for the LiteRT interpreter on phones and small computers."""

from exporters.litert.folder import write

__all__ = ["write"]
