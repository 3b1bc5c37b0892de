"""One line for a person about an exception that is none of effspine's own."""

from __future__ import annotations

import re

from search_space.display import displayed_line
from search_space.secret_urls import mask_urls

MAX_NAME_LENGTH = 100
_LONG_WORD = re.compile(r"\S{500,}")


def error_line(text: str) -> str:
    """A message on one line, without control characters and the secrets of URLs, and with very long words shortened."""
    line = displayed_line(mask_urls(" ".join(text.splitlines())))
    return _LONG_WORD.sub(lambda word: _shortened(word[0]), line)


def input_error(error: BaseException) -> str | None:
    """What is wrong with the input or its surroundings, if that is what the exception says; None for any other."""
    match error:
        case OSError():
            return _of_the_system(error)
        case UnicodeEncodeError():
            where = _shortened(ascii(error.object[max(0, error.start - 20) : error.end + 20]))
            return f"a text contains characters that {error.encoding} does not have: {where}"
        case UnicodeDecodeError():
            found = _shortened(repr(error.object[error.start : error.start + 20]))
            return f"the bytes {found} are not {error.encoding} text; convert the file to UTF-8"
        case UnicodeError():
            return f"a text cannot be encoded: {error}"
        case RecursionError():
            return "the input is nested too deeply"
        case MemoryError():
            return "the input does not fit into the memory of this machine"
        case RuntimeError() if "home directory" in str(error):
            return "a path begins with ~ but there is no such home"
        case ValueError() if "null byte" in str(error) or "null character" in str(error):
            return "a name contains the character NUL, which no file or argument may contain"
        case _:
            return None


def _of_the_system(error: OSError) -> str:
    """An error of the operating system, with the file it is about."""
    reason = error.strerror or str(error) or type(error).__name__
    names = [_shortened(str(name)) for name in (error.filename, error.filename2) if name is not None]
    return ": ".join([*names, reason])


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[:MAX_NAME_LENGTH]}... ({len(name):,} characters)"
