"""The result of a campaign in one sentence, its figures, its best trials and its finals."""

from __future__ import annotations

from collections.abc import Iterator

from api.documents import BestDocument, ComparisonDocument, TrialDocument, VerdictDocument
from api.report.contents import Figure, Paragraph, Part, Section, Table
from api.report.documents import REPORT_FIGURES, CampaignDocuments
from api.report.method import reward_text
from api.report.numbers import DASH, ap, change, difference, interval, millions
from nas_controller.states import BASELINE_TRIAL
from nas_controller.titles import error_title
from search_space.display import counted, displayed_line

FINALS_COLUMNS = (
    "trial", "estimate", "AP", "seeds", "difference", "95 % interval", "parameters", "verdict", "more seeds"
)  # fmt: skip
LATENCY_COLUMN = "latency"
"""The last column, where the latency was measured."""


def result(documents: CampaignDocuments) -> str:
    """The best against the baseline, with its interval, and whether it is confirmed; also why a campaign failed."""
    error, kind = documents.campaign.error, documents.campaign.error_kind
    title = f"{error_title(kind)}: " if kind else ""
    failure = "" if error is None else f" The campaign failed: {title}{displayed_line(error)}"
    return f"{_result(documents)}{failure}"


def _result(documents: CampaignDocuments) -> str:
    finals, best = documents.finals, documents.best
    if finals is not None and finals.finals.state == "completed":
        return finals.verdict.sentence
    if not best.items or best.items[0].reward is None:
        return "There is no result yet: no trial has a reward."
    sentence = _unconfirmed(documents, best.items[0])
    return sentence if finals is None else f"{sentence} {finals.verdict.sentence}"


def _unconfirmed(documents: CampaignDocuments, first: TrialDocument) -> str:
    """What the rewards of the search say, which confirm nothing."""
    baseline = documents.best.baseline
    if first.number == BASELINE_TRIAL:
        return f"No trial has a higher reward than the uniform baseline, AP {ap(first.reward)}."
    if baseline is None or baseline.reward is None or first.reward is None:
        return f"Trial {first.number} has the highest reward, AP {ap(first.reward)}; the uniform baseline has none."
    gain = first.reward - baseline.reward
    error = (documents.search or {}).get("gain_error")
    noise = (
        ""
        if error is None
        else f", 95 % interval {interval(gain - error, gain + error)} by how similar architectures differ"
    )
    return (
        f"Trial {first.number} has the highest reward, AP {ap(first.reward)} against {ap(baseline.reward)} of the "
        f"uniform baseline ({difference(first.reward, baseline.reward)}{noise}), but is not confirmed by finals."
    )


def figures(documents: CampaignDocuments) -> Section | None:
    """The figures that the campaign has, and what was learned in one sentence; None without any."""
    wanted = [each for each in REPORT_FIGURES if each.name in documents.drawings]
    if not wanted:
        return None
    parts: list[Part] = []
    if documents.learned is not None:
        parts.append(Paragraph(str(documents.learned["sentence"])))
    for number, each in enumerate(wanted, start=1):
        parts.append(Figure(number, each.caption, documents.drawings[each.name]))
    return Section("Figures", tuple(parts))


def best_trials(documents: CampaignDocuments) -> Section | None:
    """The best trials and the baseline as a table; None before the first reward."""
    best = documents.best
    if not best.items:
        return None
    table = Table(
        caption="The trials with the highest rewards, after the one that finals rank first, and the uniform baseline."
        if documents.finals is not None
        else "The trials with the highest rewards, and the uniform baseline.",
        titles=("trial", "AP", "to baseline", "multi-adds, M", "parameters, M", "channels by block"),
        rows=tuple(_trial_rows(best)),
        left=("channels by block",),
    )
    noise = (documents.search or {}).get("noise")
    note = f"{reward_text(documents)}."
    if noise is not None:
        note += (
            f" Similar architectures differ by about {noise:.2g} AP (standard deviation) for no reason in their widths."
        )
    return Section("Best trials", (table, Paragraph(note)))


def _trial_rows(best: BestDocument) -> Iterator[tuple[str, ...]]:
    baseline = best.baseline
    is_listed = baseline is None or any(trial.number == baseline.number for trial in best.items)
    for trial in [*best.items, *([] if baseline is None or is_listed else [baseline])]:
        compared = DASH
        if baseline is not None and trial.number != baseline.number and None not in (trial.reward, baseline.reward):
            compared = difference(trial.reward or 0.0, baseline.reward or 0.0)
        name = f"{trial.number} (baseline)" if trial.number == BASELINE_TRIAL else str(trial.number)
        yield (
            name,
            ap(trial.reward),
            compared,
            millions(trial.madds),
            millions(trial.params, 2),
            ", ".join(map(str, trial.widths)),
        )


def finals_section(documents: CampaignDocuments) -> Section | None:
    """The finals as a table with their verdict; None where there are none."""
    report = documents.finals
    if report is None:
        return None
    is_over = report.finals.state == "completed"
    has_latency = any(each.latency_ratio is not None for each in report.verdict.comparisons)
    table = Table(
        caption="Finalists against the uniform baseline, each trained alone with the same seeds: the mean AP, its "
        "difference to the baseline's, and the interval of the paired t-test, for all finalists together. Costs are "
        "against the baseline's.",
        titles=(*FINALS_COLUMNS, LATENCY_COLUMN) if has_latency else FINALS_COLUMNS,
        rows=(
            *(_final_row(each, is_over, has_latency) for each in report.verdict.comparisons),
            _baseline_row(report.verdict, has_latency),
        ),
        left=("verdict",),
    )
    facts = [report.verdict.sentence]
    if report.finals.fresh_images is not None:
        images = "gave no reward of the search" if report.finals.fresh_images else "the rewards were measured on, too"
        facts.append(f"They were scored on images that {images}.")
    failed = [run for run in report.runs if run.state == "failed"]
    if failed:
        names = ", ".join(f"trial {run.trial} with seed {run.seed}" for run in failed)
        facts.append(f"{counted(len(failed), 'training')} failed: {displayed_line(names)}.")
    return Section("Finals", (Paragraph(" ".join(facts)), table))


def _final_row(found: ComparisonDocument, is_over: bool, has_latency: bool) -> tuple[str, ...]:
    return (
        str(found.trial),
        ap(found.estimate),
        ap(found.reward),
        str(found.pairs),
        DASH if found.reward is None else difference(found.reward, found.baseline_reward or 0.0),
        interval(found.low, found.high),
        change(found.params_ratio),
        found.word if is_over else DASH,
        DASH if found.more_seeds is None else f"{found.more_seeds:,}",
        *((change(found.latency_ratio),) if has_latency else ()),
    )


def _baseline_row(verdict: VerdictDocument, has_latency: bool) -> tuple[str, ...]:
    known = (f"{BASELINE_TRIAL} (baseline)", DASH, ap(verdict.baseline_reward), str(verdict.baseline_seeds))
    titles = len(FINALS_COLUMNS) + has_latency
    return (*known, *(titles - len(known)) * (DASH,))
