"""The training split and the held-out split of a detection data set, for a training of one network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.data_identity import DataIdentity, SplitIdentity
from proxy_trainer.data.decoded_images import DecodedSplit, decode_split
from search_space.proxy_task import ProxyTask

RESERVE_SEED = 0
"""Which images are reserved does not depend on the seed of a training, so trainings with several seeds compare."""


@dataclass(frozen=True, eq=False)
class DetectionSplits:
    """The training split and the held-out split of a data set."""

    train: CocoSplit
    held_out: CocoSplit

    @classmethod
    def load(cls, directory: Path, task: ProxyTask) -> DetectionSplits:
        """Reads them. Raises as `load_dataset`."""
        wanted = {"reserved_images": task.reserved_images, "reserve_from": task.reserve_from}
        return cls(*load_dataset(directory, **wanted, seed=RESERVE_SEED))  # type: ignore[arg-type]

    def decoded(self, image_px: int, cache_dir: Path, threads: int) -> DetectionImages:
        """The images of both. Raises as `decode_split`."""
        splits = (self.train, self.held_out)
        return DetectionImages(*(decode_split(split, image_px, cache_dir, threads=threads) for split in splits))

    def identity(self, images: DetectionImages) -> DataIdentity:
        """The identity of what was read."""
        return DataIdentity(
            SplitIdentity.of(self.train, images.train.image_digests),
            SplitIdentity.of(self.held_out, images.held_out.image_digests),
        )


@dataclass(frozen=True, eq=False)
class DetectionImages:
    """The decoded images of both splits."""

    train: DecodedSplit
    held_out: DecodedSplit
