"""No raw exception reaches a person: every one that the input or the system causes is one line and status 2."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.error_lines import error_line, input_error
from api.cli.main import run
from api.client import Client
from api.settings import Settings
from search_space.errors import EffspineError
from tests.support.command_line import CommandLine

LONG = "n" * 5_000
LABELS = ".".join(["a"] * 300)
WIDTHS = "16,24,24,24,96,40,96,152,96,152,152,152,152,96,40,152,152,152"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENAMETOOLONG, "File name too long", LONG),
            f"{'n' * 100}... (5,000 characters): File name too long",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), "/x/y: Permission denied"),
        (OSError(errno.EXDEV, "Invalid link", "/a", None, "/b"), "/a: /b: Invalid link"),
        (OSError("no reason"), "no reason"),
        (OSError(), "OSError"),
        ("\udcff".__class__("\udcff"), "a text contains characters that utf-8 does not have: '\\udcff'"),
        (b"\xff\xfe", "the bytes b'\\xff\\xfe' are not utf-8 text; convert the file to UTF-8"),
        (RecursionError("maximum recursion depth exceeded"), "the input is nested too deeply"),
        (MemoryError(), "the input does not fit into the memory of this machine"),
        (ValueError("embedded null byte"), "a name contains the character NUL, which no file or argument may contain"),
        (
            RuntimeError("Could not determine home directory."),
            "a path begins with ~ but there is no such home",
        ),
        (UnicodeError("label too long"), "a text cannot be encoded: label too long"),
        (ValueError("out of order"), None),
        (RuntimeError("out of order"), None),
        (KeyError("ap"), None),
    ],
)
def test_errors_of_the_input_and_of_the_system_have_words(error: object, line: str | None) -> None:
    if isinstance(error, str):
        with pytest.raises(UnicodeEncodeError) as caught:
            error.encode()
        error = caught.value
    elif isinstance(error, bytes):
        with pytest.raises(UnicodeDecodeError) as wrong:
            error.decode()
        error = wrong.value
    assert isinstance(error, BaseException)
    assert input_error(error) == line


def test_an_error_line_is_one_line_that_steers_no_terminal() -> None:
    assert error_line("a\nb\u2028c\x1b[31m \u202e x") == "a b c\\x1b[31m \\u202e x"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cost", "--architecture", LONG), "n"),
        (("cost", "--architecture", "\udcff"), "\\udcff"),
        (("cost", "--architecture", "a\0b"), "null byte"),
        (("cost", "--architecture", "/dev/null/x"), "Not a directory"),
        (("cost", "--widths", WIDTHS, "--diagram", f"/tmp/{LONG}.svg"), "too long"),
        (("cost", "--widths", WIDTHS, "--diagram", "/"), "directory"),
        (("data", "register", "a", "~nobody-at-all/x"), "~"),
        (("data", "register", "a", LONG), "n"),
        (("data", "register", LONG, "."), "n"),
        (("campaign", "show", "\udcff"), "\\udcff"),
        (("campaign", "create", "-f", LONG), "too long"),
        (("campaign", "create", "-f", "/"), "directory"),
        (("campaign", "verify", "c", "--database-url", "sqlite://"), "in memory"),
        (("campaign", "verify", "c", "--database-url", f"sqlite:////tmp/{LONG}.db"), "unable to open"),
        (("keys", "list", "--database-url", "sqlite:////dev/null/x/y.db"), "Not a directory"),
        (("keys", "list", "--data-dir", "~nobody-at-all/x"), "no such home directory"),
        (("keys", "list", "--data-dir", f"/tmp/{LONG}"), "too long"),
        (("keys", "list", "--database-url", "postgresql+psycopg2://h/d"), "sqlite or postgresql"),
        (("keys", "create", "--name", "\x1b[2J", "--scope", "view"), "\\x1b"),
        (("serve", "--host", LABELS), "cannot listen"),
        (("serve", "--host", f"{'a' * 64}.org"), "not a host name"),
        (("serve", "--host", "a..b"), "host"),
        (("serve", "--host", "no-such-host.invalid"), "no-such-host.invalid"),
        (("\x1b[31m",), "\\x1b[31m"),
    ],
)
def test_a_command_line_that_python_chokes_on_is_one_line(
    effspine: CommandLine, arguments: tuple[str, ...], words: str
) -> None:
    done = effspine(*arguments)
    assert done.status == 2, done.err
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert len(done.err) < 1_000
    assert done.err.startswith("error: ")
    assert words in done.err
    assert "Error: " not in done.err
    assert "--debug" not in done.err


@pytest.mark.parametrize(
    "url",
    [
        "http://h:99999",
        "http://h:x",
        "http://[::1",
        "http://",
        "http:///x",
        "ftp://h",
        "h:8000",
        f"http://{LABELS}",
        f"http://{'a' * 64}.org",
        "http://a..b",
        "http://\udcff",
        "http://a b",
        "http://h/\x00",
    ],
)
def test_a_url_that_is_none_names_where_it_comes_from(effspine: CommandLine, url: str) -> None:
    with pytest.raises(EffspineError, match=r"^url is") as caught:
        Client(url)
    assert len(str(caught.value)) < 300
    if "\0" not in url:
        effspine.environment["EFFSPINE_URL"] = url
        done = effspine("campaign", "list")
        assert done.status == 2
        assert done.err.startswith("error: EFFSPINE_URL is")
        assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("EFFSPINE_TRUSTED_PROXIES", "10.0.0.5, proxy", "'proxy' is neither an address nor a network"),
        ("EFFSPINE_TRUSTED_PROXIES", "10.0.0.0/99", "'10.0.0.0/99'"),
        ("EFFSPINE_ROOT_PATH", "effspine", "give a path such as /effspine"),
        ("EFFSPINE_ROOT_PATH", "/v1", "paths of the service itself"),
        ("EFFSPINE_DATA_DIR", "~nobody-at-all/x", "no such home directory"),
        ("EFFSPINE_PORT", "\x1b[31m", "\\x1b[31m"),
        ("EFFSPINE_PORT", "9" * 5_000, "EFFSPINE_PORT"),
    ],
)
def test_a_setting_that_is_wrong_is_named(effspine: CommandLine, name: str, value: str, words: str, port: int) -> None:
    effspine.environment["EFFSPINE_PORT"] = str(port)
    effspine.environment[name] = value
    done = effspine("serve")
    assert done.status == 2
    assert len(done.err.splitlines()) == 1
    assert name in done.err
    assert words in done.err
    assert len(done.err) < 500


def test_an_option_that_is_wrong_is_named(effspine: CommandLine) -> None:
    done = effspine("supervisor", "--ray-address", "nowhere")
    assert (done.status, done.err) == (
        2,
        "error: --ray-address is 'nowhere': give host:port of the head, such as 10.0.0.5:6379, or 'auto'\n",
    )


@pytest.mark.parametrize("value", ["", "10.0.0.5", "10.0.0.0/8, ::1", "*"])
def test_proxies_are_addresses_or_networks(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EFFSPINE_TRUSTED_PROXIES", value)
    assert Settings().trusted_proxies == value


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_a_data_directory_that_may_not_be_written_is_one_line(effspine: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    done = effspine("keys", "list")
    assert done.status == 2
    assert len(done.err.splitlines()) == 1


def test_a_full_disk_under_standard_output_is_one_line(effspine: CommandLine) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "api.cli.main", "models", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=effspine.environment)
    assert done.returncode == 2
    assert done.stderr == "error: No space left on device\n"


def test_closed_streams_are_no_error(effspine: CommandLine) -> None:
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        command = f"{sys.executable} -m api.cli.main models --json {closed}"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=effspine.environment)
        assert (done.returncode, done.stderr) == (0, ""), closed


def test_memory_that_does_not_suffice_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def large(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("search_space.catalogue.model_rows", large)
    assert run(["models"]) == 2
    assert capsys.readouterr().err == "error: the input does not fit into the memory of this machine\n"
