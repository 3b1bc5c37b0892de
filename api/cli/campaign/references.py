"""Finds the campaign that a person means: by its id, by its name, or by the beginning of its id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

from search_space.errors import EffspineError

if TYPE_CHECKING:
    from datetime import datetime

    from api.client import Client
    from nas_controller.states import CampaignState

WHOLE_ID = re.compile(r"c_[0-9a-hjkmnp-tv-z]{16}")
MAX_CANDIDATES = 10
MAX_TEXT = 100
"""Characters of the longest name."""


class Named(Protocol):
    """What is known of a campaign, as document and as record."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def state(self) -> CampaignState: ...
    @property
    def created_at(self) -> datetime: ...


Campaign = TypeVar("Campaign", bound=Named)


def campaign_id(client: Client, text: str) -> str:
    """The id of the campaign that `text` means; a whole id is not looked up. Raises EffspineError."""
    text.encode()  # an argument that is not text is refused as such
    if WHOLE_ID.fullmatch(text):
        return text
    candidates = client.campaigns(text=text, archived="any") if len(text) <= MAX_TEXT else ()
    return meant(text, candidates).id


def meant(text: str, campaigns: Iterable[Campaign]) -> Campaign:
    """The one campaign whose id or name is `text`, or whose id begins with it, in this order.

    Raises EffspineError where there is none, and where there are several, with their ids.
    """
    known = list(campaigns)
    by_id = [each for each in known if each.id == text]
    by_name = [each for each in known if each.name == text]
    by_prefix = [each for each in known if text and each.id.startswith(text)]
    found = by_id or by_name or by_prefix
    if not found:
        raise EffspineError(f"there is no campaign '{text}': no id, no name and no id that begins so")
    if len(found) > 1:
        reason = f"{len(found)} campaigns are called '{text}'" if by_name else f"{len(found)} ids begin with '{text}'"
        raise EffspineError(f"{reason}; give the id of one: {candidates(found)}")
    return found[0]


def candidates(campaigns: list[Campaign]) -> str:
    """The campaigns in one line, the given ones first: ids, and what tells them apart."""
    shown = [
        f"{each.id} ({each.name}, {each.state}, {each.created_at:%Y-%m-%d %H:%M})"
        for each in campaigns[:MAX_CANDIDATES]
    ]
    more = len(campaigns) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
