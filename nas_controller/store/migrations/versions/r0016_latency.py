"""The measured latency of trials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INDEX = "ix_trials_campaign_id_latency_ratio"


def upgrade() -> None:
    """Adds the columns, which are empty for trials of earlier versions, and their index."""
    op.add_column("trials", sa.Column("latency_ms", sa.Double()))
    op.add_column("trials", sa.Column("latency_ratio", sa.Double()))
    columns = ["campaign_id", "latency_ratio", "number", "state", "reward", "reused_from"]
    op.create_index(_INDEX, "trials", columns)


def downgrade() -> None:
    """Drops them."""
    op.drop_index(_INDEX, "trials")
    op.drop_column("trials", "latency_ratio")
    op.drop_column("trials", "latency_ms")
