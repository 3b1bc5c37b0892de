"""Trainings of one network, and their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nas_controller.store.models import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "trainings",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("task", sa.String(40), nullable=False),
        sa.Column("campaign_id", sa.String(32)),
        sa.Column("trial", sa.Integer()),
        sa.Column("model", sa.String(200)),
        sa.Column("specification", sa.JSON()),
        sa.Column("dataset", sa.String(64), nullable=False),
        sa.Column("recipe", sa.String(40), nullable=False),
        sa.Column("overrides", sa.JSON(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("start", sa.String(16), nullable=False),
        sa.Column("start_model", sa.String(100)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("progress", sa.JSON()),
        sa.Column("figures", sa.JSON()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(40)),
        sa.Column("device_seconds", sa.Double(), nullable=False),
        sa.Column("earlier_seconds", sa.Double(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("log_tail", sa.Text()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("finished_at", UtcDateTime()),
        sa.Column("last_event", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "trial"], ["trials.campaign_id", "trials.number"], name="fk_trainings_trials"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_trainings"),
    )
    op.create_index("ix_trainings_state", "trainings", ["state"])
    op.create_table(
        "training_events",
        sa.Column("training_id", sa.String(32), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["training_id"], ["trainings.id"], name="fk_training_events_trainings"),
        sa.PrimaryKeyConstraint("training_id", "sequence", name="pk_training_events"),
    )


def downgrade() -> None:
    """Drops the tables."""
    op.drop_table("training_events")
    op.drop_table("trainings")
