"""The multi-host proof reads the shipped files, and reports why it is skipped where it cannot run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.support.compose_files import SECRETS
from tests.support.paths import ROOT


@pytest.fixture
def prove_hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script, with the modules beside it importable as when it runs."""
    monkeypatch.syspath_prepend(str(ROOT / "deploy"))
    import prove_hosts

    yield prove_hosts
    for path in (ROOT / "deploy").glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_its_services_are_those_of_docker_compose(prove_hosts: ModuleType, project: dict[str, Any]) -> None:
    import compose_project
    import service_hosts

    assert compose_project.compose_services(SECRETS) == project["services"]
    assert {*service_hosts.SERVICE_HOSTS, "worker"} == project["services"].keys()


def test_it_has_the_environment_and_entry_point_of_the_image(prove_hosts: ModuleType) -> None:
    import compose_project

    environment = compose_project.image_environment()
    assert environment["PATH"].startswith("/opt/effspine/bin:/usr/local/sbin:")
    assert environment["EFFSPINE_DATA_DIR"] == "/data"
    assert compose_project.image_entrypoint() == ["/usr/bin/tini", "--"]


def test_without_root_it_is_skipped_with_the_reason(
    prove_hosts: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["prove_hosts.py"])
    assert prove_hosts.main() == prove_hosts.SKIPPED
    assert "skipped: network namespaces need root" in capsys.readouterr().err
