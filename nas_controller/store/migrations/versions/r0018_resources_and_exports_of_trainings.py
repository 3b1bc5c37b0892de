"""The resources of a training, and exports of trainings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns; an export is of a trial or of a training."""
    op.add_column("trainings", sa.Column("resources", sa.JSON(none_as_null=True), nullable=False, server_default="{}"))
    with op.batch_alter_table("exports") as table:
        table.add_column(sa.Column("training_id", sa.String(32)))
        table.alter_column("campaign_id", existing_type=sa.String(32), nullable=True)
        table.alter_column("trial", existing_type=sa.Integer(), nullable=True)
        table.create_foreign_key("fk_exports_trainings", "trainings", ["training_id"], ["id"])
    op.create_index("ix_exports_training_id", "exports", ["training_id"])


def downgrade() -> None:
    """Drops them, with the exports of trainings."""
    op.execute("DELETE FROM exports WHERE training_id IS NOT NULL")
    op.drop_index("ix_exports_training_id", "exports")
    with op.batch_alter_table("exports") as table:
        table.drop_constraint("fk_exports_trainings", type_="foreignkey")
        table.alter_column("trial", existing_type=sa.Integer(), nullable=False)
        table.alter_column("campaign_id", existing_type=sa.String(32), nullable=False)
        table.drop_column("training_id")
    with op.batch_alter_table("trainings") as table:
        table.drop_column("resources")
