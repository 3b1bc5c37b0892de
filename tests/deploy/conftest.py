"""The resolved Compose project."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.compose_files import resolved_project


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """The project of docker-compose.yml."""
    return resolved_project()


@pytest.fixture(scope="session")
def gpu_project() -> dict[str, Any]:
    """The project with the override for GPUs."""
    return resolved_project("deploy/compose.gpu.yml")
