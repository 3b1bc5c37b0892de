"""The runner's copy of shared weights, from which the workers of every node get them.

Trainers on this machine use the same directory (`proxy_trainer.training.supernet`); others write the file that comes
with their job into their own.
"""

from __future__ import annotations

from pathlib import Path

from nas_controller.entities import SharedTrainingDocument
from nas_controller.search.outcomes import SharedWeights
from search_space.weights_files import shared_weights_dir, weights_file_name


class SharedWeightsDirectory:
    """The directory in a cache directory; `kept` are the weights that were written or found last."""

    def __init__(self, cache_dir: Path) -> None:
        self._directory = shared_weights_dir(cache_dir)
        self.kept: SharedWeights | None = None

    def find(self, training: SharedTrainingDocument | None) -> SharedWeights | None:
        """The weights of a completed training; None without one, and where the file is gone."""
        if training is None or training.identity is None or training.weights_sha256 is None:
            return None
        try:
            content = (self._directory / weights_file_name(training.identity)).read_bytes()
        except OSError:
            return None
        self.kept = SharedWeights(training.identity, training.weights_sha256, is_reused=True, content=content)
        return self.kept

    def keep(self, weights: SharedWeights) -> None:
        """Writes the file of trained weights, unless the worker has written it to the same directory."""
        weights.write_to(self._directory)
        self.kept = weights
