"""TensorFlow's kernels in the process of the tests."""

from __future__ import annotations

from tensorflow.python.util import _pywrap_util_port


def test_this_process_uses_onednn_as_the_processes_of_commands_do() -> None:
    assert _pywrap_util_port.IsMklEnabled()
