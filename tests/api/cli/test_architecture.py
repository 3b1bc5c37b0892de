"""`models`, `cost`, `sample` and `allocate`: JSON shapes and agreement with one another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from api.cli.main import run
from search_space.cost import cost_report
from search_space.diagram.drawing import block_diagram
from search_space.document import BlockSpecification, block_specification
from search_space.published import D0_BETAS, EFF_SPINENET_D0, EFF_SPINENETS, SP_EFFICIENTNET_B0


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> object:
    """The JSON that a command prints."""
    assert run([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def comma_separated(values: object) -> str:
    """Values as the text of an option."""
    return ",".join(str(value) for value in values)  # type: ignore[attr-defined]


def test_model_documents_have_all_fields(capsys: pytest.CaptureFixture[str]) -> None:
    rows = document(capsys, "models")
    assert isinstance(rows, list)
    assert {"Eff-SpineNet-D0", "SP-EfficientNet-B0"} <= {row["name"] for row in rows}
    fields = ["name", "task", "input_px", "madds", "madds_profiler", "params"]
    fields += ["published_madds", "published_params", "source"]
    fields += ["note", "madds_difference_percent", "params_difference_percent"]
    assert all(list(row) == fields for row in rows)
    assert {row["task"] for row in rows} == {
        "detection", "instance-segmentation", "classification", "semantic-segmentation"
    }  # fmt: skip


def test_models_that_differ_from_the_paper_are_named_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    notes = capsys.readouterr().err.splitlines()
    assert len(notes) == 1
    assert notes[0].startswith("Eff-SpineNet-D0 and SP-EfficientNet-B0: the published parameters do not agree")


def test_cost_accepts_an_exported_specification(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "best.json"
    path.write_text(json.dumps(block_specification(BlockSpecification(EFF_SPINENETS["D1"], {}))))
    report = document(capsys, "cost", "--architecture", str(path))
    assert isinstance(report, dict)
    assert report["madds"] == cost_report(EFF_SPINENETS["D1"]).madds
    smaller = document(capsys, "cost", "--architecture", str(path), "--input-px", "320")
    assert isinstance(smaller, dict)
    assert smaller["madds"] < report["madds"] / 3
    both = ["--architecture", str(path), "--widths", comma_separated(EFF_SPINENET_D0.widths)]
    for arguments, found in (
        ([], "neither --widths nor --architecture is given"),
        (both, "--widths and --architecture are both given"),
    ):
        assert run(["cost", *arguments]) == 2
        assert capsys.readouterr().err == f"error: {found}; give one of them\n"


def test_a_narrower_space_can_be_sampled(capsys: pytest.CaptureFixture[str]) -> None:
    space = ("--searched-blocks", "5,7,9", "--choices", "1,2,4", "--max-block-width", "5=96", "--width-divisor", "4")
    rows = document(capsys, "sample", "--count", "5", *space)
    assert isinstance(rows, list)
    assert all(len(row["betas"]) == 3 and row["widths"][4] <= 96 for row in rows)
    assert document(capsys, "allocate", "--betas", comma_separated(rows[0]["betas"]), *space) == rows[0]
    assert run(["sample", "--max-block-width", "5=x"]) == 2
    assert "max_block_width has '5=x'; it must be one whole number, or pairs" in capsys.readouterr().err


def test_cost_counts_block_by_block(capsys: pytest.CaptureFixture[str]) -> None:
    report = document(capsys, "cost", "--widths", comma_separated(EFF_SPINENET_D0.widths))
    assert isinstance(report, dict)
    assert list(report) == ["madds", "madds_profiler", "params", "blocks"]
    assert [block["block"] for block in report["blocks"]] == list(range(1, 19))
    assert set(report["blocks"][0]) == {"block", "level", "width", "madds", "params"}
    smaller = document(capsys, "cost", "--widths", comma_separated(EFF_SPINENET_D0.widths), "--input-px", "256")
    assert isinstance(smaller, dict)
    assert smaller["madds"] < report["madds"] / 3
    assert smaller["params"] == report["params"]


@pytest.mark.parametrize("input_px", [512, 256])
def test_cost_draws_the_blocks_and_the_baseline(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, input_px: int
) -> None:
    path = tmp_path / "out.svg"
    command = ["cost", "--widths", comma_separated(EFF_SPINENET_D0.widths), "--input-px", str(input_px), "--json"]
    assert run([*command, "--diagram", str(path)]) == 0
    drawn = capsys.readouterr()
    assert drawn.err == f"diagram: {path}\n"
    assert run(command) == 0
    assert capsys.readouterr().out == drawn.out
    baseline = replace(SP_EFFICIENTNET_B0, input_px=input_px)
    name = EFF_SPINENET_D0.name if input_px == EFF_SPINENET_D0.input_px else "custom"
    architecture = replace(EFF_SPINENET_D0, input_px=input_px, name=name)
    assert path.read_text(encoding="utf-8") == block_diagram(architecture, baseline)


def test_a_diagram_that_cannot_be_written_is_one_line_that_names_the_path(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for path in (tmp_path, tmp_path / "missing" / "out.svg"):
        assert run(["cost", "--widths", comma_separated(EFF_SPINENET_D0.widths), "--diagram", str(path), "--json"]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert f"diagram is '{path}'" in captured.err


def test_the_same_seed_samples_the_same_architectures(capsys: pytest.CaptureFixture[str]) -> None:
    first = document(capsys, "sample", "--seed", "7", "--count", "5")
    assert first == document(capsys, "sample", "--seed", "7", "--count", "5")
    assert first != document(capsys, "sample", "--seed", "8", "--count", "5")
    assert isinstance(first, list)
    assert list(first[0]) == ["betas", "alphas", "widths", "madds", "params", "madds_ratio"]
    assert all(abs(row["madds_ratio"] - 1) < 0.01 for row in first)


def test_a_sample_can_be_allocated_again_at_the_same_cost(capsys: pytest.CaptureFixture[str]) -> None:
    rows = document(capsys, "sample", "--count", "1", "--mode", "paper", "--budget-madds", "1500000000")
    assert isinstance(rows, list)
    (row,) = rows
    options = ("--mode", "paper", "--budget-madds", "1500000000")
    assert document(capsys, "allocate", "--betas", comma_separated(row["betas"]), *options) == row
    cost = document(capsys, "cost", "--widths", comma_separated(row["widths"]))
    assert isinstance(cost, dict)
    assert (cost["madds"], cost["params"]) == (row["madds"], row["params"])


def test_the_published_betas_give_the_published_widths(capsys: pytest.CaptureFixture[str]) -> None:
    row = document(capsys, "allocate", "--betas", comma_separated(D0_BETAS), "--mode", "paper")
    assert isinstance(row, dict)
    assert tuple(row["widths"]) == EFF_SPINENET_D0.widths


@pytest.mark.parametrize(
    "arguments",
    [
        ("models",),
        ("cost", "--widths", comma_separated(SP_EFFICIENTNET_B0.widths)),
        ("sample", "--count", "2"),
        ("allocate", "--betas", comma_separated(D0_BETAS)),
    ],
)
def test_tables_do_not_truncate_values(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert run(list(arguments)) == 0
    out = capsys.readouterr().out
    assert "multi-adds" in out
    assert "…" not in out
    assert "\x1b" not in out
