"""Makes the indexes of trials covering, for lists in every order and for figures."""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BEFORE = {"state": ("state",), "reward": ("reward",)}
_AFTER = {
    "state": ("state", "number"),
    "reward": ("reward", "number", "state", "reused_from", "madds", "params"),
    "madds": ("madds", "number", "state"),
    "params": ("params", "number", "state"),
}


def upgrade() -> None:
    """Widens two indexes and adds two."""
    _replace(_BEFORE, _AFTER)


def downgrade() -> None:
    """Restores the previous indexes."""
    _replace(_AFTER, _BEFORE)


def _replace(old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]) -> None:
    for name in old:
        op.drop_index(f"ix_trials_campaign_id_{name}", "trials")
    for name, columns in new.items():
        op.create_index(f"ix_trials_campaign_id_{name}", "trials", ["campaign_id", *columns])
