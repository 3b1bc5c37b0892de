"""Where the service keeps its files and where it listens, from the environment (EFFSPINE_...) or the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from nas_controller.store.database import sqlite_url
from search_space.data_dir import default_data_dir

DATABASE_FILE = "effspine.db"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000


class Settings(BaseSettings):
    """Settings of the service; each is read from EFFSPINE_ and its name, in capitals."""

    model_config = SettingsConfigDict(env_prefix="EFFSPINE_", env_ignore_empty=True)

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: str = ""
    host: str = DEFAULT_HOST
    port: int = Field(DEFAULT_PORT, ge=1, le=65535)

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        self.data_dir = self.data_dir.expanduser().absolute()
        self.database_url = self.database_url or sqlite_url(self.data_dir / DATABASE_FILE)
        return self

    @property
    def url(self) -> str:
        """The address that a person opens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"
