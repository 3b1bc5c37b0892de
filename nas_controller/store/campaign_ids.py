"""Campaign ids: `c_` and 16 characters of Crockford's base 32, sortable by time of creation.

The first nine characters are milliseconds since 1970 (45 bits, until the year 3084), the other seven are random (35
bits).
"""

from __future__ import annotations

import secrets
from datetime import datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_CHARACTERS = 9
_RANDOM_CHARACTERS = 7


def _base32(value: int, characters: int) -> str:
    return "".join(ALPHABET[(value >> (5 * position)) & 31] for position in reversed(range(characters)))


def new_campaign_id(now: datetime) -> str:
    """A new id. Two ids of the same millisecond differ in their random part and sort by it."""
    return f"c_{_time_and_chance(now)}"


def new_export_id(now: datetime) -> str:
    """A new id of an export: `e_`, and the rest as for a campaign."""
    return f"e_{_time_and_chance(now)}"


def new_training_id(now: datetime) -> str:
    """A new id of a training: `t_`, and the rest as for a campaign."""
    return f"t_{_time_and_chance(now)}"


def new_webhook_id(now: datetime) -> str:
    """A new id of a webhook: `w_`, and the rest as for a campaign."""
    return f"w_{_time_and_chance(now)}"


def new_message_id(now: datetime) -> str:
    """A new id of a message to a webhook: `m_`, and the rest as for a campaign."""
    return f"m_{_time_and_chance(now)}"


def _time_and_chance(now: datetime) -> str:
    milliseconds = int(now.timestamp() * 1000)
    random_bits = secrets.randbits(5 * _RANDOM_CHARACTERS)
    return _base32(milliseconds, _TIME_CHARACTERS) + _base32(random_bits, _RANDOM_CHARACTERS)
