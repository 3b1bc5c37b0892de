"""Drops the table that counted exports: an export no longer writes to the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drops the table."""
    op.drop_table("exports")


def downgrade() -> None:
    """Creates the table, empty."""
    op.create_table(
        "exports",
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("trial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("format", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "trial"], ["trials.campaign_id", "trials.number"], name="fk_exports_trials"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "trial", "format", "sha256", name="pk_exports"),
    )
