"""Requests of the pages whose response is lost: what the pages say, and the keys with which a POST is executed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.scripts import needs_node, run_script

PAGE = """
document.body.classList = { toggle() {} };
document.getElementById = () => ({});
const sent = [], answers = given.answers;
globalThis.fetch = async (path, { method = "GET", headers = {} }) => {
  sent.push([path, headers["Idempotency-Key"] ?? null]);
  const [status, document] = answers.shift();
  if (status === 0) throw new TypeError("Failed to fetch");
  return new Response(JSON.stringify(document), { status });
};
"""
POSTS = f"""{PAGE}
const {{ repeatablePost }} = await import("./repeatable-post.js");
const post = repeatablePost();
const outcomes = [];
for (const [path, body] of given.requests) outcomes.push(await post(path, body).catch((error) => error.message));
return {{ outcomes, keys: sent.map(([, key]) => key) }};
"""
MESSAGES = f"""{PAGE}
const {{ getJson, patch, post, remove }} = await import("./http.js");
const told = [];
for (const send of [getJson, patch, post, remove]) {{
  await send("/v1/campaigns/c").catch((error) => told.push(error.message));
}}
return [told, sent];
"""
LOST = [0, None]
MAYBE = "the service did not respond; it may or may not have received the request"


def keys_of(directory: Path, answers: list[Any], requests: list[Any]) -> list[str]:
    """The keys of these requests, which get these answers: statuses with their documents."""
    found = run_script(directory, POSTS, {"answers": answers, "requests": requests})
    assert len(found["keys"]) == len(requests)
    keys: list[str] = found["keys"]
    return keys


@needs_node
def test_a_request_that_was_not_answered_keeps_its_key(tmp_path: Path) -> None:
    training, other = ["/v1/trainings", {"trial": 3}], ["/v1/trainings", {"trial": 4}]
    answers: list[Any] = [LOST, [504, None], [503, {"detail": "the database does not respond"}], [201, {"id": "t_1"}]]
    lost, away, failed, done = keys_of(tmp_path / "lost", answers, [training] * 4)
    assert lost == away == failed == done
    assert lost
    assert len(set(keys_of(tmp_path / "other", [LOST, LOST], [training, other]))) == 2


@needs_node
def test_a_refusal_that_decided_nothing_keeps_the_key(tmp_path: Path) -> None:
    campaign: list[Any] = ["/v1/campaigns", {"trials": 3}]
    limited = [429, {"type": "urn:effspine:problem:too-many-requests", "detail": "wait"}]
    keys = keys_of(tmp_path, [LOST, limited, [404, None], [201, {}]], [campaign] * 4)
    assert len(set(keys)) == 1


@needs_node
def test_a_request_that_was_answered_has_a_new_key_the_next_time(tmp_path: Path) -> None:
    finals: list[Any] = ["/v1/campaigns/c/finals", {"top": 3}]
    busy = {"type": "urn:effspine:problem:idempotency-key-busy", "detail": "the first request is executed still"}
    answers = [[409, busy], [409, {"type": "urn:effspine:problem:conflict", "detail": "no"}], [200, {}], [200, {}]]
    first, after_busy, after_refusal, after_success = keys_of(tmp_path, answers, [finals] * 4)
    assert first == after_busy
    assert len({first, after_refusal, after_success}) == 3


@needs_node
def test_a_lost_response_says_that_the_request_may_have_been_received(tmp_path: Path) -> None:
    told, sent = run_script(tmp_path, MESSAGES, {"answers": [LOST, [502, None], LOST, LOST]})
    assert told == ["the service does not respond", MAYBE, MAYBE, MAYBE]
    assert [key for _, key in sent] == [None] * 4
