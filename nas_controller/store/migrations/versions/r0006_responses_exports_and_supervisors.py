"""Adds idempotency keys, exports, supervisors, and sums per campaign for metrics."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any], bool], ...] = (
    ("queued_at", _TIME, False),
    ("queue_seconds", sa.Double(), False),
    ("progress_reports", sa.Integer(), True),
    ("first_reports", sa.Integer(), True),
    ("first_report_seconds", sa.Double(), True),
    ("trials_failed", sa.Integer(), True),
    ("rewards_accepted", sa.Integer(), True),
    ("workers_killed", sa.Integer(), True),
    ("attempts_lost", sa.Integer(), True),
)
# An abandoned attempt counts as lost with its runner unless its trial was stopped with the campaign. Attempts that a
# pause abandoned cannot be distinguished from lost ones, so they count too.
_COUNTED = {
    "trials_failed": "FROM trials WHERE trials.campaign_id = campaigns.id AND trials.state = 'failed'",
    "rewards_accepted": "FROM attempts WHERE attempts.campaign_id = campaigns.id AND attempts.state = 'accepted'",
    "workers_killed": "FROM attempts WHERE attempts.campaign_id = campaigns.id AND attempts.state = 'failed' "
    "AND attempts.error_kind = 'worker-killed'",
    "attempts_lost": "FROM attempts JOIN trials ON trials.campaign_id = attempts.campaign_id "
    "AND trials.number = attempts.trial WHERE attempts.campaign_id = campaigns.id AND attempts.state = 'abandoned' "
    "AND (trials.state != 'stopped' OR attempts.number < trials.attempts)",
}


def upgrade() -> None:
    """Creates the tables and adds the columns, filled from the existing rows."""
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.String(16), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("held_until", _TIME, nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("headers", sa.JSON()),
        sa.Column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_table(
        "exports",
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("last_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "trial", "format", "sha256", name=op.f("pk_exports")),
        sa.ForeignKeyConstraint(
            ["campaign_id", "trial"], ["trials.campaign_id", "trials.number"], name=op.f("fk_exports_trials")
        ),
    )
    op.create_table(
        "supervisors",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervisors")),
    )
    for name, kind, is_count in _COLUMNS:
        default = "0" if is_count else None
        op.add_column("campaigns", sa.Column(name, kind, nullable=not is_count, server_default=default))
    for name, counted in _COUNTED.items():
        op.execute(f"UPDATE campaigns SET {name} = (SELECT count(*) {counted})")
    _fill_queue_seconds()


def _fill_queue_seconds() -> None:
    campaigns = sa.table(
        "campaigns",
        sa.column("id", sa.String(32)),
        sa.column("created_at", _TIME),
        sa.column("started_at", _TIME),
        sa.column("queue_seconds", sa.Double()),
    )
    query = sa.select(campaigns.c.id, campaigns.c.created_at, campaigns.c.started_at)
    for campaign_id, created_at, started_at in op.get_bind().execute(query).all():
        if started_at is not None:
            seconds = max(0.0, (started_at - created_at).total_seconds())
            op.execute(campaigns.update().where(campaigns.c.id == campaign_id).values(queue_seconds=seconds))


def downgrade() -> None:
    """Drops the columns and tables."""
    for name, _, _ in reversed(_COLUMNS):
        op.drop_column("campaigns", name)
    op.drop_table("supervisors")
    op.drop_table("exports")
    op.drop_index("ix_idempotency_keys_created_at", "idempotency_keys")
    op.drop_table("idempotency_keys")
