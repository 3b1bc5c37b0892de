"""Format `onnx`: the detector as ONNX graphs, with a script that runs it in onnxruntime.

Inside this package, `onnx` is the library.
"""

from exporters.onnx.files import write

__all__ = ["write"]
