"""Runs the Python modules in the folder of an export."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def folder_module(directory: Path, name: str) -> ModuleType:
    """The module `name` of a folder, whose modules are found first while it is imported.

    Modules of the same names, such as those of another export, are forgotten before. Raises what the module raises.
    """
    place = str(directory.resolve())
    for module in {path.stem for path in directory.glob("*.py")} & sys.modules.keys():
        del sys.modules[module]
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(place)
