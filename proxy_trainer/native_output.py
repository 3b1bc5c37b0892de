"""What native libraries write past Python: TensorFlow greets standard error while it loads, whatever it is told."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from search_space.errors import EffspineError


@contextmanager
def suppress_native_output() -> Iterator[None]:
    """Keeps what is written to the standard error of the process, and drops it when the block ends.

    Where the block ends with an unexpected error, what was kept is written after all: it may say why. An error with a
    message for a person stands alone.
    """
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
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
                kept.seek(0)
                os.write(2, kept.read())
