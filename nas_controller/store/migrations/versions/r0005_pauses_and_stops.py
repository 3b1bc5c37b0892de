"""Adds pauses, device time and stop conditions to campaigns."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any], bool], ...] = (
    ("pause_mode", sa.String(8), False),
    ("paused_at", sa.DateTime(timezone=True), False),
    ("paused_seconds", sa.Double(), True),
    ("device_seconds", sa.Double(), True),
    ("trials_since_best", sa.Integer(), True),
    ("stopped_because", sa.String(40), False),
)


def upgrade() -> None:
    """Adds the columns, with counts at 0; sums up the device time of earlier attempts."""
    for name, kind, is_count in _COLUMNS:
        default = "0" if is_count else None
        op.add_column("campaigns", sa.Column(name, kind, nullable=not is_count, server_default=default))
    attempts = sa.table(
        "attempts",
        sa.column("campaign_id", sa.String(32)),
        sa.column("trial", sa.Integer()),
        sa.column("number", sa.Integer()),
        sa.column("started_at", sa.DateTime(timezone=True)),
        sa.column("finished_at", sa.DateTime(timezone=True)),
    )
    campaigns = sa.table("campaigns", sa.column("id", sa.String(32)), sa.column("device_seconds", sa.Double()))
    device_seconds: dict[str, float] = {}
    query = sa.select(attempts.c.campaign_id, attempts.c.started_at, attempts.c.finished_at)
    ended = query.where(attempts.c.finished_at.is_not(None))
    for campaign_id, started_at, finished_at in op.get_bind().execute(
        ended.order_by(attempts.c.campaign_id, attempts.c.trial, attempts.c.number)
    ):
        seconds = (finished_at - started_at).total_seconds()
        device_seconds[campaign_id] = device_seconds.get(campaign_id, 0.0) + max(0.0, seconds)
    for campaign_id, seconds in device_seconds.items():
        op.execute(campaigns.update().where(campaigns.c.id == campaign_id).values(device_seconds=seconds))


def downgrade() -> None:
    """Drops the columns."""
    for name, _, _ in reversed(_COLUMNS):
        op.drop_column("campaigns", name)
