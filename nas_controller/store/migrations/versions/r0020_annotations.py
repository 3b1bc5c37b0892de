"""Notes, tags and the archive of campaigns, the gain that finals have measured, an index for their list, and deleted
campaigns whose files may be left.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nas_controller.store.models import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_LISTED = ("archived", "id", "state", "name", "tags", "started_at", "baseline_reward", "best_reward", "finals_gain")

_CAMPAIGNS = sa.table(
    "campaigns", sa.column("id", sa.String), sa.column("finals", sa.JSON), sa.column("finals_gain", sa.Double)
)
_FINALS = sa.table("finals", *map(sa.column, ("campaign_id", "trial", "seed", "reward")))
_BEST = _CAMPAIGNS.c.finals["best"].as_integer()


def _mean_difference() -> sa.ScalarSelect[float]:
    """The mean difference of the rewards of the trial that the finals rank first, and the baseline."""
    best, baseline = _FINALS.alias("best"), _FINALS.alias("baseline")
    pairs = (best.c.campaign_id == baseline.c.campaign_id) & (best.c.seed == baseline.c.seed)
    return (
        sa.select(sa.func.avg(best.c.reward - baseline.c.reward))
        .select_from(best.join(baseline, pairs))
        .where(best.c.campaign_id == _CAMPAIGNS.c.id, best.c.trial == _BEST, baseline.c.trial == 0)
        .scalar_subquery()
    )


def upgrade() -> None:
    """Adds them; campaigns of earlier versions have no notes and tags and are not archived."""
    op.add_column("campaigns", sa.Column("notes", sa.Text, nullable=False, server_default=""))
    op.add_column("campaigns", sa.Column("tags", sa.Text, nullable=False, server_default=""))
    op.add_column("campaigns", sa.Column("archived", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("campaigns", sa.Column("finals_gain", sa.Double))
    op.execute(_CAMPAIGNS.update().where(_BEST.is_not(None)).values(finals_gain=_mean_difference()))
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
    for name in ("finals_gain", "archived", "tags", "notes"):
        op.drop_column("campaigns", name)
