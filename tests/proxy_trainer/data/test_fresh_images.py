"""Finals are scored on images that gave no reward, where there are enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.digits import make_digits
from proxy_trainer.data.fresh_images import load_splits
from search_space.proxy_task import ProxyTask, resolve
from search_space.recipes import ALL_IMAGES

SEED = 3


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("digits") / "digits"
    make_digits(directory, train=100, val=40)
    return directory


def task(reserved_images: int, reserve_from: str = "val") -> ProxyTask:
    return resolve("smoke", reserved_images=reserved_images, reserve_from=reserve_from)


def paths(split: CocoSplit) -> set[Path]:
    return {split.path(index) for index in range(len(split))}


def rewarded_by(digits: Path, search: ProxyTask) -> set[Path]:
    return paths(
        load_dataset(digits, reserved_images=search.reserved_images, reserve_from=search.reserve_from, seed=SEED)[1]
    )


@pytest.mark.parametrize(
    ("search", "finals", "reserved", "source"),
    [
        (task(10), task(20), 20, "val"),  # thirty are left, of which twenty are drawn
        (task(10), task(40), 30, "val"),  # all that are left, since they are more than half
        (task(40), task(20), 20, "train"),  # none is left, so a fifth of the training images is held out
        (task(10, "train"), task(40), 40, "val"),  # the search had held out training images
        (task(40), task(36), 20, "train"),  # at most one training image in five
        (task(10), task(ALL_IMAGES), 30, "val"),  # all that are left
    ],
)
def test_fresh_images_are_scored_and_never_trained_on(
    digits: Path, search: ProxyTask, finals: ProxyTask, reserved: int, source: str
) -> None:
    train, scored, is_fresh, read = load_splits(digits, finals, SEED, search)
    rewarded = rewarded_by(digits, search)
    assert (is_fresh, len(scored)) == (True, reserved)
    assert source in scored.images_dir.as_posix() or source in scored.annotations_file.name
    assert not paths(scored) & rewarded
    assert not paths(train) & paths(scored)
    assert not paths(train) & rewarded
    assert read is not None
    assert (paths(read[1]), paths(train) <= paths(read[0])) == (rewarded, True)
    assert paths(load_splits(digits, finals, SEED, search)[1]) == paths(scored)


def test_too_few_fresh_images_are_not_taken(digits: Path) -> None:
    search, finals = task(40), task(60)  # half of sixty is more than a fifth of the training images
    train, scored, is_fresh, _ = load_splits(digits, finals, SEED, search)
    assert (is_fresh, paths(scored)) == (False, rewarded_by(digits, finals))
    assert len(train) == 100


def test_without_a_search_nothing_is_said_to_be_fresh(digits: Path) -> None:
    _, scored, is_fresh, read = load_splits(digits, task(10), SEED, None)
    assert (is_fresh, paths(scored), read) == (False, rewarded_by(digits, task(10)), None)
