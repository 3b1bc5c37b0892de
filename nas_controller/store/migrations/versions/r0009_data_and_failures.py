"""The identity of a campaign's data, the kind of its error, what it waits for, and counts of failures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_CAMPAIGN_COLUMNS = ("data", "error_kind", "waiting_for", "failures", "consecutive_failures", "retry_epoch")
_TRAINED = "trials.campaign_id = campaigns.id AND trials.reused_from IS NULL"


def upgrade() -> None:
    """Adds the columns and counts the failures so far; what earlier versions did not record is null."""
    op.add_column("campaigns", sa.Column("data", sa.JSON(none_as_null=True)))
    op.add_column("campaigns", sa.Column("error_kind", sa.String(40)))
    op.add_column("campaigns", sa.Column("waiting_for", sa.Text()))
    for name in _CAMPAIGN_COLUMNS[3:]:
        op.add_column("campaigns", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("attempts", sa.Column("data_sha256", sa.String(64)))
    failed = f"SELECT count(*) FROM trials WHERE {_TRAINED} AND trials.state = 'failed'"
    latest = f"SELECT max(trials.finished_at) FROM trials WHERE {_TRAINED} AND trials.state = 'completed'"
    op.execute(f"UPDATE campaigns SET failures = ({failed})")
    op.execute(
        "UPDATE campaigns SET consecutive_failures = "
        f"({failed} AND trials.finished_at > coalesce(({latest}), campaigns.created_at))"
    )


def downgrade() -> None:
    """Drops the columns."""
    with op.batch_alter_table("attempts") as table:
        table.drop_column("data_sha256")
    with op.batch_alter_table("campaigns") as table:
        for name in _CAMPAIGN_COLUMNS:
            table.drop_column(name)
