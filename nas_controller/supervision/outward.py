"""What a supervisor tells others: messages to webhooks, and copies of the record in sinks."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nas_controller.sinks.mlflow import MlflowSink
from nas_controller.sinks.sink import Sink
from nas_controller.sinks.tensorboard import TensorBoardSink
from nas_controller.store import Store
from nas_controller.supervision.background_loop import BackgroundLoop
from nas_controller.supervision.sink_loop import SinkLoop
from nas_controller.webhooks.delivery import Deliveries
from nas_controller.webhooks.sending import TIMEOUT_SECONDS

POLL_SECONDS = 1.0
STOP_SECONDS = TIMEOUT_SECONDS + 1.0


@dataclass(frozen=True)
class Outward:
    """Links in messages begin with `public_url`; webhooks may be on `webhook_hosts`, on any host without any. Without a
    directory or an address there is no such sink.
    """

    public_url: str = ""
    webhook_hosts: tuple[str, ...] = ()
    tensorboard_dir: Path | None = None
    mlflow_uri: str | None = None

    def sinks(self) -> list[Sink]:
        """The sinks. Raises InvalidValueError for one that is not installed."""
        sinks: list[Sink] = []
        if self.tensorboard_dir is not None:
            sinks.append(TensorBoardSink(self.tensorboard_dir))
        if self.mlflow_uri is not None:
            sinks.append(MlflowSink(self.mlflow_uri))
        return sinks

    def sink_loops(self, store: Store, owner: str, stop: threading.Event) -> dict[str, SinkLoop]:
        """What writes each sink, by its name. Raises as `sinks`."""
        return {sink.name: SinkLoop(store, sink, owner, stop.is_set) for sink in self.sinks()}

    def start(self, store: Store, sinks: Mapping[str, SinkLoop]) -> Sequence[BackgroundLoop]:
        """Starts a thread for the webhooks and one for each sink."""
        steps = {"webhooks": Deliveries(store, self.public_url, self.webhook_hosts).step}
        steps |= {name: loop.step for name, loop in sinks.items()}
        loops = [BackgroundLoop(name, step, POLL_SECONDS) for name, step in steps.items()]
        for loop in loops:
            loop.start()
        return loops
