from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas_controller.proxy_check.findings import Findings, find
from nas_controller.proxy_check.plot import draw, write_plot
from search_space.errors import InvalidValueError
from tests.support.training_results import results_of, synthetic_study


def findings(reference: bool = True, trainings: int | None = None) -> Findings:
    study = synthetic_study(architectures=4, seeds=2, reference=reference)
    rewards = [0.3, 0.1, 0.4, 0.2]
    return find(
        study,
        results_of(study, lambda training: rewards[training.architecture] + 0.01 * (training.seed % 3), trainings),
    )


def test_the_left_panel_has_every_reward_and_the_means_in_order() -> None:
    found = findings()
    left, _ = draw(found).axes
    seeds, means, uniform = left.get_lines()
    assert sorted(seeds.get_ydata()) == sorted(reward for row in found.rows for reward in row.rewards)
    assert means.get_ydata() == pytest.approx([0.115, 0.215, 0.315, 0.415])
    assert [label.get_text() for label in left.get_xticklabels()] == ["1", "3", "0", "2"]
    assert (uniform.get_xdata()[0], uniform.get_ydata()[0]) == (2, pytest.approx(0.315))
    assert found.intraclass_one_way is not None
    assert f"{found.intraclass_one_way.value:.2f}" in left.get_title("left")


def test_the_right_panel_has_the_means_against_the_references() -> None:
    found = findings()
    _, right = draw(found).axes
    points = {(line.get_xdata()[0], line.get_ydata()[0]) for line in right.get_lines() if line.get_marker() == "o"}
    assert points == {(row.spread.mean, row.reference) for row in found.rows if row.spread is not None}
    assert "tau of one seed 1.00" in right.get_title("left")


def test_without_a_reference_there_is_only_the_left_panel() -> None:
    assert len(draw(findings(reference=False)).axes) == 1
    assert len(draw(findings(trainings=8)).axes) == 1


@pytest.mark.parametrize("trainings", [0, 1, 9])
def test_few_results_can_be_drawn(tmp_path: Path, trainings: int) -> None:
    write_plot(findings(trainings=trainings), tmp_path / "plot.svg")
    ElementTree.parse(tmp_path / "plot.svg")


def test_the_suffix_decides_and_equal_findings_give_equal_files(tmp_path: Path) -> None:
    for name in "plot.svg", "plot.PNG":
        write_plot(findings(), tmp_path / name)
        first = (tmp_path / name).read_bytes()
        write_plot(findings(), tmp_path / name)
        assert (tmp_path / name).read_bytes() == first
    with Image.open(tmp_path / "plot.PNG") as image:
        assert np.asarray(image.convert("L")).std() > 0
    assert ElementTree.parse(tmp_path / "plot.svg").getroot().tag.endswith("svg")


def test_other_suffixes_and_unwritable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"\.svg or \.png"):
        write_plot(findings(), tmp_path / "plot.pdf")
    with pytest.raises(InvalidValueError, match="cannot be written"):
        write_plot(findings(), tmp_path / "nowhere" / "plot.svg")
