"""The modules of the new campaign's form, run in Node.js on the schema that the service has."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from api.cli.campaign.yaml_documents import parse_document
from api.http.routes.dashboard import STATIC_DIR
from nas_controller.search.campaign_spec import CampaignSpec
from search_space.proxy_task import FIELDS
from search_space.recipes import FIELDS as RECIPE_FIELDS
from search_space.recipes import PROFILES

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

SCRIPT = """
import { readFileSync } from "node:fs";
import { commandsOf } from "./new-campaign/commands.js";
import { errorsByField } from "./new-campaign/errors.js";
import { schemaFields, limitsText } from "./new-campaign/fields.js";
import { differences, documentOf, missingFields, readForm, refusedNumbers, valuesOf } from "./new-campaign/values.js";
const { schema, calls } = JSON.parse(readFileSync(0, "utf8"));
const fields = schemaFields(schema);
const shown = (values) => fields.filter(readForm(fields, values).isShown).map(({ path }) => path);
const functions = {
  fields: () => fields, shown, commandsOf, limitsText,
  missing: (values) => missingFields(fields, readForm(fields, values)),
  refused: (values) => refusedNumbers(fields, readForm(fields, values)),
  documentOf: (values) => documentOf(fields, values), valuesOf: (spec) => valuesOf(fields, spec),
  differences: (a, b) => differences(fields, a, b).map(({ field, before, after }) => [field.path, before, after]),
  defaultOf: (values, path) => readForm(fields, values).defaultOf(fields.find((field) => field.path === path)) ?? null,
  errorsByField: (problem) => errorsByField(fields, problem),
};
console.log(JSON.stringify(calls.map(([name, ...given]) => functions[name](...given))));
"""
SERVICE = {"url": "http://127.0.0.1:8000", "defaultUrl": "http://127.0.0.1:8000", "needsKey": False}


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Calls functions of the modules, each with its arguments, and returns their results."""
    shutil.copytree(STATIC_DIR / "new-campaign", tmp_path / "new-campaign")
    shutil.copy(STATIC_DIR / "yaml.js", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "run.js").write_text(SCRIPT)

    def call(*calls: list[Any]) -> Any:
        given = json.dumps({"schema": CampaignSpec.model_json_schema(), "calls": calls})
        completed = subprocess.run(["node", str(tmp_path / "run.js")], input=given, capture_output=True, text=True)
        assert completed.returncode == 0, completed.stderr
        return json.loads(completed.stdout)

    return call


def leaves(document: dict[str, Any], prefix: str = "") -> set[str]:
    """The paths of all values of a document."""
    found = set()
    for name, value in document.items():
        found |= leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}"}
    return found


def test_the_form_has_every_field_of_a_campaign_once(run: Any) -> None:
    (fields,) = run(["fields"])
    paths = [field["path"] for field in fields]
    assert len(paths) == len(set(paths))
    whole = {"name": "x", "proxy_task": {"profile": "synthetic"}, "stop": {}, "finals": {}, "latency": {}}
    stored = CampaignSpec.model_validate(whole).model_dump(mode="json")
    expected = (
        leaves(stored)
        | {f"proxy_task.{name}" for name in FIELDS}
        | {f"finals.{name}" for name in (*FIELDS, *RECIPE_FIELDS)}
    )
    switches = {field["path"] for field in fields if field["kind"] == "switch"}
    assert switches == {"latency", "early_stopping", "finals"}
    assert set(paths) - switches == expected - {"early_stopping"} | {"early_stopping.rule", "early_stopping.min_trials"}
    kinds = {field["path"]: field["kind"] for field in fields}
    assert (kinds["search_space.choices"], kinds["search_space.max_block_width"]) == ("list", "widths")
    assert (kinds["proxy_task.flip"], kinds["trials"], kinds["name"]) == ("choice", "number", "text")


def test_fields_are_shown_where_they_are_read_with_the_default_that_holds(run: Any) -> None:
    synthetic, evolution = {"proxy_task.profile": "synthetic"}, {"controller.algorithm": "evolution"}
    plain, of_synthetic, of_evolution, paper, laptop, rate, factorised = run(
        ["shown", {}],
        ["shown", synthetic],
        ["shown", {**evolution, "finals": "true"}],
        ["defaultOf", {"proxy_task.profile": "paper"}, "proxy_task.image_px"],
        ["defaultOf", {}, "proxy_task.image_px"],
        ["defaultOf", {}, "controller.learning_rate"],
        ["defaultOf", {"controller.policy": "factorised"}, "controller.learning_rate"],
    )
    assert {"proxy_task.shared_steps", "controller.policy"} <= set(plain)
    assert not {"proxy_task.seconds", "controller.population", "finals.top", "objective.weight"} & set(plain)
    assert "proxy_task.seconds" in of_synthetic
    assert "proxy_task.steps" not in of_synthetic
    assert {"controller.population", "finals.top", "finals.steps"} <= set(of_evolution)
    assert not {"controller.policy", "finals.shared_steps"} & set(of_evolution)
    assert (paper, laptop) == (PROFILES["paper"].image_px, PROFILES["laptop"].image_px)
    assert (rate, factorised) == (0.003, 0.07)


def test_what_is_missing_is_said_as_the_service_says_it(run: Any) -> None:
    paper = {"name": "x", "proxy_task.profile": "paper"}
    nothing, of_profile, *enough = run(
        ["missing", {}],
        ["missing", paper],
        ["missing", {**paper, "dataset": "cars"}],
        ["missing", {"name": "x", "proxy_task.profile": "synthetic"}],
        ["missing", {**paper, "proxy_task.kind": "synthetic"}],
    )
    assert [each["field"] for each in nothing] == ["name", "dataset"]
    assert enough == [[], [], []]
    with pytest.raises(ValidationError) as refused:
        CampaignSpec.model_validate({"name": "x", "proxy_task": {"profile": "paper"}})
    assert of_profile == [{"field": "dataset", "message": each["msg"]} for each in refused.value.errors()]


def test_a_document_has_the_changed_fields_alone(run: Any) -> None:
    entered = {
        "name": "first look", "trials": "1,200", "seed": "1", "proxy_task.profile": "synthetic",
        "proxy_task.seconds": "0.5", "proxy_task.steps": "7", "search_space.choices": "1, 2, 4.5",
        "search_space.max_block_width": "10: 160, 12: 96", "finals": "true", "stop.device_hours": "2e0",
        "parallelism": "many", "share": "0,5", "controller.policy": " ",
    }  # fmt: skip
    document, empty, only_switch = run(["documentOf", entered], ["documentOf", {}], ["documentOf", {"latency": "true"}])
    assert document == {
        "name": "first look",
        "trials": 1200,
        "parallelism": "many",
        "share": "0,5",
        "search_space": {"choices": [1, 2, 4.5], "max_block_width": {"10": 160, "12": 96}},
        "proxy_task": {"profile": "synthetic", "seconds": 0.5},
        "finals": {},
        "stop": {"device_hours": 2},
    }
    assert (empty, only_switch) == ({}, {"latency": {}})


@pytest.mark.parametrize(
    "document",
    [
        {"name": "x", "proxy_task": {"profile": "synthetic"}},
        {"name": "x", "dataset": "digits", "controller": {"algorithm": "evolution", "population": 10}},
        {"name": "x", "dataset": "digits", "objective": {"minimise": "latency"}, "finals": {"top": 1, "steps": 900}},
        {
            "name": "x",
            "proxy_task": {"profile": "synthetic", "evaluate_steps": 2},
            "search_space": {"base": {"widths": [16] * 18}, "searched_blocks": [5, 7], "max_block_width": {"5": 128}},
            "early_stopping": {"min_trials": 3},
            "stop": {"target_reward": 0.5},
            "resources": {"gpus": 0.5},
        },
    ],
)
def test_a_copy_gives_the_same_campaign_from_few_fields(run: Any, document: dict[str, Any]) -> None:
    spec = CampaignSpec.model_validate(document)
    (values,) = run(["valuesOf", spec.model_dump(mode="json")])
    (copy,) = run(["documentOf", values])
    assert CampaignSpec.model_validate(copy) == spec
    assert len(leaves(copy)) <= len(leaves(document)) + 12  # the defaults of an architecture that has no name


def test_differences_name_the_fields_with_both_values(run: Any) -> None:
    before = {"name": "x", "proxy_task.profile": "synthetic", "trials": "40"}
    after = {**before, "trials": "60", "finals": "true", "stop.wall_seconds": "60"}
    found, none = run(["differences", before, after], ["differences", before, {**before, "seed": "1"}])
    assert found == [["trials", "40", "60"], ["finals", "no", "yes"], ["stop.wall_seconds", "no limit", "60"]]
    assert none == []


REPORTS = "import json, sys; print(json.dumps([sys.argv[1:], sys.stdin.read()]))"


def words(command: str, program: str) -> Any:
    """The arguments and the standard input that a shell gives to the program of a command."""
    completed = subprocess.run(
        ["bash", "-c", f'{program}() {{ python3 -c "$REPORTS" "$@"; }}\n{command}'],
        env={"PATH": "/usr/bin:/bin", "REPORTS": REPORTS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


@pytest.mark.parametrize("name", ["first look", "it's: a 'test' # no", "yes", "été\u2028 🙂", '"quoted" \\n'])
def test_commands_create_the_same_document_in_a_shell(run: Any, name: str) -> None:
    document = {
        "name": name,
        "trials": 3,
        "search_space": {"choices": [1, 2.5], "base": {"widths": [8] * 18}},
        "stop": {},
    }
    (commands,) = run(["commandsOf", document, SERVICE])
    assert parse_document(commands["YAML"]) == document

    arguments, given = words(commands["Command"], "effspine")
    assert arguments == ["campaign", "create", "-f", "-"]
    assert parse_document(given) == document
    arguments, _ = words(commands["curl"], "curl")
    assert arguments[:3] == ["-X", "POST", "http://127.0.0.1:8000/v1/campaigns"]
    assert json.loads(arguments[-1]) == document


def test_commands_name_another_service_and_its_key(run: Any) -> None:
    service = {**SERVICE, "url": "https://host/effspine", "needsKey": True}
    (commands,) = run(["commandsOf", {"name": "x"}, service])
    assert commands["Command"].startswith("EFFSPINE_URL='https://host/effspine' effspine campaign create -f - <<'EOF'")
    assert "'https://host/effspine/v1/campaigns'" in commands["curl"]
    assert '"Authorization: Bearer $EFFSPINE_API_KEY"' in commands["curl"]


def test_errors_stand_at_the_nearest_field(run: Any) -> None:
    errors = [
        {"field": "search_space.choices.0", "message": "a"},
        {"field": "finals.top", "message": "b"},
        {"field": "finals.top", "message": "c"},
        {"field": "body", "message": "d"},
    ]
    found, general, none = run(
        ["errorsByField", {"errors": errors}], ["errorsByField", {"detail": "full"}], ["errorsByField", None]
    )
    assert found == {"search_space.choices": ["a"], "finals.top": ["b", "c"], "": ["d"]}
    assert (general, none) == ({"": ["full"]}, {})


def test_limits_are_written_for_people(run: Any) -> None:
    limits = [{"least": 1, "most": 100_000}, {"above": 0, "most": 1}, {}]
    assert run(*(["limitsText", each] for each in limits)) == ["1 to 100,000", "above 0 and at most 1", None]


def test_no_help_of_a_field_speaks_of_null(run: Any) -> None:
    (fields,) = run(["fields"])
    texts = [f"{field['title']} {field['description']} {field['nullText'] or ''}" for field in fields]
    assert [text for text in texts if "null" in text.lower()] == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("trials", "200000"),
        ("trials", "0"),
        ("trials", "many"),
        ("trials", "2.5"),
        ("controller.learning_rate", "0"),
        ("retries", "-1"),
    ],
)
def test_a_number_that_the_schema_refuses_is_known_before_the_service_is_asked(
    run: Any, service: TestClient, path: str, text: str
) -> None:
    ((refused,),) = run(["refused", {path: text}])
    document: Any = text if text == "many" else json.loads(text)
    for name in reversed(path.split(".")):
        document = {name: document}
    document = {"name": "x", "proxy_task": {"profile": "synthetic"}, **document}
    (error,) = service.post("/v1/campaigns?dry_run=true", json=document).json()["errors"]
    assert refused == {"field": error["field"], "message": error["message"]}


def test_numbers_within_the_limits_and_budgets_with_units_are_left_to_the_service(run: Any) -> None:
    values = {"trials": "100,000", "retries": "", "seed": "0"}
    values |= {"search_space.budget_madds": "1.3 G", "search_space.max_params": "4.5M"}
    assert run(["refused", values]) == [[]]
