"""The trial that the finals of a campaign rank first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_CAMPAIGNS = sa.table("campaigns", sa.column("id", sa.String), sa.column("finals", sa.JSON(none_as_null=True)))


def upgrade() -> None:
    """Adds the field to the stored documents; earlier versions ranked none but the winner."""
    _rewrite(lambda finals: {**finals, "best": finals["winner"]})


def downgrade() -> None:
    """Drops the field."""
    _rewrite(lambda finals: {name: value for name, value in finals.items() if name != "best"})


def _rewrite(changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    connection, columns = op.get_bind(), _CAMPAIGNS.c
    query = sa.select(columns.id, columns.finals).where(columns.finals.is_not(None))
    for campaign_id, finals in connection.execute(query).all():
        connection.execute(sa.update(_CAMPAIGNS).where(columns.id == campaign_id).values(finals=changed(finals)))
