"""The end of the worker's log of a failed attempt at the shared weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CAMPAIGNS = sa.table("campaigns", sa.column("id", sa.String), sa.column("shared_training", sa.JSON(none_as_null=True)))


def upgrade() -> None:
    """Adds the field to the stored documents; earlier versions recorded no log."""
    _rewrite(lambda training: {**training, "log_tail": None})


def downgrade() -> None:
    """Drops the field."""
    _rewrite(lambda training: {name: value for name, value in training.items() if name != "log_tail"})


def _rewrite(changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    connection, columns = op.get_bind(), _CAMPAIGNS.c
    query = sa.select(columns.id, columns.shared_training).where(columns.shared_training.is_not(None))
    for campaign_id, training in connection.execute(query).all():
        update = sa.update(_CAMPAIGNS).where(columns.id == campaign_id)
        connection.execute(update.values(shared_training=changed(training)))
