"""Imported at the start of every process of the service in the scenario `phases`, whose PYTHONPATH has this directory:
shared weights in training get a checkpoint every second instead of every half minute.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MODULE = "proxy_trainer.training.supernet"
CHECKPOINT_SECONDS = 1.0


class _ShortInterval(MetaPathFinder):
    """Changes the interval in the module as soon as that has been imported."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            assert hasattr(module, "_CHECKPOINT_SECONDS")
            module._CHECKPOINT_SECONDS = CHECKPOINT_SECONDS

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _ShortInterval())
