"""The finals of campaigns, and their trainings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nas_controller.store.models import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column and the table."""
    op.add_column("campaigns", sa.Column("finals", sa.JSON(none_as_null=True)))
    op.create_table(
        "finals",
        sa.Column("campaign_id", sa.String(32), primary_key=True),
        sa.Column("trial", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seed", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempt_started_at", UtcDateTime()),
        sa.Column("reward", sa.Double()),
        sa.Column("metrics", sa.JSON(none_as_null=True)),
        sa.Column("error", sa.Text()),
        sa.Column("error_kind", sa.String(40)),
        sa.Column("log_tail", sa.Text()),
        sa.Column("data_sha256", sa.String(64)),
        sa.Column("progress_step", sa.Integer()),
        sa.Column("progress_total", sa.Integer()),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime()),
        sa.ForeignKeyConstraint(
            ["campaign_id", "trial"], ["trials.campaign_id", "trials.number"], name="fk_finals_trials"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "trial", "seed", name="pk_finals"),
    )


def downgrade() -> None:
    """Drops the table and the column."""
    op.drop_table("finals")
    with op.batch_alter_table("campaigns") as table:
        table.drop_column("finals")
