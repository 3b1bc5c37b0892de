"""docs/operations.md names existing commands, settings, files and ports."""

from __future__ import annotations

import re
import shlex

import pytest

from api.settings import Settings
from tests.deploy.test_compose import assert_parses
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
_OTHER_VARIABLES = {"EFFSPINE_KUBERAY_CRD", "EFFSPINE_URL"}


def _commands() -> list[str]:
    lines = re.sub(r"\\\n\s*", "", PAGE).splitlines()
    blocks = [line.split("     #")[0] for line in lines if line.startswith("    ")]
    return [
        match[1]
        for line in blocks
        if (match := re.search(r"(?<![\w/.-])effspine ((?:api|campaign|data|keys|sup).*)", line))
    ]


def test_it_has_commands() -> None:
    assert len(_commands()) >= 5


@pytest.mark.parametrize("command", _commands())
def test_its_commands_exist(command: str) -> None:
    assert_parses(shlex.split(command))


def test_its_variables_are_settings() -> None:
    known = {f"EFFSPINE_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bEFFSPINE_[A-Z_]+\b", PAGE)) <= known | _OTHER_VARIABLES


def test_its_files_exist() -> None:
    named = set(re.findall(r"\bdeploy/[\w./-]*\w", PAGE)) | {"docker-compose.yml", ".env.example"}
    assert len(named) >= 5
    for name in named:
        assert (ROOT / name).exists(), name


def test_its_ports_are_those_of_the_compose_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert "--port=6379" in text
    assert '--port, "8000"' in text
    assert re.findall(r"^\| (\d+)", PAGE, re.MULTILINE) == ["8000", "5432", "6379", "10001"]
