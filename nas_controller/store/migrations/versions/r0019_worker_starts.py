"""When workers began the attempts of trials and finals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from nas_controller.store.models import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_CAMPAIGNS = sa.table("campaigns", sa.column("id", sa.String), sa.column("shared_training", sa.JSON(none_as_null=True)))
_TRIALS = sa.table("trials", *map(sa.column, ("campaign_id", "number", "attempts", "worker_started_at")))
_ATTEMPTS = sa.table("attempts", *map(sa.column, ("campaign_id", "trial", "number", "started_at")))
_FINALS = sa.table("finals", *map(sa.column, ("started_at", "attempt_started_at", "worker_started_at")))


def upgrade() -> None:
    """Adds the columns. Attempts of earlier versions count from when they were handed out."""
    op.add_column("trials", sa.Column("worker_started_at", UtcDateTime()))
    op.add_column("finals", sa.Column("worker_started_at", UtcDateTime()))
    latest = sa.select(_ATTEMPTS.c.started_at).where(
        _ATTEMPTS.c.campaign_id == _TRIALS.c.campaign_id,
        _ATTEMPTS.c.trial == _TRIALS.c.number,
        _ATTEMPTS.c.number == _TRIALS.c.attempts,
    )
    op.execute(_TRIALS.update().values(worker_started_at=latest.scalar_subquery()))
    began = sa.func.coalesce(_FINALS.c.attempt_started_at, _FINALS.c.started_at)
    op.execute(_FINALS.update().values(worker_started_at=began))
    _rewrite(lambda training: {**training, "worker_started_at": training["started_at"]})


def downgrade() -> None:
    """Drops them."""
    op.drop_column("trials", "worker_started_at")
    op.drop_column("finals", "worker_started_at")
    _rewrite(lambda training: {name: value for name, value in training.items() if name != "worker_started_at"})


def _rewrite(changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Changes the stored documents of the shared training."""
    connection, columns = op.get_bind(), _CAMPAIGNS.c
    query = sa.select(columns.id, columns.shared_training).where(columns.shared_training.is_not(None))
    for campaign_id, training in connection.execute(query).all():
        update = sa.update(_CAMPAIGNS).where(columns.id == campaign_id)
        connection.execute(update.values(shared_training=changed(training)))
