"""Runs migrations on the connection, and in the transaction, that `nas_controller.store.schema` passes."""

from __future__ import annotations

from alembic import context

from nas_controller.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
