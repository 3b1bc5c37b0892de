"""docker-compose.yml as Docker Compose resolves it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

SECRETS = {"POSTGRES_PASSWORD": "a-password-of-the-tests", "RAY_AUTH_TOKEN": "a-token-of-the-tests"}


def compose(environment: Mapping[str, str], *overrides: str) -> subprocess.CompletedProcess[str]:
    """`docker compose config` of the shipped files, with only this environment."""
    files = [part for name in ("docker-compose.yml", *overrides) for part in ("--file", str(ROOT / name))]
    command = [str(Path(sys.executable).parent / "docker-compose"), *files, "--env-file", "/dev/null", "config"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
    return subprocess.run([*command, "--format", "json"], env=environment, capture_output=True, text=True, check=False)


def resolved_project(*overrides: str) -> dict[str, Any]:
    """The project that Docker Compose reads from the files."""
    read = compose(SECRETS, *overrides)
    assert read.returncode == 0, read.stderr
    project: dict[str, Any] = json.loads(read.stdout)
    return project
