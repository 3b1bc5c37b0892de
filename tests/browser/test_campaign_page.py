"""The page of a campaign in Chromium: its health, its figures and their files, finals, and what it reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Page, expect

from nas_controller.supervision.export_job import run as run_export
from tests.support.chromium import go_to, opened
from tests.support.downloads import downloaded
from tests.support.recorded_pages import DATASET, RUNNING_TRIALS, Recorded, new_store
from tests.support.recorder import Recorder
from tests.support.served import Served

ROWS = "table.trials tbody tr"


@pytest.fixture
def page(browser: Browser, recorded: Served, records: Recorded) -> Iterator[Page]:
    """The page of the running campaign; a test may go on from it. No page may have had an error."""
    with opened(browser, recorded.url) as watched:
        go_to(watched.page, f"/campaigns/{records.running}", ROWS)
        yield watched.page


def test_the_health_strip_has_the_workers_that_run(page: Page, recorded: Served, records: Recorded) -> None:
    workers = page.get_by_label("Health").locator("div", has=page.get_by_text("Workers", exact=True)).locator("dd")
    expect(workers).to_have_text(f"1 of {recorded.client().campaign(records.running).spec['parallelism']}")


def test_the_progress_of_an_export_is_shown(page: Page, records: Recorded, data_dir: Path) -> None:
    go_to(page, f"/campaigns/{records.running}/trials/3", ".trial-shares")
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export a trial")
    dialog.get_by_role("button", name="Make detector").click()
    made = dialog.get_by_role("listitem").filter(has_text="Configuration and weights in safetensors")
    expect(made).to_contain_text("queued")
    with new_store(data_dir) as store:
        export = store.runner.export_queue.claim("s-1")
        assert export is not None
        expect(made).to_contain_text("running")
        store.runner.record_export_progress(export.id, export.attempts, "writing the weights")
        expect(made).to_contain_text("writing the weights")
        run_export(store, data_dir, export.id, export.attempts)
    page.reload()
    page.get_by_role("button", name="Export").click()
    expect(made.get_by_role("link", name=re.compile(r"^Download, .*: detector$"))).to_be_visible()


def test_figures_are_downloaded_as_svg_and_pdf(page: Page, tmp_path: Path) -> None:
    figure = page.locator("figure", has=page.get_by_role("heading", name="Reward by trial"))
    figure.locator("svg").first.wait_for()
    drawing = ElementTree.fromstring(downloaded(page, figure.get_by_role("link", name="SVG").click, tmp_path))
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    texts = " ".join(text for element in drawing.iter() for text in element.itertext())
    assert "still running" in texts
    document = downloaded(page, figure.get_by_role("link", name="PDF").click, tmp_path)
    assert document.startswith(b"%PDF-")
    assert document.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize("path", ["/campaigns/{}", "/campaigns/{}/trials/3"])
def test_the_block_diagram_is_downloaded_as_svg_and_pdf(
    page: Page, records: Recorded, tmp_path: Path, path: str
) -> None:
    go_to(page, path.format(records.running), "h1")
    card = page.locator(".card", has=page.get_by_role("heading", name="Blocks of the best")).or_(
        page.get_by_role("region", name="Blocks beside the baseline's")
    )
    files = card.locator(".files")
    expect(files).to_have_css("opacity", "1")  # without a pointer, which a phone has not
    for name, start in (("SVG", b"<svg"), ("PDF", b"%PDF-")):
        assert downloaded(page, files.get_by_role("link", name=name).click, tmp_path).startswith(start)


def test_the_figures_lead_to_trials(page: Page) -> None:
    marks = page.locator("figure", has=page.get_by_role("heading", name="Reward by trial")).locator("[data-trial]")
    mark = marks.nth(RUNNING_TRIALS // 2)
    mark.hover(force=True)  # another mark may cover it
    tip = page.locator("output.tip").inner_text()
    mark.click(force=True)
    drawer = page.get_by_role("dialog", name=re.compile(r"^Trial \d+$"))
    heading = drawer.get_by_role("heading", level=1).inner_text()
    number = re.findall(r"\d+", heading)[0]
    assert re.search(rf"\b{number}\b", tip), (heading, tip)


def test_finals_are_run_with_a_recipe(page: Page, recorded: Served) -> None:
    with new_store(recorded.data_dir) as store:
        campaign_id = Recorder(store, trials=3, name="to be decided", dataset=DATASET).run(3).id
    go_to(page, f"/campaigns/{campaign_id}", ROWS)
    page.get_by_role("button", name="Run finals").click()
    dialog = page.get_by_role("dialog", name="Finals of this campaign")
    dialog.get_by_label("Train with").select_option("laptop-final")
    dialog.get_by_label("Number of candidates").fill("2")
    dialog.get_by_label("Number of seeds").fill("4")
    expect(dialog.get_by_text("12 trainings.")).to_be_visible()
    dialog.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".finals")).to_contain_text("recipe laptop-final")
    finals = recorded.client().campaign(campaign_id).spec["finals"]
    assert (finals["recipe"], finals["profile"], finals["top"], finals["seeds"]) == ("laptop-final", None, 2, 4)


def test_the_learning_curve_of_a_trial_is_drawn_and_downloaded(
    page: Page, recorded: Served, records: Recorded, tmp_path: Path
) -> None:
    newest = recorded.client().campaign(records.running).trials_begun - 1
    go_to(page, f"/campaigns/{records.running}/trials/{newest}", ".trial-shares")
    curve = page.get_by_role("region", name="Learning curve")
    expect(curve.locator("circle[data-tip*='step 20']")).to_have_count(1)
    expect(curve.locator(".files")).to_have_css("opacity", "1")
    assert downloaded(page, curve.get_by_role("link", name="PDF").click, tmp_path).startswith(b"%PDF-")


def test_a_sink_that_cannot_be_written_is_named_on_the_page(page: Page, recorded: Served) -> None:
    with new_store(recorded.data_dir) as store:
        store.runner.record_heartbeat("s-1", "here", 1, "0.1.0", {"mlflow": "MLflow at http://away: nobody answers"})
    page.reload()
    notice = page.get_by_role("status").filter(has_text="MLflow at http://away: nobody answers")
    expect(notice).to_have_count(1)
    with new_store(recorded.data_dir) as store:
        store.runner.remove_supervisor("s-1")
    page.reload()
    page.locator(ROWS).first.wait_for()
    expect(notice).to_have_count(0)
