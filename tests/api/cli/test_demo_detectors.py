"""The end of the demo: exported folders, a picture, and the commands of the README, which need no effspine."""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from api.cli import demo
from api.cli.demo_detectors import LATEST, PACKAGES, PICTURE, commands, link_latest, write_detectors
from api.client import Client
from api.settings import Settings
from nas_controller.store import Store
from nas_controller.supervision.export_job import run
from search_space.detector_model import CONFIG_FILE
from search_space.document import load_block_specification
from search_space.errors import EffspineError
from tests.support.export_runtime import run_export
from tests.support.paths import ROOT
from tests.support.recorder import Recorder
from tests.support.without_effspine import run_without_effspine

HALF = {"images": 4, "boxes": 9, "annotations_sha256": "1" * 64, "images_sha256": "2" * 64}
DATA = {"sha256": "0" * 64, "train": HALF, "reserved": HALF, "classes": [{"id": 1, "name": "digit"}]}
SPACE = {"base": {"widths": [32] * 18, "input_px": 64, "subnet_width": 16, "subnet_layers": 1}}


@contextmanager
def making_exports(store: Store, data_dir: Path) -> Iterator[None]:
    """Makes the exports that are requested, as a supervisor and its processes do."""
    ended = threading.Event()

    def make() -> None:
        while not ended.wait(0.05):
            claimed = store.runner.export_queue.claim("s-1")
            if claimed is not None:
                run(store, data_dir, claimed.id, claimed.attempts)

    thread = threading.Thread(target=make)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def settings(tmp_path: Path, port: int) -> Settings:
    """Those of the service, whose data set has one validation image."""
    settings = Settings(data_dir=tmp_path / "data", port=port)
    pictures = settings.data_dir / "datasets" / "digits" / "val"
    pictures.mkdir(parents=True)
    Image.effect_noise((60, 40), 80).convert("RGB").save(pictures / "2.jpg")
    return settings


@pytest.fixture
def ended(served: Store, settings: Settings, port: int, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    """The directory that a demo of a trained campaign has left, and what its end has printed."""
    task = {"profile": "smoke"}
    recorder = Recorder(
        served, trials=2, name="demo", dataset="digits", proxy_task=task, search_space=SPACE, data=DATA
    ).run(2)
    with Client(settings.url) as client, making_exports(served, settings.data_dir):
        campaign = client.campaign(recorder.id)
        demo._report(client, campaign, settings, 0.0, service_keeps_running=False)
    return settings.data_dir / "demo" / recorder.id, capsys.readouterr().out


def test_the_end_has_both_folders_a_picture_and_the_commands(ended: tuple[Path, str], settings: Settings) -> None:
    directory, printed = ended
    latest = settings.data_dir / "demo" / LATEST
    assert latest.resolve() == directory.resolve()
    for format in PACKAGES:
        specification = load_block_specification(latest / format / CONFIG_FILE)
        assert specification.classes == DATA["classes"]
        assert (latest / format / "predict.py").is_file()
    with Image.open(latest / PICTURE) as picture:
        assert picture.size == (60, 40)
    for command in commands(latest):
        assert f"\n{command}\n" in printed
    assert {path.name for path in directory.iterdir() if path.is_dir()} == set(PACKAGES)


def test_the_readme_has_the_same_commands_for_the_usual_data_directory() -> None:
    usual = "~/.local/share/effspine"
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("### From the winner")[2]
    block = re.search(r"\n\n((?:    .*\n)+)\n", section)
    assert block is not None
    lines = "".join(line[4:] for line in block[1].splitlines(keepends=True))
    printed = "\n".join(["make demo", *commands(Path("/HOME") / "demo" / LATEST)])
    assert lines.rstrip("\n") == printed.replace("/HOME", usual)


def test_a_path_with_a_space_stays_one_word() -> None:
    directory = Path("/a data dir/it's/demo")
    for format, command in zip(PACKAGES, commands(directory), strict=True):
        words = shlex.split(command.replace("\\\n", " "))
        assert [str(directory / format / "predict.py"), str(directory / PICTURE)] == words[-4:-2]
        assert words[-2:] == ["--out", f"drawn-{format}"]


def test_the_link_follows_the_latest_demo_and_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        assert link_latest(tmp_path / name) == tmp_path / LATEST
        assert (tmp_path / LATEST).resolve() == (tmp_path / name).resolve()
    (tmp_path / "other" / LATEST).mkdir(parents=True)
    (tmp_path / "other" / "third").mkdir()
    with pytest.raises(EffspineError, match=f"cannot write {tmp_path}/other/latest: Is a directory"):
        link_latest(tmp_path / "other" / "third")


def test_a_data_set_without_pictures_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.cli.demo_detectors.PACKAGES", {})
    with pytest.raises(EffspineError, match=f"there is no picture for .* in {tmp_path}/val"):
        write_detectors(Client("http://127.0.0.1:1"), "c_1", tmp_path, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("format", PACKAGES)
def test_the_printed_command_draws_without_effspine(ended: tuple[Path, str], format: str, tmp_path: Path) -> None:
    directory, printed = ended
    (command,) = (each for each in printed.split("\n\n") if f"--out drawn-{format}" in each)
    words = shlex.split(command.replace("\\\n", " "))
    script, picture = words[-4:-2]
    arguments = (picture, "--out", tmp_path / "drawn")
    if format == "onnx":
        printed = run_without_effspine(Path(script), *arguments)
    else:
        printed = run_export([script, *arguments], folder=tmp_path).stdout
    (found,) = json.loads(printed)
    assert (found["width"], found["height"]) == (60, 40)
    with Image.open(tmp_path / "drawn" / "picture.png") as drawn:
        assert drawn.size == (60, 40)
    assert str(directory.parent / LATEST / format) in script
