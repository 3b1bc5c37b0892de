"""Measures what a trial costs besides its training (`effspine bench control-plane`).

A campaign of the synthetic profile, whose trials take no time, runs like any other: in its own runner process, through
Ray Tune, with an SQLite file. Its controller does all its computation, but its learning rate is too small to change the
policy: a converged policy would propose repeats, which need no worker and cost almost nothing. Times come from the
database; the runner's memory is sampled while it runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from nas_controller.execution.session_directory import remove_session_directory, session_directory
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import Store, sqlite_url
from search_space.errors import EffspineError

PARALLELISM = 2
LEARNING_RATE = 1e-9
POLL_SECONDS = 0.25
_BYTES_PER_MB = 1e6


class MemorySample(NamedTuple):
    """The memory of the runner when its campaign had `trials_finished` trials finished."""

    trials_finished: int
    rss_mb: float


def control_plane_benchmark(trials: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """The document of `effspine bench control-plane --json`, for a campaign of `trials` trials.

    Times are the wall time between the ends of successive trials; the time before the first end, mainly the start of
    Ray, is excluded. `last_over_first` is the mean of the last tenth over that of the first tenth,
    `driver_rss_growth_mb` the growth of the runner's memory after the first tenth. `files` is the number of files that
    the campaign leaves in its data directory and its session directory.
    """
    with tempfile.TemporaryDirectory(prefix="effspine-bench-") as name:
        data_dir = Path(name)
        url = sqlite_url(data_dir / "effspine.db")
        store = Store.open(url)
        campaign = store.service.create_campaign(_spec(trials))
        with _runner(campaign.id, url, data_dir) as runner:
            memory = list(_memory_samples(runner, store, campaign.id, progress))
        _check_completed(store, campaign.id)
        columns = store.reads.trial_columns(campaign.id, "finished_at", "reused_from")
        store.close()
        directories = (data_dir, session_directory(campaign.id))
        left_behind = sum(path.is_file() for directory in directories for path in directory.rglob("*"))
        remove_session_directory(campaign.id)
    return {
        "trials": trials,
        **summarise([finished.timestamp() for finished in columns["finished_at"]], memory),
        "files": left_behind,
        "repeats": sum(reused is not None for reused in columns["reused_from"]),
        "parallelism": PARALLELISM,
    }


def _spec(trials: int) -> CampaignSpec:
    return CampaignSpec.model_validate(
        {
            "name": "control plane",
            "trials": trials,
            "parallelism": PARALLELISM,
            "controller": {"learning_rate": LEARNING_RATE},
            "proxy_task": {"profile": "synthetic"},
        }
    )


def summarise(finished_at: list[float], memory: list[MemorySample]) -> dict[str, float]:
    """The figures of a campaign, from the end times of its trials (seconds, in any order) and memory samples."""
    gaps = [later - earlier for earlier, later in pairwise(sorted(finished_at))]
    tenth = max(1, len(finished_at) // 10)
    after_first_tenth = [sample.rss_mb for sample in memory if sample.trials_finished >= tenth] or [0.0]
    return {
        "driver_seconds_per_trial": round(fmean(gaps), 5),
        "last_over_first": round(fmean(gaps[-tenth:]) / fmean(gaps[:tenth]), 3),
        "driver_rss_growth_mb": round(after_first_tenth[-1] - after_first_tenth[0], 1),
    }


@contextmanager
def _runner(campaign_id: str, url: str, data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The runner of a campaign, which ends when its standard input is closed at the end of the block.

    Raises EffspineError, with the runner's log, if it fails.
    """
    command = [sys.executable, "-m", "nas_controller.supervision.runner", campaign_id, "--watch-stdin"]
    command += ["--database-url", url, "--data-dir", str(data_dir)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            process.communicate()
        if process.returncode:
            log.seek(0)
            text = log.read().decode(errors="replace").strip()
            raise EffspineError(f"the runner ended with status {process.returncode}: {text}")


def _check_completed(store: Store, campaign_id: str) -> None:
    campaign = store.reads.get_campaign(campaign_id)
    if campaign.state != "completed":
        raise EffspineError(f"the campaign is {campaign.state}, not completed: {campaign.error or 'no reason given'}")


def _memory_samples(
    runner: subprocess.Popen[bytes], store: Store, campaign_id: str, progress: Callable[[str], None]
) -> Iterator[MemorySample]:
    """Samples the runner's memory until its last trial; returns when the runner has ended."""
    reported = 0
    while runner.poll() is None:
        record = store.reads.get_campaign(campaign_id)
        yield MemorySample(record.trials_finished, _rss_mb(runner.pid))
        if record.trials_finished >= record.spec.trials:
            break
        tenths = 10 * record.trials_finished // record.spec.trials
        if tenths > reported:
            reported = tenths
            progress(f"{record.trials_finished:,} of {record.spec.trials:,} trials")
        time.sleep(POLL_SECONDS)
    runner.wait()


def _rss_mb(pid: int) -> float:
    """The resident memory of a process, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _BYTES_PER_MB
