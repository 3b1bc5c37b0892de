"""The workers of a campaign, as its runner asks Ray for them; knows nothing of Ray itself."""

from __future__ import annotations

from dataclasses import dataclass

from search_space.errors import EffspineError


class ClusterAwayError(EffspineError):
    """The Ray cluster does not answer. Wait until it does."""


@dataclass(frozen=True)
class Workers:
    """How many trials train at once, and what each takes: `threads` processors, `gpus` (None: an equal share of those
    that there are), `tpus` chips; and after how long an attempt has failed, None for never.
    """

    parallelism: int
    threads: int
    gpus: float | None = None
    tpus: int = 0
    timeout_seconds: float | None = None
