"""`models`, `cost`, `sample` and `allocate`: JSON shapes and agreement with one another."""

from __future__ import annotations

import json

import pytest

from api.cli.main import run
from search_space.published import D0_BETAS, EFF_SPINENET_D0, SP_EFFICIENTNET_B0


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> object:
    """The JSON that a command prints."""
    assert run([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def commas(values: object) -> str:
    """Values as an option takes them."""
    return ",".join(str(value) for value in values)  # type: ignore[attr-defined]


def test_models_have_the_fields_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    rows = document(capsys, "models")
    assert isinstance(rows, list)
    assert {"Eff-SpineNet-D0", "SP-EfficientNet-B0"} <= {row["name"] for row in rows}
    fields = ["name", "task", "input_px", "madds", "madds_profiler", "params"]
    fields += ["published_madds", "published_params", "source"]
    assert all(list(row) == fields for row in rows)


def test_cost_counts_block_by_block(capsys: pytest.CaptureFixture[str]) -> None:
    report = document(capsys, "cost", "--widths", commas(EFF_SPINENET_D0.widths))
    assert isinstance(report, dict)
    assert list(report) == ["madds", "madds_profiler", "params", "blocks"]
    assert [block["block"] for block in report["blocks"]] == list(range(1, 19))
    assert set(report["blocks"][0]) == {"block", "level", "width", "madds", "params"}
    smaller = document(capsys, "cost", "--widths", commas(EFF_SPINENET_D0.widths), "--input-px", "256")
    assert isinstance(smaller, dict)
    assert smaller["madds"] < report["madds"] / 3
    assert smaller["params"] == report["params"]


def test_the_same_seed_samples_the_same_architectures(capsys: pytest.CaptureFixture[str]) -> None:
    first = document(capsys, "sample", "--seed", "7", "--count", "5")
    assert first == document(capsys, "sample", "--seed", "7", "--count", "5")
    assert first != document(capsys, "sample", "--seed", "8", "--count", "5")
    assert isinstance(first, list)
    assert list(first[0]) == ["betas", "alphas", "widths", "madds", "params", "madds_ratio"]
    assert all(abs(row["madds_ratio"] - 1) < 0.01 for row in first)


def test_a_sample_can_be_allocated_again_and_costs_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    rows = document(capsys, "sample", "--count", "1", "--mode", "paper", "--budget-madds", "1500000000")
    assert isinstance(rows, list)
    (row,) = rows
    options = ("--mode", "paper", "--budget-madds", "1500000000")
    assert document(capsys, "allocate", "--betas", commas(row["betas"]), *options) == row
    cost = document(capsys, "cost", "--widths", commas(row["widths"]))
    assert isinstance(cost, dict)
    assert (cost["madds"], cost["params"]) == (row["madds"], row["params"])


def test_the_stated_betas_give_the_published_widths(capsys: pytest.CaptureFixture[str]) -> None:
    row = document(capsys, "allocate", "--betas", commas(D0_BETAS), "--mode", "paper")
    assert isinstance(row, dict)
    assert tuple(row["widths"]) == EFF_SPINENET_D0.widths


@pytest.mark.parametrize(
    "arguments",
    [
        ("models",),
        ("cost", "--widths", commas(SP_EFFICIENTNET_B0.widths)),
        ("sample", "--count", "2"),
        ("allocate", "--betas", commas(D0_BETAS)),
    ],
)
def test_people_get_a_table_with_whole_values(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert run(list(arguments)) == 0
    out = capsys.readouterr().out
    assert "multi-adds" in out
    assert "…" not in out
    assert "\x1b" not in out
