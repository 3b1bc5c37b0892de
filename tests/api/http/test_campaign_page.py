"""The page of a campaign: its template, and the rules of its modules, which node runs."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.cli.campaign.yaml_documents import parse_document
from api.http.routes.dashboard import STATIC_DIR
from nas_controller.entities import CampaignDocument, TrialDetailDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import CAMPAIGN_STATES, DELETABLE_CAMPAIGN_STATES, TRIAL_STATES, KeyScope
from nas_controller.store import Store
from tests.support.api_access import OWN, create_key, log_in
from tests.support.paths import ROOT
from tests.support.recorder import Recorder
from tests.support.scripts import needs_node, run_script

SCRIPTS = sorted((STATIC_DIR / "campaign").glob("*.js"))
LIMITS = {name: {"min": 1, "max": 9, "value": 5} for name in ("trials", "parallelism", "top", "seeds")}
ACTIONS = """
const { ACTIONS, MORE } = await import("./campaign/actions.js");
return given.campaigns.map((campaign) => Object.fromEntries([...ACTIONS, ...MORE].filter((action) => action.isOffered(campaign))
  .map((action) => [action.name, { label: action.label(campaign), text: action.text(campaign), keep: action.keep(campaign),
    fields: (action.fields?.(campaign, given.limits) ?? []).map(({ name, value, min }) => [name, value, min]) }])));
"""  # noqa: E501


def campaign(store: Store, **fields: Any) -> dict[str, Any]:
    """The document of a running campaign with three rewards, and `fields` instead of its own."""
    document = Recorder(store, trials=6).run(3).record.to_dict()
    return {**document, **fields}


@pytest.mark.parametrize(("scope", "may"), [("view", "no"), ("operate", "yes"), ("admin", "yes"), (None, "yes")])
def test_actions_need_scope_operate(service: TestClient, store: Store, scope: KeyScope | None, may: str) -> None:
    recorder = Recorder(store)
    if scope is not None:
        log_in(service, create_key(store, scope))
    assert f'data-may-operate="{may}"' in service.get(f"/campaigns/{recorder.id}").text
    status = service.post(f"/v1/campaigns/{recorder.id}/pause", headers=OWN).status_code
    assert status == (200 if may == "yes" else 403)


def test_the_page_has_the_limits_of_the_fields_that_it_changes(service: TestClient, store: Store) -> None:
    page = unescape(service.get(f"/campaigns/{Recorder(store).id}").text)
    (found,) = re.findall(r'data-limits="(\{.*\})"', page)
    limits = json.loads(found)
    fields = CampaignSpec.model_json_schema()["properties"]
    assert limits["trials"] == {"min": 1, "max": fields["trials"]["maximum"], "value": fields["trials"]["default"]}
    assert limits.keys() == {"trials", "parallelism", "top", "seeds"}
    assert f'data-trial-states="{" ".join(TRIAL_STATES)}"' in page


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_read_fields_of_campaigns_that_exist(path: Path) -> None:
    fields = set(re.findall(r'(?<!")\bcampaign\.(\w+)', path.read_text(encoding="utf-8")))
    assert fields <= set(CampaignDocument.document_fields())


def test_the_failure_reads_attempts_as_they_are_sent(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(1)
    failed = recorder.begin()
    recorder.fail(failed, "the loss is not finite", log_tail="Traceback")
    trial = service.get(f"/v1/campaigns/{recorder.id}/trials/{failed.number}").json()
    script = (STATIC_DIR / "campaign/failure.js").read_text(encoding="utf-8")
    assert "detail.data?.attempts_made" in script
    assert set(re.findall(r"\battempt\.(\w+)", script)) <= trial["attempts_made"][0].keys()
    assert "attempts_made" in TrialDetailDocument.document_fields()


def test_the_diagram_is_one_that_the_service_draws(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(2)
    script = (STATIC_DIR / "campaign/diagram.js").read_text(encoding="utf-8")
    (address,) = re.findall(r"`\$\{page\.path\}(/exports/svg\?trial=)\$\{trial\.number\}`", script)
    response = service.get(f"/v1/campaigns/{recorder.id}{address}{recorder.record.best_trial}")
    assert response.headers["content-type"] == "image/svg+xml"
    assert "img-src 'self'" in service.get(f"/campaigns/{recorder.id}").headers["content-security-policy"]


@needs_node
def test_every_kind_of_event_has_a_sentence(tmp_path: Path) -> None:
    table = (
        (ROOT / "docs/api.md").read_text(encoding="utf-8").partition("Kinds of events:")[2].partition("\n\nProgress")[0]
    )
    prefixes = ("campaign", "shared-training", "finals", "final", "search", "trial", "attempt")
    kinds = [name for name in re.findall(r"`([a-z.-]+)`", table) if name.partition(".")[0] in prefixes and "." in name]
    data = {
        "number": 3,
        "attempt": 2,
        "trial": 3,
        "seed": 5,
        "reward": 0.25,
        "for": "a disk",
        "steps": 9,
        "changes": {},
        "trials_since_best": 120,
    }
    body = 'const { sentence } = await import("./campaign/event-sentences.js"); return given.map(sentence);'
    sentences = run_script(tmp_path, body, [{"kind": kind, "data": data} for kind in kinds])
    assert len(kinds) > 30
    for kind, text in zip(kinds, sentences, strict=True):
        assert text != kind
        assert not re.search("undefined|null|NaN", text), text
    assert sentences[kinds.index("trial.completed")] == "Trial 3 has the reward 0.250."
    assert sentences[kinds.index("search.plateau")] == "The search is on a plateau: no better reward in 120 trials."


@needs_node
def test_events_have_words_for_identifiers(tmp_path: Path) -> None:
    events = [
        {"kind": "campaign.updated", "data": {"changes": {"trials": 9, "parallelism": 2}}},
        {"kind": "campaign.completed", "data": {"because": "exhausted"}},
        {"kind": "campaign.failed", "data": {"kind": "data-changed", "error": "first\nlast"}},
        {"kind": "attempt.late", "data": {"number": 3, "attempt": 2}},
        {"kind": "shared-training.started", "data": {"attempt": 1, "steps": 4000}},
    ]
    body = """
    const { eventTitle, sentence } = await import("./campaign/event-sentences.js");
    return [given.map(sentence), given.map(({ kind }) => eventTitle(kind))];
    """
    sentences, titles = run_script(tmp_path, body, events)
    assert sentences == [
        "Changed: Trials, Parallel trials.",
        "It is completed: no new architectures left.",
        "It has failed: Data set has changed: last",
        "Attempt 2 at trial 3 finished after another one.",
        "Training of the shared weights started (attempt 1, 4,000 steps).",
    ]
    assert titles == [
        "settings changed", "campaign completed", "campaign failed", "attempt ended after another",
        "shared training started",
    ]  # fmt: skip


@needs_node
def test_a_specification_as_yaml_is_the_same_specification(tmp_path: Path) -> None:
    spec = CampaignSpec.model_validate(
        {
            "name": "yes: #1 'quoted' \u2013 é",
            "proxy_task": {"profile": "synthetic", "seconds": 1e-3},
            "search_space": {"max_block_width": {"10": 160}, "searched_blocks": [1, 2, 10]},
            "stop": {"target_reward": 0.5},
        }
    ).model_dump(mode="json")
    body = 'const { toYaml } = await import("./yaml.js"); return given.map(toYaml);'
    odd = {"list": [{"a": 1, "b": []}, ["x"]], "texts": ["no", "1e3", "", "null", "a b", "-", "a: b"], "empty": {}}
    for text, value in zip(run_script(tmp_path, body, [spec, odd]), (spec, odd), strict=True):
        assert parse_document(text) == value


@needs_node
def test_confirmations_say_what_is_true_in_the_state(tmp_path: Path, store: Store) -> None:
    paused_at = "2026-11-22T15:00:34Z"
    campaigns = {
        state: campaign(store, state=state, paused_at=paused_at if state == "paused" else None)
        for state in CAMPAIGN_STATES
    }
    campaigns["finals"] = campaign(store, finals={"state": "running", "best": None})
    campaigns["without a reward"] = campaign(store, baseline_reward=None, state="stopped", trials_finished=0)
    found = run_script(tmp_path, ACTIONS, {"campaigns": list(campaigns.values()), "limits": LIMITS})
    actions: dict[str, Any] = dict(zip(campaigns, found, strict=True))
    more = {"archive", "delete"}
    assert actions["draft"].keys() - more == {"start", "change"}
    assert actions["pending"].keys() - more == {"change", "pause", "stop"}
    assert actions["running"].keys() - more == {"change", "pause", "stop"}
    assert actions["stopping"].keys() - more == set()
    assert actions["failed"].keys() - more == {"retry"}
    assert actions["stopped"].keys() - more == {"change", "finals"}
    assert actions["completed"].keys() - more == {"change", "finals"}
    assert actions["without a reward"].keys() - more == {"change"}
    assert {state for state, each in actions.items() if "delete" in each} >= {*DELETABLE_CAMPAIGN_STATES}
    assert "delete" not in actions["running"]
    keeps = {state: each["stop"]["keep"] for state, each in actions.items() if "stop" in each}
    assert keeps == {
        "pending": "Let it begin", "running": "Keep it running", "pausing": "Let it pause",
        "paused": "Keep it paused", "finals": "Keep it running",
    }  # fmt: skip
    assert actions["running"]["stop"]["text"].startswith("The trials in training are abandoned.")
    assert actions["paused"]["stop"]["text"].startswith("Nothing is in training.")
    assert actions["finals"]["stop"]["text"].startswith("The finals in training are abandoned.")
    assert actions["running"]["change"]["fields"] == [["trials", 6, 3], ["parallelism", 1, 1]]
    assert actions["finals"]["change"]["fields"] == [["parallelism", 1, 1]]
    assert actions["pending"]["pause"]["fields"] == []
    assert actions["running"]["pause"]["fields"] == [["mode", "drain", None]]
    assert (actions["pausing"]["resume"]["label"], actions["paused"]["resume"]["label"]) == (
        "Cancel the pause",
        "Resume",
    )


CHANGES = """
const { ACTIONS, changeRequest } = await import("./campaign/actions.js");
const change = ACTIONS.find(({ name }) => name === "change");
return given.campaigns.map((campaign) => {
  const fields = change.fields(campaign, given.limits).map(({ name, value, options }) => [name, options?.map(([option]) => option) ?? value]);
  const values = Object.fromEntries(change.fields(campaign, given.limits).map(({ name, value }) => [name, value]));
  return [fields.at(-1), changeRequest(values, campaign), changeRequest({ ...values, parallelism: 2, stop: values.stop && "all" }, campaign)];
});
"""  # noqa: E501


@needs_node
def test_a_campaign_that_ended_continues_as_it_is_without_the_condition_that_ended_it(
    tmp_path: Path, store: Store
) -> None:
    running = campaign(store)
    ended = {**running, "state": "completed", "stopped_because": "target_reward"}
    limits = dict.fromkeys(("wall_seconds", "target_reward", "no_improvement_trials", "device_hours"))

    def with_stop(**conditions: Any) -> dict[str, Any]:
        return {**ended, "spec": {**ended["spec"], "stop": {**limits, **conditions}}}

    given = [
        running,
        {**running, "state": "stopped"},
        {**ended, "stopped_because": "exhausted"},
        with_stop(target_reward=0.1),
        with_stop(target_reward=0.1, device_hours=9.0),
        {**with_stop(wall_seconds=9.0), "stopped_because": None},
    ]
    found = run_script(tmp_path, CHANGES, {"campaigns": given, "limits": LIMITS})
    plain, parallel = ["parallelism", 1], {"trials": 6, "parallelism": 2}
    assert found == [
        [plain, {}, {"parallelism": 2}],
        [plain, {"trials": 6}, parallel],
        [plain, {"trials": 6}, parallel],
        [["stop", ["reached"]], {"trials": 6, "stop": {"target_reward": None}}, {**parallel, "stop": None}],
        [["stop", ["reached", "all"]], {"trials": 6, "stop": {"target_reward": None}}, {**parallel, "stop": None}],
        [["stop", ["keep", "all"]], {"trials": 6}, {**parallel, "stop": None}],
    ]


@needs_node
def test_finals_change_what_they_are_trained_with_only_if_another_is_chosen(tmp_path: Path) -> None:
    body = """
const { finalsRequest } = await import("./campaign/finals-training.js");
return given.map(([values, finals]) => finalsRequest({ ...values, top: 3 }, { spec: { finals } }));
"""
    of_recipe, of_profile = {"recipe": "paper", "profile": None}, {"recipe": None, "profile": "laptop-alone"}
    chosen: list[tuple[str | None, Any]] = [(None, of_recipe), ("", None), ("", of_profile), ("paper", of_recipe)]
    chosen += [("", of_recipe), ("paper", of_profile)]
    given = [({} if name is None else {"recipe": name}, finals) for name, finals in chosen]
    none, profile, recipe = {"top": 3}, {"top": 3, "recipe": None}, {"top": 3, "recipe": "paper", "profile": None}
    assert run_script(tmp_path, body, given) == [none, none, none, none, profile, recipe]


@needs_node
def test_figures_that_do_not_exist_say_what_will_come_and_when(tmp_path: Path, store: Store) -> None:
    states = ("draft", "running", "failed", "completed")
    given = [campaign(store, state=state, best_reward=None) for state in states]
    given.append(campaign(store, best_reward=None, shared_training={"state": "running"}))
    body = 'const { emptyText } = await import("./campaign/empty-text.js"); return given.map(emptyText);'
    assert run_script(tmp_path, body, given) == [
        "They come with the first trials, once this draft is started.",
        "They come with the first reward.",
        "The campaign ended before its first reward.",
        "The campaign ended before its first reward.",
        "They come with the first trials, once the shared weights are trained.",
    ]


@needs_node
def test_the_selection_of_architectures_follows_choices_and_drags(tmp_path: Path) -> None:
    body = """
    const { matches, NOTHING, withChoices, withDragged, nearestAxis, isEmpty } = await import("./campaign/brush.js");
    const numbers = (selection) => given.filter((line) => matches(line, selection)).map(({ trial }) => trial);
    const chosen = withChoices(NOTHING, 0, [1]);
    const dragged = withDragged(chosen, given, 1, [90, 40]);
    return [numbers(NOTHING), numbers(chosen), dragged.blocks, numbers(dragged),
      numbers({ ...chosen, rewards: [0.35, 0.45] }), nearestAxis(given, 17), nearestAxis([], 17),
      isEmpty(withChoices(chosen, 0, [])), isEmpty(chosen)];
    """
    shapes = [(0.2, [0, 0], [0, 0]), (0.3, [1, 2], [50, 80]), (0.4, [1, 1], [50, 50]), (0.5, [1, 0], [50, 0])]
    lines = [
        {"trial": trial, "reward": reward, "choices": choices, "corners": [[0, first], [10, second]]}
        for trial, (reward, choices, (first, second)) in enumerate(shapes)
    ]
    assert run_script(tmp_path, body, lines) == [
        [0, 1, 2, 3], [1, 2, 3], {"0": [1], "1": [1, 2]}, [1, 2], [2], 1, -1, True, False,
    ]  # fmt: skip
