"""The sinks that a supervisor cannot write, with the cause of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; a running supervisor of the version before writes none."""
    op.add_column("supervisors", sa.Column("failing_sinks", sa.JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    """Drops it."""
    with op.batch_alter_table("supervisors") as table:
        table.drop_column("failing_sinks")
