"""The score of a slice in new processes, with other numbers of threads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search_space.published import EFF_SPINENET_D0
from search_space.space import SearchSpace
from tests.support.processes import in_a_process
from tests.support.proxy_tasks import SMOKE_ADAMW

TASK = replace(
    SMOKE_ADAMW,
    kind="shared",
    steps=0,
    warmup_steps=0,
    shared_steps=12,
    shared_learning_rate=0.02,
    recalibration_images=16,
)


def score(dataset: str, cache: str, threads: str, out: str) -> None:
    """Scores a slice, of shared weights that are trained unless they are there, and writes what it detects."""
    from proxy_trainer.training.proxy_worker import ProxyWorker

    worker = ProxyWorker(TASK, Path(dataset), Path(cache), 1, int(threads), SearchSpace())
    ap = worker.run(EFF_SPINENET_D0)["ap"]
    images = worker._reserved_images
    assert worker._engine is not None
    with worker._engine.recalibrated(*worker._recalibration_images, batch=16):
        found = worker._engine.detect(images.pixels[:8], images.sizes[:8])
    np.savez(out, ap=np.float64(ap), **found._asdict())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_slice_has_the_same_score_on_a_new_worker_with_another_number_of_threads(
    digits: Path, tmp_path: Path
) -> None:
    found = []
    for run, threads in enumerate((2, 1, 2)):
        out = tmp_path / f"{run}.npz"
        in_a_process(score, digits, tmp_path / "cache", threads, out)
        found.append(dict(np.load(out)))
    two_threads, one_thread, again = found
    assert two_threads["scores"].any()
    for name in two_threads:
        np.testing.assert_array_equal(one_thread[name], two_threads[name], err_msg=name)
        np.testing.assert_array_equal(again[name], two_threads[name], err_msg=name)
