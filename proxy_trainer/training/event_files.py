"""TensorBoard event files of a training run: the rows of its history as scalars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

_SCALARS = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
    data_class="DATA_CLASS_SCALAR",
)
"""What `tf.summary.scalar` attaches; that function itself needs the package `tensorboard`."""

_GROUPS = {"losses": "loss", "metrics": "metrics"}


class EventFiles:
    """The event files in `directory`, written anew with `rows` of the history, so that none is shown twice.

    A row has `step`, `learning_rate`, and `losses` and `metrics` by name, the latter only after an evaluation.
    """

    def __init__(self, directory: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for earlier in directory.glob("events.out.tfevents.*"):
            earlier.unlink()
        self._writer = tf.summary.create_file_writer(str(directory))
        for row in rows:
            self.write(row)

    def write(self, row: Mapping[str, Any]) -> None:
        """Adds the scalars of one row."""
        scalars = {"learning_rate": row["learning_rate"]}
        for group, title in _GROUPS.items():
            scalars |= {f"{title}/{name}": value for name, value in row.get(group, {}).items() if value is not None}
        with self._writer.as_default():
            for tag, value in scalars.items():
                tf.summary.write(tag, tf.constant(value, tf.float32), step=row["step"], metadata=_SCALARS)

    def flush(self) -> None:
        """Writes everything so far to the disk."""
        self._writer.flush()

    def close(self) -> None:
        """Writes everything to the disk and closes the file."""
        self._writer.close()
