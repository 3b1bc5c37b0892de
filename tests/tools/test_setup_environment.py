"""What `make setup` says when it cannot go on: one line that names the cause."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.support.paths import ROOT

SCRIPT = ROOT / "tools" / "setup_environment.py"


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_environment", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
def test_the_wrong_python_is_named_with_the_right_ones(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: tuple[int, int]
) -> None:
    monkeypatch.setattr(tool.sys, "version_info", (*version, 0))
    with pytest.raises(SystemExit):
        tool.check_python()
    said = capsys.readouterr().err
    assert f"this is Python {version[0]}.{version[1]}; effspine needs 3.11 to 3.13" in said
    assert len(said.splitlines()) == 1


def test_a_full_disk_is_seen_before_anything_is_written(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool.shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * 2**30))
    tool.check_disk(2)
    with pytest.raises(SystemExit):
        tool.check_disk(tool.NEEDED_GB[".venv"])
    assert "the disk has 3.0 GB free; the environment needs about 5 GB" in capsys.readouterr().err


def test_every_environment_has_a_size(tool: ModuleType) -> None:
    names = {path.stem.removeprefix("requirements") for path in ROOT.glob("requirements-*.txt")}
    assert tool.NEEDED_GB.keys() == {".venv", *(f".venv{name}" for name in names)}


@pytest.mark.parametrize(
    ("output", "meaning"),
    [
        ("x\nERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("Failed to establish a new connection: [Errno -3] Temporary failure in name resolution", "no network?"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "does not match the lock"),
        ("Error: Command '['python', '-m', 'ensurepip']': ensurepip is not available", "has no venv module"),
        ("something\nERROR: the last line\n\n", "ERROR: the last line"),
    ],
)
def test_the_installers_output_becomes_its_cause(tool: ModuleType, output: str, meaning: str) -> None:
    assert meaning in tool.reason(output)


def test_without_a_network_the_set_up_ends_with_one_line(tmp_path: Path) -> None:
    """The real installer, asked for a package from a port where nothing answers."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / SCRIPT.name).write_text(SCRIPT.read_text())
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "requirements.lock").write_text(f"nothing-of-the-kind==1.0 --hash=sha256:{'0' * 64}\n")
    (tmp_path / "requirements-exports.txt").write_text("nothing-of-the-kind==1.0\n")
    installer = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    installer |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    for which, log in (([], ".venv-setup.log"), (["exports"], ".venv-exports-setup.log")):
        command = [sys.executable, tmp_path / "tools" / SCRIPT.name, *which]
        done = subprocess.run(command, env=installer, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1
        assert "the package index cannot be reached" in done.stderr.splitlines()[-1]
        assert log in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
        assert (tmp_path / log).exists()
