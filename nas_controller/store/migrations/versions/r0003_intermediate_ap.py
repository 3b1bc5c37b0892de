"""Trials show the AP that is measured while they train, and where they were stopped early."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds empty columns: no earlier trial was measured in between or stopped."""
    op.add_column("trials", sa.Column("progress_ap", sa.Double()))
    op.add_column("trials", sa.Column("stopped_early_step", sa.Integer()))


def downgrade() -> None:
    """Drops them."""
    op.drop_column("trials", "stopped_early_step")
    op.drop_column("trials", "progress_ap")
