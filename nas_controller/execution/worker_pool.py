"""The size of a session's pool of workers and the resources of each trial in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from nas_controller.execution.executor import Workers


class WorkerPool:
    """The workers that a session was started with, compared with those that `wanted()` currently asks for.

    An `elastic` pool (of a cluster) takes more or fewer workers of the same kind at any time; a local pool has to be
    restarted. `available` are the resources of the machine or cluster by Ray's names (`CPU`, `GPU`, `TPU`).
    """

    def __init__(
        self,
        started: Workers,
        wanted: Callable[[], Workers],
        available: Callable[[], Mapping[str, float]],
        elastic: bool = False,
    ) -> None:
        self.workers = started
        self._wanted = wanted
        self._available = available
        self._elastic = elastic

    def needs_restart(self) -> bool:
        """Whether this pool cannot provide the workers that are wanted now."""
        wanted = self._wanted()
        if self._elastic and replace(wanted, parallelism=self.workers.parallelism) == self.workers:
            self.workers = wanted
        return wanted != self.workers

    def missing(self) -> str | None:
        """An error message if this machine lacks a resource of a trial; a cluster lacks none, since it may grow."""
        if self._elastic:
            return None
        available = self._available()
        for name, amount in self.trial_resources().items():
            if amount > available.get(name, 0.0):
                field = f"resources.{name.lower()}s"
                return f"`{field}` asks for {amount:g} {name} and this machine has {available.get(name, 0.0):g}"
        return None

    def starts_at_once(self) -> bool:
        """Whether a trial gets its resources at once, because this machine has those of all workers."""
        available = self._available()
        return not self._elastic and all(
            amount * self.workers.parallelism <= available.get(name, 0.0) * (1 + 1e-9)
            for name, amount in self.trial_resources().items()
        )

    def trial_resources(self) -> dict[str, float]:
        """The resources that a trial reserves.

        A local session has one CPU per worker, however many threads each may use.
        """
        gpus = self.workers.gpus
        reserved = {
            "CPU": float(self.workers.threads if self._elastic else 1),
            "GPU": gpu_share(self._available(), self.workers.parallelism) if gpus is None else gpus,
            "TPU": float(self.workers.tpus),
        }
        return {name: amount for name, amount in reserved.items() if amount > 0}


def gpu_share(available: Mapping[str, float], parallelism: int) -> float:
    """An equal share of the available GPUs: whole ones if there are enough, otherwise a fraction of one."""
    share = available.get("GPU", 0.0) / parallelism
    return float(int(share)) if share >= 1 else int(share * 1000) / 1000
