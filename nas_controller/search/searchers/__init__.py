"""The search algorithms behind one ask/tell protocol, and the registry that makes them by name."""

from __future__ import annotations

from nas_controller.search.searchers.registry import make_searcher, restore_searcher
from nas_controller.search.searchers.searcher import Searcher

__all__ = ["Searcher", "make_searcher", "restore_searcher"]
