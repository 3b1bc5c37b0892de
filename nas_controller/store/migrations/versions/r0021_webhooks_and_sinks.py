"""Webhooks, the messages to them, and how far sinks have the record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nas_controller.store.models import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("campaign_id", sa.String(32)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime()),
        sa.Column("disabled_because", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("webhook_id", sa.String(32), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("campaign_id", sa.String(32)),
        sa.Column("event", sa.Integer()),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("payload", sa.JSON()),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime()),
        sa.Column("gives_up_at", UtcDateTime(), nullable=False),
        sa.Column("claimed_until", UtcDateTime()),
        sa.Column("last_attempt_at", UtcDateTime()),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_response", sa.Text()),
        sa.Column("last_error", sa.Text()),
        sa.Column("last_seconds", sa.Double()),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_webhook_deliveries_webhooks"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
    )
    op.create_index("ix_webhook_deliveries_state", "webhook_deliveries", ["state", "next_attempt_at"])
    op.create_index("ix_webhook_deliveries_webhook_id", "webhook_deliveries", ["webhook_id", "id"])
    op.create_table(
        "sink_cursors",
        sa.Column("sink", sa.String(16), nullable=False),
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("target", sa.String(64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("owner", sa.String(40)),
        sa.Column("claimed_until", UtcDateTime()),
        sa.PrimaryKeyConstraint("sink", "campaign_id", name="pk_sink_cursors"),
    )


def downgrade() -> None:
    """Drops the tables."""
    op.drop_table("sink_cursors")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
