"""Suppresses what native libraries write to standard error: TensorFlow logs while it loads, at every log level."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from search_space.errors import EffspineError


@contextmanager
def suppress_native_output() -> Iterator[None]:
    """Redirects standard error of the process, on file descriptor level, and discards what the block writes to it.

    If the block raises an unexpected error, the output is written after all, because it may contain the cause. Errors
    with a message for the user (EffspineError) do not need it.
    """
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 2)
        show = False
        try:
            yield
        except Exception as error:
            show = not isinstance(error, EffspineError)
            raise
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            if show:
                output.seek(0)
                os.write(2, output.read())
