"""Two who watch the service all the time: one polls it like a monitor, one follows its events like a dashboard."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import httpx

from api.client import Client, ServiceRefusedError, ServiceUnreachableError
from api.documents import EventDocument

POLL_SECONDS = 0.25
POLL_TIMEOUT_SECONDS = 2.0
RETRY_SECONDS = 0.2
END_SECONDS = 30.0
REWARDED = "trial.completed"


@dataclass(frozen=True)
class Probe:
    """One look at the service, from `began` to `ended` (Unix time); `trouble` is empty where all routes answered."""

    began: float
    ended: float
    trouble: str


class Poller:
    """Asks for readiness, the list of campaigns, one campaign and its trials, several times a second."""

    def __init__(self, url: str, campaign_id: str) -> None:
        path = f"/v1/campaigns/{campaign_id}"
        self._campaign = path
        self._routes = ("/readyz", "/v1/campaigns?limit=1", path, f"{path}/trials?limit=1&order_by=-number")
        self._http = httpx.Client(base_url=url, timeout=POLL_TIMEOUT_SECONDS, trust_env=False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="poller", daemon=True)
        self.probes: list[Probe] = []
        self.trials_finished = 0
        self.state = ""
        self.violations: list[str] = []

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def end(self) -> None:
        """Ends."""
        self._stop.set()
        self._thread.join(END_SECONDS)
        self._http.close()

    def usable_after(self, moment: float) -> float | None:
        """When the first look that began after a moment had all its answers; None before there is one."""
        found = None
        for probe in reversed(list(self.probes)):
            if probe.began <= moment:
                break
            if not probe.trouble:
                found = probe.ended
        return found

    def _watch(self) -> None:
        while not self._stop.is_set():
            began = time.time()
            trouble = self._look()
            self.probes.append(Probe(began, time.time(), trouble))
            self._stop.wait(POLL_SECONDS)

    def _look(self) -> str:
        for route in self._routes:
            try:
                answer = self._http.get(route)
            except httpx.HTTPError as error:
                return f"{route}: {type(error).__name__}"
            if answer.status_code >= 500 and answer.status_code not in (503, 507):
                self.violations.append(f"{route} answered {answer.status_code}: {answer.text[:200]}")
            if not answer.is_success:
                return f"{route}: {answer.status_code}"
            if route == self._campaign:
                self._note(answer.json())
        return ""

    def _note(self, campaign: dict[str, object]) -> None:
        finished, self.state = campaign["trials_finished"], str(campaign["state"])
        assert isinstance(finished, int)
        if finished < self.trials_finished:
            self.violations.append(f"the finished trials went from {self.trials_finished} back to {finished}")
        self.trials_finished = finished


@dataclass
class Follower:
    """Follows the events of a campaign through one client for as long as it runs, and keeps them all."""

    url: str
    campaign_id: str
    events: list[EventDocument] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def end(self) -> None:
        """Waits for the last event, and ends."""
        self._thread.join(END_SECONDS)
        if self._thread.is_alive():
            self.violations.append(f"the stream of events has not ended within {END_SECONDS:.0f} s of the campaign")
        self._stop.set()

    def reward_after(self, moment: float) -> float | None:
        """When the first reward after a moment (Unix time) was accepted; None before one is."""
        found = None
        for event in reversed(list(self.events)):
            if event.at.timestamp() <= moment:
                break
            if event.kind == REWARDED:
                found = event.at.timestamp()
        return found

    def _follow(self) -> None:
        with Client(self.url) as client:
            while not self._stop.is_set():
                try:
                    for event in client.events(self.campaign_id, len(self.events)):
                        if event.sequence != len(self.events) + 1:
                            self.violations.append(f"event {event.sequence} came after event {len(self.events)}")
                        self.events.append(event)
                    return
                except (ServiceUnreachableError, ServiceRefusedError):  # away for longer than the client waits
                    time.sleep(RETRY_SECONDS)
                except Exception as error:
                    self.violations.append(f"the client that follows events fails: {type(error).__name__}: {error}")
                    return
