"""deploy/Dockerfile: copied files exist, installations are locked, and the image runs without root."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.support.paths import ROOT

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
LOCKS = ROOT / "deploy" / "locks"


def _pins(name: str) -> dict[str, str]:
    path = ROOT / name if "/" in name or name == "requirements.lock" else LOCKS / f"{name}.lock"
    return dict(re.findall(r"^([\w.-]+(?:\[[\w,-]+\])?)==([^ \\;]+)", path.read_text(), re.MULTILINE))


def _copied() -> list[str]:
    sources = [
        source for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for source in line.split()
    ]
    return [source.replace("${VARIANT}", variant) for source in sources for variant in ("cpu", "gpu")]


def test_copied_files_exist_and_are_not_ignored() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert _copied()
    for source in _copied():
        path = source.removeprefix("./")
        assert (ROOT / path).exists(), source
        assert any(path == each or path.startswith(f"{each}/") for each in allowed), source


def test_it_copies_every_package_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(_copied())


def test_every_installation_requires_hashes() -> None:
    steps = re.sub(r"\\\n\s*", "", DOCKERFILE)
    installs = [part for part in re.split(r"&&|^RUN", steps, flags=re.MULTILINE) if "pip install" in part]
    assert len(installs) == 4
    for install in installs:
        assert "--require-hashes" in install or "--no-deps" in install


@pytest.mark.parametrize("variant", ["cpu", "gpu", "build"])
def test_the_image_has_the_tested_versions(variant: str) -> None:
    tested, locked = _pins("requirements.lock"), _pins(variant)
    shared = tested.keys() & locked.keys()
    assert len(shared) >= 5
    assert {name: locked[name] for name in shared} == {name: tested[name] for name in shared}


def test_the_image_has_the_libraries_for_postgresql_mlflow_and_gpus() -> None:
    assert {"psycopg", "psycopg-binary", "mlflow-skinny"} <= _pins("cpu").keys() & _pins("gpu").keys()
    assert any(name.startswith("nvidia-") for name in _pins("gpu"))
    assert not any(name.startswith("nvidia-cudnn") for name in _pins("cpu"))


def test_every_stage_ends_with_an_unprivileged_user() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    named = {stage.split()[2]: stage for stage in stages if " AS " in stage.splitlines()[0]}
    assert re.findall(r"^USER (\S+)$", named["service"], re.MULTILINE)[-1] == "10001:10001"
    assert re.findall(r"^USER (\S+)$", named["launcher"], re.MULTILINE)[-1] == "10001:10001"
    assert stages[-1].strip() == "service"
    assert "HEALTHCHECK" in named["service"]
