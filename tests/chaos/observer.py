"""Observers of the service: one polls it like a monitor, one follows its event stream like a dashboard."""

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
    """One poll of all routes, from `began` to `ended` (Unix time); `failure` is empty if all routes responded."""

    began: float
    ended: float
    failure: str


class Poller:
    """Polls readiness, the list of campaigns, one campaign and its trials, several times a second."""

    def __init__(self, url: str, campaign_id: str) -> None:
        path = f"/v1/campaigns/{campaign_id}"
        self._campaign = path
        self._routes = ("/readyz", "/v1/campaigns?limit=1", path, f"{path}/trials?limit=1&order_by=-number")
        self._http = httpx.Client(base_url=url, timeout=POLL_TIMEOUT_SECONDS, trust_env=False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="poller", daemon=True)
        self.probes: list[Probe] = []
        self.trials_finished = 0
        self.state = ""
        self.violations: list[str] = []

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stops the thread."""
        self._stop.set()
        self._thread.join(END_SECONDS)
        self._http.close()

    def usable_after(self, start: float) -> float | None:
        """The end of the first successful poll that began after `start`; None before there is one."""
        found = None
        for probe in reversed(list(self.probes)):
            if probe.began <= start:
                break
            if not probe.failure:
                found = probe.ended
        return found

    def _poll(self) -> None:
        while not self._stop.is_set():
            began = time.time()
            failure = self._poll_once()
            self.probes.append(Probe(began, time.time(), failure))
            self._stop.wait(POLL_SECONDS)

    def _poll_once(self) -> str:
        for route in self._routes:
            try:
                response = self._http.get(route)
            except httpx.HTTPError as error:
                return f"{route}: {type(error).__name__}"
            if response.status_code >= 500 and response.status_code not in (503, 507):
                self.violations.append(f"{route} responded with {response.status_code}: {response.text[:200]}")
            if not response.is_success:
                return f"{route}: {response.status_code}"
            if route == self._campaign:
                self._check_progress(response.json())
        return ""

    def _check_progress(self, campaign: dict[str, object]) -> None:
        finished, self.state = campaign["trials_finished"], str(campaign["state"])
        assert isinstance(finished, int)
        if finished < self.trials_finished:
            self.violations.append(f"the number of finished trials decreased from {self.trials_finished} to {finished}")
        self.trials_finished = finished


@dataclass
class Follower:
    """Follows the event stream of a campaign through the client and collects all events."""

    url: str
    campaign_id: str
    events: list[EventDocument] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def end(self) -> None:
        """Waits for the end of the stream."""
        self._thread.join(END_SECONDS)
        if self._thread.is_alive():
            self.violations.append(f"the stream of events has not ended within {END_SECONDS:.0f} s of the campaign")
        self._stop.set()

    def first_after(self, start: float, kind: str = REWARDED) -> float | None:
        """The time of the first event of a kind after `start` (Unix time); None before there is one."""
        found = None
        for event in reversed(list(self.events)):
            if event.at.timestamp() <= start:
                break
            if event.kind == kind:
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
                except (ServiceUnreachableError, ServiceRefusedError):  # unavailable for longer than the client retries
                    time.sleep(RETRY_SECONDS)
                except Exception as error:
                    self.violations.append(f"the client that follows events fails: {type(error).__name__}: {error}")
                    return
