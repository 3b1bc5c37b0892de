"""`effspine campaign report`: the files that it writes, and what it refuses."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import yaml
from pypdf import PdfReader

from api.cli.campaign.report import PAGE_FILE, PDF_FILE
from api.report.report import SPECIFICATION_FILE
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder

FILES = (PAGE_FILE, PDF_FILE, SPECIFICATION_FILE)
PACKED = {"search_space": {"searched_blocks": [4, 5, 6], "max_block_width": {"5": 160}}}


def pages(path: Path) -> str:
    """The text of a PDF file, in one line."""
    reader = PdfReader(io.BytesIO(path.read_bytes()))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_page_pdf_and_specification_are_written(effspine: CommandLine, served: Store, tmp_path: Path) -> None:
    recorder = Recorder(served, trials=60, name="Größe: Поиск", **PACKED).run(12)
    out = tmp_path / "out"
    done = effspine("campaign", "report", recorder.id, "--out", str(out))
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [str(out / name) for name in FILES]
    specification = (out / SPECIFICATION_FILE).read_text(encoding="utf-8")
    assert CampaignSpec.model_validate(yaml.safe_load(specification)) == recorder.spec
    text = pages(out / PDF_FILE)
    best = served.reads.get_campaign(recorder.id)
    for words in (
        "Größe: Поиск",
        f"AP {best.best_reward:.3f}",
        "channels of blocks 4, 5, 6 of sp-efficientnet-b0",
        "at most 160 channels in block 5",
        "(d) Multi-adds by level" if best.best_trial else "Multi-adds by level",
        "searched_blocks: [4, 5, 6]",
        f"effspine campaign export {recorder.id} --out best",
        "What is not known",
    ):
        assert words in text
    assert "\N{REPLACEMENT CHARACTER}" not in text
    page = (out / PAGE_FILE).read_text(encoding="utf-8")
    assert "<title>Größe: Поиск: report of a search</title>" in page
    assert specification.splitlines()[0] in page.replace("&#39;", "'")


def test_the_paths_as_json_and_a_directory_of_its_own_by_default(
    effspine: CommandLine, served: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(served).run(2)
    monkeypatch.chdir(tmp_path)
    document = effspine("campaign", "report", recorder.id, "--json").document
    directory = Path(f"report-{recorder.id}")
    assert document == {
        "campaign": recorder.id,
        "html": str(directory / PAGE_FILE),
        "pdf": str(directory / PDF_FILE),
        "specification": str(directory / SPECIFICATION_FILE),
    }
    assert all((tmp_path / directory / name).stat().st_size for name in FILES)
    before = (directory / PAGE_FILE).read_bytes()
    recorder.run(5)
    assert effspine("campaign", "report", recorder.id).status == 0
    assert (directory / PAGE_FILE).read_bytes() != before


def test_without_a_reward_it_says_so_and_writes_what_there_is(
    effspine: CommandLine, served: Store, tmp_path: Path
) -> None:
    recorder = Recorder(served)
    done = effspine("campaign", "report", recorder.id, "--out", str(tmp_path / "out"))
    assert (done.status, done.err.startswith("no trial has a reward yet")) == (0, True)
    assert "There is no result yet: no trial has a reward." in pages(tmp_path / "out" / PDF_FILE)


def test_nothing_that_is_no_report_of_the_campaign_is_overwritten(
    effspine: CommandLine, served: Store, tmp_path: Path
) -> None:
    first, second = Recorder(served).run(1), Recorder(served).run(1)
    mine = tmp_path / SPECIFICATION_FILE
    mine.write_text("name: mine\n")
    done = effspine("campaign", "report", first.id, "--out", str(tmp_path))
    assert (done.status, f"where {SPECIFICATION_FILE} would be overwritten" in done.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [SPECIFICATION_FILE]
    mine.unlink()
    assert effspine("campaign", "report", first.id, "--out", str(tmp_path)).status == 0
    done = effspine("campaign", "report", second.id, "--out", str(tmp_path))
    assert (done.status, f"no report of campaign {second.id}" in done.err) == (2, True)
    assert first.id in (tmp_path / PAGE_FILE).read_text()


def test_an_unknown_campaign_and_a_file_in_the_way_are_one_line(
    effspine: CommandLine, served: Store, tmp_path: Path
) -> None:
    done = effspine("campaign", "report", "c_none", "--out", str(tmp_path / "out"))
    assert (done.status, done.err.count("\n"), "c_none" in done.err) == (2, 1, True)
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("")
    recorder = Recorder(served).run(1)
    done = effspine("campaign", "report", recorder.id, "--out", str(tmp_path / "file"))
    assert (done.status, f"'{tmp_path / 'file'}', which is a file" in done.err) == (2, True)
    done = effspine("campaign", "report", recorder.id, "--out", str(tmp_path / "file" / "below"))
    assert (done.status, f"cannot write {tmp_path / 'file' / 'below' / PAGE_FILE}" in done.err) == (2, True)
