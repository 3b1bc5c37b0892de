"""Specifications are read from files and standard input, and exports are written whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.campaign.files import MAX_BYTES, read_specification, write_file
from search_space.errors import EffspineError, InvalidValueError
from tests.support.command_line import CommandLine


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name: gr\xfcn", "is not UTF-8: byte 9 is 0xfc; save it as UTF-8"),
        (b"\xff\xfen\0a\0", "is not UTF-8: byte 1 is 0xff"),
        (b"- a\n", "must contain one mapping"),
        (b"", "must contain one mapping"),
        (b"name: x\nname: y\n", "is neither YAML nor JSON: line 2, column 1: `name` is given twice"),
        (b"#" * (MAX_BYTES + 1), "is larger than 1,048,576 bytes"),
    ],
)
def test_a_file_that_is_no_specification_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidValueError) as caught:
        read_specification(str(path))
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_bytes(b'\xef\xbb\xbf{"name": "gr\xc3\xbcn"}')
    assert read_specification(str(tmp_path / "spec.json")) == {"name": "grün"}


@pytest.mark.parametrize("name", ["", "none.yaml", "n" * 5_000, "a\0b"])
def test_a_file_that_cannot_be_opened_is_one_line_and_status_2(
    effspine: CommandLine, tmp_path: Path, name: str
) -> None:
    done = effspine("campaign", "create", "-f", f"{tmp_path}/{name}")
    assert done.status == 2
    assert len(done.err.splitlines()) == 1
    assert "error: " in done.err
    assert "Error" not in done.err


def test_a_specification_of_standard_input_is_utf_8_whatever_the_terminal_is(
    effspine: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "spec.yaml").write_bytes("name: grün\ntrials: 1e-3\n".encode())
    with (tmp_path / "spec.yaml").open("rb") as file:
        command = [sys.executable, "-c", "import json; from api.cli.campaign.files import read_specification; "
                   "print(json.dumps(read_specification('-')))"]  # fmt: skip
        environment = effspine.environment | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0", "LC_ALL": "C"}
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, env=environment, timeout=120)
    assert done.stdout.strip() == '{"name": "gr\\u00fcn", "trials": 0.001}', done.stderr


def test_a_file_is_written_whole_and_its_directory_is_made(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a" / "b", "x.json", b"{}")
    assert path.read_bytes() == b"{}"
    assert [each.name for each in path.parent.iterdir()] == ["x.json"]
    assert write_file(path.parent, "x.json", b"[]").read_bytes() == b"[]"


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EffspineError, match=r"cannot write .*/file/x\.json: "):
        write_file(tmp_path / "file", "x.json", b"{}")
    (tmp_path / "x.json").mkdir()
    with pytest.raises(EffspineError, match=r"cannot write .*: Is a directory"):
        write_file(tmp_path, "x.json", b"{}")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "x.json"]
