"""The proof over several hosts reads the shipped files, and says why it cannot be run where it cannot."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.conftest import SECRETS
from tests.support.paths import ROOT


@pytest.fixture
def prove_hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "deploy"))
    import prove_hosts

    yield prove_hosts
    for name in ("prove_hosts", "network_hosts"):
        sys.modules.pop(name, None)


def test_it_runs_what_docker_compose_would(prove_hosts: Any, project: dict[str, Any]) -> None:
    assert prove_hosts.compose_services(SECRETS) == project["services"]
    assert {*prove_hosts.PLACES, "worker"} == project["services"].keys()


def test_it_knows_what_the_image_sets(prove_hosts: Any) -> None:
    environment = prove_hosts.image_environment()
    assert environment["PATH"].startswith("/opt/effspine/bin:/usr/local/sbin:")
    assert environment["EFFSPINE_DATA_DIR"] == "/data"
    assert prove_hosts.image_entrypoint() == ["/usr/bin/tini", "--"]


def test_without_root_it_is_skipped_with_the_reason(
    prove_hosts: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["prove_hosts.py"])
    assert prove_hosts.main() == prove_hosts.SKIPPED
    assert "skipped: network namespaces need root" in capsys.readouterr().err
