"""`effspine proxy` as a process: an error is one line, despite the output of TensorFlow."""

from __future__ import annotations

from pathlib import Path

from tests.support.command_line import CommandLine
from tests.support.edge_case_coco import make_edge_case_coco

WIDTHS = "16,24,24,24,96,40,96,152,96,152,152,152,152,96,40,152,152,152"


def test_invalid_data_is_one_line_and_no_document(effspine: CommandLine, tmp_path: Path) -> None:
    directory = make_edge_case_coco(tmp_path / "odd")
    image = directory / "images" / "wide.jpg"
    image.write_bytes(image.read_bytes()[:600])
    arguments = ("proxy", "--widths", WIDTHS, "--profile", "smoke", "--json")
    for data, message in (directory, str(image)), (tmp_path / "none", "there is no data set directory"):
        result = effspine.run_in_new_process(*arguments, "--data", str(data))
        assert result.status == 2
        assert result.out == ""
        assert len(result.err.splitlines()) == 1
        assert message in result.err
