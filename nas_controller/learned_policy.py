"""What the controller of a campaign has come to believe, computed once for each of its states.

The marginals of a recurrent policy take some 35 ms, and its state 260 kB; an open page asks for them again and again.
Equal digests are equal states, so what was found for one is kept and the state itself is read no more.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from nas_controller.canonical import sha256_hex
from nas_controller.controller import Controller
from nas_controller.search import Search
from nas_controller.store import Store
from search_space.space import ALL_BLOCKS

MOST_KEPT = 256


class LearnedPolicy(NamedTuple):
    """The probability of each of the `choices` for each searched block [blocks][choices], after `told` rewards."""

    blocks: tuple[int, ...]
    choices: tuple[float, ...]
    probabilities: tuple[tuple[float, ...], ...]
    told: int


def learned_policy(store: Store, campaign_id: str) -> LearnedPolicy:
    """The policy after the latest reward, or the first one before any. Raises NotFoundError."""
    spec = store.get_campaign(campaign_id).spec
    blocks = spec.search_space.searched_blocks or ALL_BLOCKS
    # The first controller follows from the specification, so that one's digest stands for it.
    digest = store.controller_digest(campaign_id) or sha256_hex(spec.model_dump_json())
    found = _kept.get(digest)
    if found is None:
        state = store.controller_state(campaign_id)
        controller = Search(spec).controller if state is None else Controller.from_state(state.state)
        marginals = tuple(tuple(row) for row in controller.policy_marginals())
        found = LearnedPolicy(blocks, controller.choices, marginals, controller.told)
        _kept.put(digest if state is None else state.digest, found)
    return found._replace(blocks=blocks)


class _Kept:
    """The policies that were asked for last, by digest."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, LearnedPolicy] = OrderedDict()
        self._lock = Lock()

    def get(self, digest: str) -> LearnedPolicy | None:
        """What was kept of a state."""
        with self._lock:
            if digest in self._found:
                self._found.move_to_end(digest)
            return self._found.get(digest)

    def put(self, digest: str, found: LearnedPolicy) -> None:
        """Keeps it, and lets the one go that nobody has asked for longest."""
        with self._lock:
            self._found[digest] = found
            while len(self._found) > MOST_KEPT:
                self._found.popitem(last=False)


_kept = _Kept()
