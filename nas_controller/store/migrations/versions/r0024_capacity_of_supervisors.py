"""How many trials a supervisor can train at once: the processors of its machine and its `max_parallelism`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_COLUMNS = ("processors", "max_parallelism")


def upgrade() -> None:
    """Adds the columns; a running supervisor of the version before writes none."""
    for name in _COLUMNS:
        op.add_column("supervisors", sa.Column(name, sa.Integer, nullable=True))


def downgrade() -> None:
    """Drops them."""
    with op.batch_alter_table("supervisors") as table:
        for name in _COLUMNS:
            table.drop_column(name)
