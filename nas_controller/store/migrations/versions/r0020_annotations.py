"""Notes, tags and the archive of campaigns, an index for their list, and deleted ones whose files may be left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nas_controller.store.models import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_LISTED = ("archived", "id", "state", "name", "tags", "started_at", "baseline_reward", "best_reward")


def upgrade() -> None:
    """Adds them; campaigns of earlier versions have no notes and tags and are not archived."""
    op.add_column("campaigns", sa.Column("notes", sa.Text, nullable=False, server_default=""))
    op.add_column("campaigns", sa.Column("tags", sa.Text, nullable=False, server_default=""))
    op.add_column("campaigns", sa.Column("archived", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_campaigns_archived_id", "campaigns", _LISTED)
    op.create_index("ix_trainings_campaign_id_trial", "trainings", ["campaign_id", "trial"])
    op.create_table(
        "campaign_deletions",
        sa.Column("campaign_id", sa.String(32)),
        sa.Column("exports", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name="pk_campaign_deletions"),
    )


def downgrade() -> None:
    """Drops them."""
    op.drop_table("campaign_deletions")
    op.drop_index("ix_trainings_campaign_id_trial", "trainings")
    op.drop_index("ix_campaigns_archived_id", "campaigns")
    for name in ("archived", "tags", "notes"):
        op.drop_column("campaigns", name)
