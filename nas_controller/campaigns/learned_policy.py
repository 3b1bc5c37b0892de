"""The learned policy of a campaign, computed once for each state of its controller.

Computing the marginals of a recurrent policy takes about 10 ms, its state has 260 kB, and an open page requests them
repeatedly. Equal digests mean equal states, so the result is cached by digest and the state is not read again.
"""

from __future__ import annotations

from typing import NamedTuple

from nas_controller.caches import SingleFlightCache
from nas_controller.canonical_json import sha256_hex
from nas_controller.search.proposals import Search
from nas_controller.search.searchers import restore_searcher
from nas_controller.store import Store
from search_space.space_checks import ALL_BLOCKS

MAX_POLICIES = 256


class LearnedPolicy(NamedTuple):
    """The probability of each of the `choices` for each searched block [blocks][choices], after `told` rewards."""

    blocks: tuple[int, ...]
    choices: tuple[float, ...]
    probabilities: tuple[tuple[float, ...], ...]
    told: int


_policies: SingleFlightCache[LearnedPolicy] = SingleFlightCache(MAX_POLICIES)


def learned_policy(store: Store, campaign_id: str) -> LearnedPolicy:
    """The policy after the latest reward, or the initial one before any reward. Raises NotFoundError."""
    spec = store.reads.get_campaign(campaign_id).spec
    blocks = spec.search_space.searched_blocks or ALL_BLOCKS
    # The initial controller has no stored digest. It depends only on the specification, whose digest identifies it.
    digest = store.reads.controller_digest(campaign_id) or sha256_hex(spec.model_dump_json())

    def compute() -> LearnedPolicy:
        state = store.reads.controller_state(campaign_id)
        controller = Search(spec).controller if state is None else restore_searcher(state.state)
        marginals = tuple(tuple(row) for row in controller.policy_marginals())
        return LearnedPolicy(blocks, controller.choices, marginals, controller.told)

    return _policies.get(campaign_id, digest, compute)
