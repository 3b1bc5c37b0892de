"""The runner keeps the detector of every training of the finals before its reward is accepted."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from nas_controller.execution.kept_models import has_model, model_directory, model_name
from nas_controller.search.outcomes import Outcome, Rewarded
from nas_controller.store import Store
from nas_controller.supervision import phases
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_WAITS
from search_space.architecture import Architecture
from search_space.detector_model import initial_model, load_detector
from search_space.document import BlockSpecification
from tests.support.final_trainings import TRIALS, Trainer, starter
from tests.support.synthetic_campaigns import create

SMALL = Architecture(tuple(range(4, 22)), name="candidate", input_px=64, subnet_width=8, class_slots=2)


def trained(seed: int, *_: Any) -> Outcome:
    detector = initial_model(BlockSpecification(SMALL, {}), seed)
    return pickle.loads(pickle.dumps(Rewarded(0.5, {"ap": 0.5}, detector=detector)))  # as a worker sends it


def test_a_detector_is_kept_with_its_name_and_provenance(store: Store, tmp_path: Path) -> None:
    campaign_id = create(store, trials=TRIALS, finals={"top": 1, "seeds": 2})
    assert starter(store, tmp_path)(campaign_id, Trainer(trained)) == EXIT_DONE
    runs = store.reads.final_runs(campaign_id)
    assert [run.state for run in runs] == ["completed"] * 4
    for run in runs:
        kept = load_detector(model_directory(tmp_path, campaign_id, model_name(run.trial, run.seed)))
        assert (kept.seed, kept.architecture.name) == (run.seed, f"trial-{run.trial}-seed-{run.seed}")
        provenance = kept.specification.provenance
        trial = store.reads.get_trial_record(campaign_id, run.trial)
        assert (provenance["trial"], provenance["reward"], provenance["data"]) == (run.trial, trial.reward, None)


@pytest.mark.parametrize(("number", "kind"), [(28, "disk-full"), (13, "model-not-written")])
def test_a_detector_that_cannot_be_written_lets_the_campaign_wait(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: str
) -> None:
    campaign_id = create(store, trials=TRIALS, finals={"top": 1, "seeds": 1})
    start = starter(store, tmp_path)

    def refuse(*_: Any) -> None:
        raise OSError(number, "refused", "a/path")

    with monkeypatch.context() as patched:
        patched.setattr(phases, "keep_model", refuse)
        assert start(campaign_id, Trainer(trained)) == EXIT_WAITS
    waiting = store.reads.get_campaign(campaign_id)
    assert (waiting.state, waiting.waiting_for) == (
        "running", "the detector of the final of trial 0 with seed 2 cannot be written to a/path: refused",
    )  # fmt: skip
    assert not [run for run in store.reads.final_runs(campaign_id) if run.reward is not None]
    assert start(campaign_id, Trainer(trained)) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    assert has_model(model_directory(tmp_path, campaign_id, model_name(0, 2)))
