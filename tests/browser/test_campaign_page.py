"""The page of a campaign in Chromium: the table of trials, a trial in the drawer and on its page, and files."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nas_controller.supervision.export_job import run as run_export
from search_space.detector_model import load_detector
from search_space.document import read_block_specification
from tests.support.chromium import go_to, opened
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


def numbers(page: Page) -> list[int]:
    """The numbers of the trials in the table."""
    return [int(text) for text in page.locator(f"{ROWS} td:first-child").all_inner_texts()]


def first(page: Page, number: int) -> Locator:
    """The first row, if it is that of the trial."""
    return page.locator(ROWS).first.get_by_role("button", name=f"Trial {number}", exact=True)


def saved(page: Page, link: Locator, directory: Path) -> bytes:
    """The content of the file that the link downloads."""
    with page.expect_download() as download:
        link.click()
    path = directory / download.value.suggested_filename
    download.value.save_as(path)
    return path.read_bytes()


def test_the_table_is_sorted_by_a_click(page: Page, recorded: Served, records: Recorded) -> None:
    newest = numbers(page)
    assert newest == sorted(newest, reverse=True)
    best = recorded.client().campaign(records.running).best_trial
    page.locator("th[data-order=reward]").get_by_role("button").click()
    expect(first(page, best)).to_be_visible()
    expect(page.locator("th[data-order=reward]")).to_have_attribute("aria-sort", "descending")
    heading = page.locator("th[data-order=number]")
    heading.get_by_role("button").click()
    expect(first(page, newest[0])).to_be_visible()
    heading.get_by_role("button").click()
    expect(first(page, 0)).to_be_visible()
    assert numbers(page) == list(range(20))


def test_the_health_strip_has_the_workers_that_run(page: Page, recorded: Served, records: Recorded) -> None:
    workers = page.get_by_label("Health").locator("div", has=page.get_by_text("Workers", exact=True)).locator("dd")
    expect(workers).to_have_text(f"1 of {recorded.client().campaign(records.running).spec['parallelism']}")


def test_the_table_is_filtered_by_state(page: Page) -> None:
    show = page.get_by_label("Show").first
    show.select_option("failed")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(ROWS)).to_contain_text("the loss is not finite")
    show.select_option("stopped")
    expect(page.get_by_text("No trial is stopped.")).to_be_visible()
    show.select_option("")
    expect(page.locator(ROWS)).to_have_count(20)


def test_pages_of_the_table_follow_and_can_be_jumped_to(page: Page) -> None:
    newest = numbers(page)
    pager = page.locator("section", has=page.locator("table.trials")).locator("form.pager")
    pager.get_by_role("button", name="Next").click()
    expect(first(page, newest[0] - 20)).to_be_visible()
    pager.get_by_label("Page").fill("3")
    pager.get_by_label("Page").press("Enter")
    expect(first(page, newest[0] - 40)).to_be_visible()
    expect(pager.get_by_role("button", name="Next")).to_be_disabled()
    pager.get_by_label("Page").fill("99")
    pager.get_by_label("Page").press("Tab")
    expect(pager.get_by_label("Page")).to_have_value("3")
    assert numbers(page)[-1] == 0
    pager.get_by_role("button", name="Back").click()
    expect(first(page, newest[0] - 20)).to_be_visible()


def test_a_trial_opens_in_a_drawer_and_as_a_page(page: Page, records: Recorded) -> None:
    page.locator("th[data-order=number]").get_by_role("button").click()
    first(page, 0).wait_for()
    page.locator(ROWS).nth(2).get_by_text("completed").click()
    drawer = page.get_by_role("dialog", name="Trial 2")
    expect(drawer.get_by_role("heading", name="Trial 2")).to_be_visible()
    drawer.get_by_role("button", name="Next").click()
    drawer = page.get_by_role("dialog", name="Trial 3")
    expect(drawer.get_by_role("heading", name="Trial 3")).to_be_visible()
    drawer.get_by_role("link", name="Open as a page").click()
    page.wait_for_url(f"**/campaigns/{records.running}/trials/3")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Trial 3")
    page.get_by_role("link", name="Next").click()
    page.wait_for_url(f"**/campaigns/{records.running}/trials/4")


def test_a_trial_is_exported(page: Page, recorded: Served, records: Recorded, tmp_path: Path) -> None:
    go_to(page, f"/campaigns/{records.running}/trials/3", ".trial-shares")
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export a trial")
    specification = json.loads(saved(page, dialog.get_by_label("Download: spec"), tmp_path))
    trial = recorded.client().trial(records.running, 3)
    assert list(read_block_specification(specification).architecture.widths) == list(trial.widths)
    drawing = saved(page, dialog.get_by_label("Download: svg"), tmp_path)
    assert ElementTree.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_an_export_of_a_worker_is_made_watched_and_downloaded(
    page: Page, records: Recorded, data_dir: Path, tmp_path: Path
) -> None:
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
        trial = store.reads.get_trial_record(records.running, 3)
    content = saved(page, made.get_by_role("link", name=re.compile(r"^Download, .*: detector$")), tmp_path)
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        files.extractall(tmp_path)
    (folder,) = tmp_path.glob("still-running-trial-3-detector*/")
    assert load_detector(folder).architecture.widths == trial.widths
    page.reload()
    page.get_by_role("button", name="Export").click()
    expect(made.get_by_role("link", name=re.compile(r"^Download, .*: detector$"))).to_be_visible()


def test_a_trial_is_compared_with_the_baseline(page: Page, records: Recorded) -> None:
    go_to(page, f"/campaigns/{records.running}/trials/3", ".trial-shares")
    page.get_by_role("link", name="Compare with the baseline").click()
    page.wait_for_url(f"**/compare?trials={records.running}:0,{records.running}:3")
    expect(page.get_by_role("heading", name="Compare 2 trials")).to_be_visible()
    expect(page.locator(".drawn-figure svg")).to_have_count(2)
    numbers = page.get_by_role("region", name="Figures").locator("thead a")
    assert numbers.all_inner_texts() == ["trial 0", "trial 3"]


def test_figures_are_downloaded_as_svg_and_pdf(page: Page, tmp_path: Path) -> None:
    figure = page.locator("figure", has=page.get_by_role("heading", name="Reward by trial"))
    figure.locator("svg").first.wait_for()
    drawing = ElementTree.fromstring(saved(page, figure.get_by_role("link", name="SVG"), tmp_path))
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    texts = " ".join(text for element in drawing.iter() for text in element.itertext())
    assert "still running" in texts
    document = saved(page, figure.get_by_role("link", name="PDF"), tmp_path)
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
        assert saved(page, files.get_by_role("link", name=name), tmp_path).startswith(start)


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


def test_the_learning_curve_of_a_trial_is_drawn_and_downloaded(page: Page, records: Recorded, tmp_path: Path) -> None:
    go_to(page, f"/campaigns/{records.running}/trials/{numbers(page)[0]}", ".trial-shares")
    curve = page.get_by_role("region", name="Learning curve")
    expect(curve.locator("circle[data-tip*='step 20']")).to_have_count(1)
    expect(curve.locator(".files")).to_have_css("opacity", "1")
    assert saved(page, curve.get_by_role("link", name="PDF"), tmp_path).startswith(b"%PDF-")


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
