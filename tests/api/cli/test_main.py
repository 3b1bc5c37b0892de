"""The root command: its subcommands, and errors as one line."""

from __future__ import annotations

import io
from importlib.metadata import entry_points

import pytest
import typer

from api.cli.bench import BenchmarkGroup
from api.cli.entry_point_group import EntryPointGroup
from api.cli.main import RootGroup, run
from tests.support.command_line import CommandLine


def test_help_lists_every_command_of_the_distribution(effspine: CommandLine) -> None:
    result = effspine.run_in_new_process("--help")
    assert result.status == 0
    names = {entry.name for entry in entry_points(group=EntryPointGroup.members)}
    assert names >= {"models", "cost", "sample", "allocate", "campaign", "serve", "api", "supervisor", "demo", "data"}
    assert all(f" {name} " in result.out for name in names)


def test_help_of_bench_lists_the_benchmarks_of_all_packages(effspine: CommandLine) -> None:
    result = effspine.run_in_new_process("bench", "--help")
    assert result.status == 0
    names = {entry.name for entry in entry_points(group=BenchmarkGroup.members)}
    assert names == {
        "engine",
        "evaluation",
        "fill",
        "latency",
        "load",
        "memory",
        "profile",
        "searchers",
        "settings",
        "throughput",
        "control-plane",
    }
    assert all(f" {name} " in result.out for name in names)


@pytest.mark.parametrize("arguments", [("--help",), ("models",), ("campaign", "list"), ("bench", "--help")])
def test_fast_commands_import_no_heavy_package(effspine: CommandLine, arguments: tuple[str, ...]) -> None:
    result = effspine.run_in_new_process(*arguments, PYTHONPROFILEIMPORTTIME="1")
    imported = {line.rpartition("|")[2].strip() for line in result.err.splitlines()}
    assert "typer" in imported
    assert not imported & {"tensorflow", "ray", "fastapi", "sqlalchemy", "sklearn"}


def test_the_version_is_that_of_the_distribution(effspine: CommandLine) -> None:
    assert effspine.run_in_new_process("--version").out.startswith("effspine ")


def test_without_a_command_the_help_is_printed(effspine: CommandLine) -> None:
    result = effspine()
    assert all(section in result.out + result.err for section in RootGroup.sections)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sampel",), "'sample'"),
        (("bench", "engin"), "'engine'"),
        (("cost",), "--widths"),
        (("cost", "--widths", "8,x"), "'x'"),
        (("sample", "--count", "0"), "count is 0"),
        (("campaign", "shwo", "c"), "'show'"),
        (
            ("keys", "create", "--name", "x", "--scope", "all"),
            "'--scope': 'all' is not one of 'view', 'operate', 'admin'",
        ),
        (("serve", "--port", "0"), "--port"),
        (("serve", "--host", "0.0.0.0"), "'0.0.0.0'"),
        (("serve", "--database-url", "mysql://x"), "mysql"),
    ],
)
def test_an_invalid_command_line_is_one_line_on_standard_error(
    effspine: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    result = effspine.run_in_new_process(*arguments) if arguments[0] == "serve" else effspine(*arguments)
    assert result.status == 2
    assert result.out == ""
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith("error: ")
    assert message in result.err


def test_an_invalid_environment_variable_is_named(effspine: CommandLine) -> None:
    result = effspine.run_in_new_process("serve", EFFSPINE_PORT="many")
    assert result.status == 2
    assert result.err.startswith("error: EFFSPINE_PORT is 'many'")


def test_an_unexpected_error_is_one_line_and_debug_adds_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.delenv("EFFSPINE_DEBUG", raising=False)
    monkeypatch.setattr("search_space.catalogue.model_rows", broken)
    assert run(["models"]) == 1
    error = capsys.readouterr().err
    assert "RuntimeError: out of order" in error
    assert len(error.splitlines()) == 1
    monkeypatch.setenv("EFFSPINE_DEBUG", "1")
    assert run(["models"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("search_space.catalogue.model_rows", interrupted)
    assert run(["models"]) == 130


def test_ctrl_d_at_a_question_is_130_without_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = typer.Typer()

    @commands.command()
    def delete() -> None:
        typer.confirm("Delete it?", err=True)

    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run([], commands) == 130
    assert "error" not in capsys.readouterr().err


def test_every_command_is_in_one_section_of_the_help() -> None:
    listed = [name for names in RootGroup.sections.values() for name in names]
    assert len(listed) == len(set(listed))
    assert {entry.name for entry in entry_points(group=EntryPointGroup.members)} <= set(listed)


@pytest.mark.parametrize("command", [(), ("campaign", "create"), ("campaign", "list"), ("data", "register"), ("keys",)])
def test_switches_do_not_read_as_if_they_took_a_value(effspine: CommandLine, command: tuple[str, ...]) -> None:
    shown = effspine(*command, "--help")
    assert shown.status == 0
    assert "bool" not in shown.out
    assert "--help" in shown.out
    assert "<str>" in effspine("campaign", "create", "--help").out
