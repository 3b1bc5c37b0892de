"""Adds the AP measured during training and the step of an early stop to trials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns, empty for earlier trials."""
    op.add_column("trials", sa.Column("progress_ap", sa.Double()))
    op.add_column("trials", sa.Column("stopped_early_step", sa.Integer()))


def downgrade() -> None:
    """Drops the columns."""
    op.drop_column("trials", "stopped_early_step")
    op.drop_column("trials", "progress_ap")
