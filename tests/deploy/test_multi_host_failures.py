"""The multi-host test reads the shipped files, and reports why it is skipped where it cannot run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.compose_files import SECRETS
from tests.support.paths import ROOT


@pytest.fixture
def multi_host_failures(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script, with the modules beside it importable as when it runs."""
    monkeypatch.syspath_prepend(str(ROOT / "deploy"))
    import multi_host_failures

    yield multi_host_failures
    for path in (ROOT / "deploy").glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_its_services_are_those_of_docker_compose(multi_host_failures: ModuleType, project: dict[str, Any]) -> None:
    import compose_project
    import service_hosts

    assert compose_project.compose_services(SECRETS) == project["services"]
    assert {*service_hosts.SERVICE_HOSTS, "worker"} == project["services"].keys()


def test_it_has_the_environment_and_entry_point_of_the_image(multi_host_failures: ModuleType) -> None:
    import compose_project

    environment = compose_project.image_environment()
    assert environment["PATH"].startswith("/opt/effspine/bin:/usr/local/sbin:")
    assert environment["EFFSPINE_DATA_DIR"] == "/data"
    assert compose_project.image_entrypoint() == ["/usr/bin/tini", "--"]


def test_without_root_it_is_skipped_with_the_reason(
    multi_host_failures: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["multi_host_failures.py"])
    assert multi_host_failures.main() == multi_host_failures.SKIPPED
    assert "skipped: network namespaces need root" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [subprocess.CalledProcessError(1, "ip link"), subprocess.TimeoutExpired("psql", 300), RuntimeError("no")]
)
def test_a_failure_names_the_directory_of_the_logs(
    multi_host_failures: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    def failing(*_: object) -> None:
        raise error

    for name in ("missing_requirement", "missing_program"):
        monkeypatch.setattr(multi_host_failures, name, lambda: None)
    monkeypatch.setattr(multi_host_failures, "ServiceHosts", failing)
    monkeypatch.setattr(sys, "argv", ["multi_host_failures.py"])
    assert multi_host_failures.main() == 1
    failed, logs = capsys.readouterr().err.splitlines()
    assert failed.startswith("failed: ")
    directory = Path(logs.removeprefix("logs are in "))
    assert directory.is_dir()
    directory.rmdir()
