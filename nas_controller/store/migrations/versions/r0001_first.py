"""The first schema: campaigns, trials, attempts, measurements, controller states, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_JSON = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """Creates the tables. Long because a revision is one function."""
    op.create_table(
        "campaigns",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("spec", _JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("finished_at", _TIME),
        sa.Column("error", sa.Text()),
        sa.Column("trials_begun", sa.Integer(), nullable=False),
        sa.Column("trials_finished", sa.Integer(), nullable=False),
        sa.Column("baseline_reward", sa.Double()),
        sa.Column("best_reward", sa.Double()),
        sa.Column("best_trial", sa.Integer()),
        sa.Column("last_event", sa.Integer(), nullable=False),
        sa.Column("lease_epoch", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(200)),
        sa.Column("lease_expires_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
    )
    op.create_index("ix_campaigns_state_id", "campaigns", ["state", "id"])
    op.create_table(
        "trials",
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reward", sa.Double()),
        sa.Column("choices", _JSON),
        sa.Column("log_probability", sa.Double()),
        sa.Column("betas", _JSON, nullable=False),
        sa.Column("alphas", _JSON, nullable=False),
        sa.Column("widths", _JSON, nullable=False),
        sa.Column("madds", sa.BigInteger(), nullable=False),
        sa.Column("params", sa.BigInteger(), nullable=False),
        sa.Column("madds_ratio", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("accepted_attempt", sa.Integer()),
        sa.Column("reused_from", sa.Integer()),
        sa.Column("metrics", _JSON),
        sa.Column("error", sa.Text()),
        sa.Column("progress_step", sa.Integer()),
        sa.Column("progress_total", sa.Integer()),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.PrimaryKeyConstraint("campaign_id", "number", name="pk_trials"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_trials_campaigns"),
    )
    op.create_index("ix_trials_campaign_id_state", "trials", ["campaign_id", "state"])
    op.create_index("ix_trials_campaign_id_reward", "trials", ["campaign_id", "reward"])
    op.create_table(
        "attempts",
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("reward", sa.Double()),
        sa.Column("metrics", _JSON),
        sa.Column("error", sa.Text()),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.PrimaryKeyConstraint("campaign_id", "trial", "number", name="pk_attempts"),
        sa.ForeignKeyConstraint(
            ["campaign_id", "trial"], ["trials.campaign_id", "trials.number"], name="fk_attempts_trials"
        ),
    )
    op.create_index("ix_attempts_campaign_id_state", "attempts", ["campaign_id", "state"])
    op.create_table(
        "measurements",
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("values", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "trial", "attempt", "step", name="pk_measurements"),
        sa.ForeignKeyConstraint(
            ["campaign_id", "trial", "attempt"],
            ["attempts.campaign_id", "attempts.trial", "attempts.number"],
            name="fk_measurements_attempts",
        ),
    )
    op.create_table(
        "controller_states",
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name="pk_controller_states"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_controller_states_campaigns"),
    )
    op.create_table(
        "events",
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "sequence", name="pk_events"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_events_campaigns"),
    )


def downgrade() -> None:
    """Drops all tables."""
    for table in ("events", "controller_states", "measurements", "attempts", "trials", "campaigns"):
        op.drop_table(table)
