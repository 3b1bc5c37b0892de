"""Adds the kind of error and the end of the worker's log to failures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns, empty for earlier failures."""
    op.add_column("trials", sa.Column("error_kind", sa.String(40)))
    op.add_column("attempts", sa.Column("error_kind", sa.String(40)))
    op.add_column("attempts", sa.Column("log_tail", sa.Text()))


def downgrade() -> None:
    """Drops the columns."""
    op.drop_column("attempts", "log_tail")
    op.drop_column("attempts", "error_kind")
    op.drop_column("trials", "error_kind")
