"""The controller: proposes multipliers and learns from rewards, by ask and tell. NumPy only."""

from __future__ import annotations

from nas_controller.search.controller.controller import Controller
from nas_controller.search.controller.proposal import Proposal
from nas_controller.search.controller.settings import Settings

__all__ = ["Controller", "Proposal", "Settings"]
