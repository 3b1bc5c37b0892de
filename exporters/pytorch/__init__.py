"""Format `pytorch`: a folder that needs PyTorch alone, trains and infers, and can be uploaded to a model hub."""

from exporters.pytorch.folder import write

__all__ = ["write"]
