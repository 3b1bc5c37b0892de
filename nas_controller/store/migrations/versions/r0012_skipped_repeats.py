"""Counts of the proposals that were skipped as repeats, and of the trials for which the policy was re-heated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = ("repeats_skipped", "reheated_trials")


def upgrade() -> None:
    """Adds the columns; earlier versions skipped none."""
    for name in _COLUMNS:
        op.add_column("campaigns", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drops the columns."""
    with op.batch_alter_table("campaigns") as table:
        for name in _COLUMNS:
            table.drop_column(name)
