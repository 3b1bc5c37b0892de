"""Example responses of the OpenAPI document, from a campaign of twelve trials."""

from __future__ import annotations

from typing import Any

from api.http.dataset_examples import DATASET_RESPONSES
from api.http.export_examples import EXPORT_RESPONSES
from api.http.training_examples import TRAINING_RESPONSES
from api.http.trial_examples import TRIAL_PARTS
from api.http.webhook_examples import WEBHOOK_RESPONSES
from nas_controller.entities import (
    AttemptDocument,
    CampaignDocument,
    Document,
    FinalRunDocument,
    KeyDocument,
    TrialDocument,
)
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import CAMPAIGN_STATES
from nas_controller.store.schema import HEAD

CAMPAIGN_ID = "c_1m81wbxdc99wfqbs"
DOCUMENT: dict[str, Any] = {
    "name": "first look",
    "trials": 12,
    "seed": 1,
    "proxy_task": {"profile": "synthetic", "seconds": 1},
}


def _example(document: type[Document], **values: Any) -> dict[str, Any]:
    """A document with these values and null in every other field."""
    names = document.document_fields()
    assert values.keys() <= set(names)
    return {name: values.get(name) for name in names}


def _campaign(**changes: Any) -> dict[str, Any]:
    pending = {
        "id": CAMPAIGN_ID,
        "name": "first look",
        "state": "pending",
        "created_at": "2026-11-22T15:00:34.860895Z",
        "trials_begun": 0,
        "trials_finished": 0,
        "last_event": 1,
        "paused_seconds": 0.0,
        "device_seconds": 0.0,
        "trials_since_best": 0,
        "repeats_skipped": 0,
        "reheated_trials": 0,
        "notes": "",
        "tags": [],
        "archived": False,
        "spec": CampaignSpec.model_validate(DOCUMENT).model_dump(mode="json"),
    }
    return _example(CampaignDocument, **(pending | changes))


_RUNNING_FIELDS = {
    "started_at": "2026-11-22T15:00:35.864954Z",
    "trials_begun": 5,
    "trials_finished": 4,
    "baseline_reward": 0.4120738209397255,
    "best_reward": 0.4120738209397255,
    "best_trial": 0,
    "trials_since_best": 3,
    "last_event": 11,
    "device_seconds": 7.2,
}
_GAIN = {
    "trial": 0,
    "reward": 0.4120738209397255,
    "baseline_reward": 0.4120738209397255,
    "seeds": None,
    "value": 0.0,
    "low": None,
    "high": None,
    "is_confirmed": False,
}
_SUMMARY = {
    "last_event_at": "2026-11-22T15:00:48.034800Z",
    "last_event_kind": "trial.completed",
    "gain": _GAIN,
    "search": None,
    "best_so_far": None,
}
_ATTEMPT = _example(
    AttemptDocument,
    number=1,
    state="accepted",
    reward=0.16159443908003593,
    metrics={"ap": 0.16159443908003593, "seconds": 1.0},
    started_at="2026-11-22T15:00:47.005354Z",
    finished_at="2026-11-22T15:00:48.034800Z",
    log_tail="INFO trial 3, attempt 1: widths 8 32 8 16 96 32 96 208 112 40 48 152 208 96 56 208 216 208",
)
_SAMPLED = _example(
    TrialDocument,
    number=3,
    state="completed",
    reward=0.16159443908003593,
    betas=[1, 20, 1, 5, 10, 5, 10, 20, 15, 1, 1, 10, 20, 10, 20, 20, 20, 20],
    alphas=[
        0.0948, 1.8961, 0.0948, 0.474, 0.9481, 0.474, 0.9481, 1.8961, 1.4221,
        0.0948, 0.0948, 0.9481, 1.8961, 0.9481, 1.8961, 1.8961, 1.8961, 1.8961,
    ],
    widths=[8, 32, 8, 16, 96, 32, 96, 208, 112, 40, 48, 152, 208, 96, 56, 208, 216, 208],
    madds=2274057792,
    params=5623590,
    madds_ratio=0.9997378414604426,
    attempts=1,
    metrics={"ap": 0.16159443908003593, "seconds": 1.0},
    progress_step=20,
    progress_total=20,
    started_at="2026-11-22T15:00:47.005354Z",
    worker_started_at="2026-11-22T15:00:47.021706Z",
    finished_at="2026-11-22T15:00:48.034800Z",
)  # fmt: skip
_BASELINE = {
    **_SAMPLED,
    "number": 0,
    "reward": 0.4120738209397255,
    "betas": [1] * 18,
    "alphas": [1.0] * 18,
    "widths": [16, 24, 24, 24, 96, 40, 96, 152, 96, 152, 152, 152, 152, 96, 40, 152, 152, 152],
    "madds": 2274654112,
    "params": 4585605,
    "madds_ratio": 1.0,
    "metrics": {"ap": 0.4120738209397255, "seconds": 1.0},
    "started_at": "2026-11-22T15:00:41.313001Z",
    "finished_at": "2026-11-22T15:00:44.892213Z",
}
_FINALS = {
    "state": "completed",
    "finalists": [{"trial": 3, "estimate": 0.22415}],
    "noise_share": 0.5,
    "task": {"profile": "synthetic", "seconds": 1},
    "seeds": [2, 3],
    "runs": 4,
    "runs_finished": 4,
    "fresh_images": None,
    "data": None,
    "winner": None,
    "best": 0,
    "follows": "completed",
    "because": None,
    "started_at": "2026-11-22T15:01:40.034800Z",
    "finished_at": "2026-11-22T15:01:44.204521Z",
}
_FINAL_RUNS = [
    _example(
        FinalRunDocument,
        trial=trial,
        seed=seed,
        state="completed",
        attempts=1,
        reward=reward,
        metrics={"ap": reward, "seconds": 1.0},
        progress_step=20,
        progress_total=20,
        started_at=f"2026-11-22T15:01:4{second}.034800Z",
        finished_at=f"2026-11-22T15:01:4{second + 1}.034800Z",
    )
    for second, (seed, trial, reward) in enumerate(
        [
            (2, 0, 0.4120738209397255),
            (2, 3, 0.16159443908003593),
            (3, 0, 0.4120738209397255),
            (3, 3, 0.16159443908003593),
        ]
    )
]
_VERDICT = {
    "winner": None,
    "sentence": "The uniform baseline ranks first, and no finalist is better: of the best, trial 3, -0.250 AP, 95 % "
    "interval -0.250 to -0.250, 2 seeds, with 23 % more parameters.",
    "baseline_reward": 0.4120738209397255,
    "baseline_seeds": 2,
    "comparisons": [
        {
            "trial": 3,
            "estimate": 0.22415,
            "pairs": 2,
            "reward": 0.16159443908003593,
            "baseline_reward": 0.4120738209397255,
            "mean": -0.25047938185968957,
            "standard_deviation": 0.0,
            "low": -0.25047938185968957,
            "high": -0.25047938185968957,
            "word": "worse",
            "more_seeds": 0,
            "params_ratio": 1.226357,
            "latency_ratio": None,
        }
    ],
}
_CURVE = [{"attempt": 1, "step": 20, "at": "2026-11-22T15:00:48.020100Z", "values": {"loss": 0.8384055609199641}}]
_KEY = _example(
    KeyDocument,
    id="ke4m9vh4wjdm8",
    name="ops",
    scope="operate",
    created_at="2026-11-24T13:04:11.201734Z",
    expires_at="2026-11-27T13:04:11.201734Z",
)
_HEALTH = {"status": "ok", "version": "0.1.0", "data_dir": "/home/you/.local/share/effspine", "commit": None}
_SUPERVISOR = {
    "id": "s-1527-345a7512c0de",
    "host": "laptop",
    "pid": 1527,
    "version": "0.1.0",
    "started_at": "2026-11-22T14:58:02.441907Z",
    "seen_at": "2026-11-22T15:00:33.902114Z",
    "is_alive": True,
    "failing_sinks": {},
    "processors": 8,
    "max_parallelism": None,
}
_READINESS = _HEALTH | {"status": "ready", "schema_revision": HEAD, "data_dir_free_bytes": 200_000_000_000}
_COUNTS = {"running": 1, "queued": 0, "completed": 4, "failed": 0, "stopped": 0}
_UNIFORM_PROBABILITIES = [[0.2] * 5] * 18

EXAMPLE_RESPONSES: dict[tuple[str, str], Any] = {
    ("post", "/v1/campaigns"): _campaign(),
    ("get", "/v1/campaigns"): {
        "items": [{**_campaign(state="running", **_RUNNING_FIELDS), "summary": _SUMMARY}],
        "next_cursor": None,
        "total": 1,
        "by_state": {state: int(state == "running") for state in CAMPAIGN_STATES},
    },
    ("get", "/v1/campaigns/{campaign_id}"): _campaign(state="running", **_RUNNING_FIELDS),
    ("patch", "/v1/campaigns/{campaign_id}"): _campaign(state="running", **_RUNNING_FIELDS),
    ("post", "/v1/campaigns/{campaign_id}/start"): _campaign(),
    ("post", "/v1/campaigns/{campaign_id}/pause"): _campaign(state="pausing", pause_mode="drain", **_RUNNING_FIELDS),
    ("post", "/v1/campaigns/{campaign_id}/resume"): _campaign(state="running", **_RUNNING_FIELDS),
    ("post", "/v1/campaigns/{campaign_id}/retry"): _campaign(state="running", **_RUNNING_FIELDS),
    ("post", "/v1/campaigns/{campaign_id}/stop"): _campaign(state="stopping", **_RUNNING_FIELDS),
    ("get", "/v1/campaigns/{campaign_id}/trials"): {"items": [_BASELINE, _SAMPLED], "next_cursor": "WzMsM10"},
    ("get", "/v1/campaigns/{campaign_id}/trials/counts"): _COUNTS,
    ("get", "/v1/campaigns/{campaign_id}/trials/{number}"): {
        **_SAMPLED,
        "attempts_made": [_ATTEMPT],
        "curve": _CURVE,
        **TRIAL_PARTS,
    },
    ("get", "/v1/campaigns/{campaign_id}/best"): {
        "items": [_BASELINE],
        "baseline": _BASELINE,
        "compared": _BASELINE,
        "is_confirmed": False,
        "sentence": "No trial has a higher reward than the uniform baseline, trial 0.",
        "gain": _GAIN,
        "learned": "No better distribution than the uniform one was found: the rewards rank the baseline first.",
    },
    ("get", "/v1/campaigns/{campaign_id}/finals"): {"finals": _FINALS, "verdict": _VERDICT, "runs": _FINAL_RUNS},
    ("post", "/v1/campaigns/{campaign_id}/finals"): _campaign(
        state="running", **(_RUNNING_FIELDS | {"trials_begun": 12, "trials_finished": 12, "last_event": 28})
    ),
    ("get", "/v1/campaigns/{campaign_id}/policy"): {
        "choices": [1, 5, 10, 15, 20],
        "blocks": list(range(1, 19)),
        "probabilities": _UNIFORM_PROBABILITIES,
    },
    ("get", "/v1/campaigns/{campaign_id}/figures/{name}"): {
        "unit": "madds",
        "number": [0, 3],
        "cost": [2274654112, 2274057792],
        "reward": [0.4120738209397255, 0.16159443908003593],
        "front": [3, 0],
        "baseline_cost": 2274654112,
        "baseline_reward": 0.4120738209397255,
        "of": 2,
    },
    **EXPORT_RESPONSES,
    **TRAINING_RESPONSES,
    **WEBHOOK_RESPONSES,
    **DATASET_RESPONSES,
    ("get", "/v1/keys"): {"items": [_KEY], "next_cursor": None},
    ("post", "/v1/keys/{key_id}/revoke"): {**_KEY, "revoked_at": "2026-11-25T08:00:00Z"},
    ("get", "/healthz"): _HEALTH,
    ("get", "/readyz"): {**_READINESS, "supervisors": [_SUPERVISOR]},
}
"""Responses by method and path."""

EXAMPLE_PROBLEM: dict[str, Any] = {
    "type": "urn:effspine:problem:invalid-value",
    "title": "Invalid value",
    "status": 422,
    "detail": "trials: it is 0; it must be 1 to 100,000",
    "instance": "/v1/campaigns",
    "request_id": "72c55aa1e7d8446e",
    "errors": [{"field": "trials", "message": "it is 0; it must be 1 to 100,000", "value": 0}],
}
"""A problem document."""
