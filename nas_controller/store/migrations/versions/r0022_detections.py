"""The lowest score of detections that are drawn, an export of its own kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("exports", sa.Column("lowest_score", sa.Double()))


def downgrade() -> None:
    """Drops it, with the detections, which the version before cannot make."""
    op.execute("DELETE FROM exports WHERE format = 'detections'")
    with op.batch_alter_table("exports") as table:
        table.drop_column("lowest_score")
