"""The training of a campaign's shared weights, and the version of its stored specification."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns; specifications stored before are of version 0."""
    op.add_column("campaigns", sa.Column("shared_training", sa.JSON(none_as_null=True)))
    op.add_column("campaigns", sa.Column("spec_version", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drops the columns."""
    with op.batch_alter_table("campaigns") as table:
        table.drop_column("shared_training")
        table.drop_column("spec_version")
