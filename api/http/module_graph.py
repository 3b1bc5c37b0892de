"""The modules that a page's script imports, so that the page names them all at once.

Without that a browser learns of each module from the one that imports it, a request after the other.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from posixpath import join, normpath

_IMPORT = re.compile(r"""^(?:import|export)\b[^;"']*?["'](\.[^"']+)["']""", re.MULTILINE)


@cache
def imported_modules(directory: Path, entry: str) -> tuple[str, ...]:
    """The modules that `entry` imports, directly or not, as paths below `directory`, by their distance from it."""
    found, position = [entry], 0
    while position < len(found):
        module = found[position]
        text = (directory / module).read_text(encoding="utf-8")
        for name in _IMPORT.findall(text):
            path = normpath(join(module, "..", name))
            if path not in found:
                found.append(path)
        position += 1
    return tuple(found[1:])
