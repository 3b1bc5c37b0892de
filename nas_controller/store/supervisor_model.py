"""The table of supervisors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from nas_controller.store.model_base import Base


class Supervisor(Base):
    """A supervisor and its latest heartbeat."""

    __tablename__ = "supervisors"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    failing_sinks: Mapped[dict[str, Any]]
    processors: Mapped[int | None]
    max_parallelism: Mapped[int | None]
