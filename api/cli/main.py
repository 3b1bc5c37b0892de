"""The command `effspine`: finds its subcommands among the distribution's entry points and answers for errors.

Each entry of the group `effspine.commands` names a Typer application: one command, or a group of them. It is
imported only when it is asked for (or listed by `--help`), so one package's commands never slow down another's, and
the command line need not depend on the packages whose commands it carries.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import typer
from typer.main import get_command

from api.cli.entry_point_group import EntryPointGroup
from search_space.errors import EffspineError

DEBUG_VARIABLE = "EFFSPINE_DEBUG"
INPUT_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130

app = typer.Typer(
    cls=EntryPointGroup,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"effspine {version('effspine')}")
        raise typer.Exit


@app.callback()
def effspine(
    show_version: bool = typer.Option(
        False, "--version", help="Print the version and leave.", is_eager=True, callback=_print_version
    ),
    debug: bool = typer.Option(
        False, "--debug", envvar=DEBUG_VARIABLE, help="Show the traceback of an unexpected error."
    ),
) -> None:
    """Learns where a detector's compute should go: resource distribution search for scale-permuted backbones."""
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit status.

    0 on success, 2 where the input is wrong, 130 after Ctrl-C, 1 where something unexpected happened. An error is
    one line on standard error; the traceback comes with it under `--debug`.
    """
    try:
        status = get_command(app).main(args=list(arguments), prog_name="effspine", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except EffspineError as error:
        _say(error, f"error: {error}")
        return INPUT_ERROR_STATUS
    except KeyboardInterrupt:
        return INTERRUPTED_STATUS
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read the output has left
        return 1
    except Exception as error:
        if hasattr(error, "format_message"):
            return _misused(error)
        _say(error, f"error: {type(error).__name__}: {error} (run with `effspine --debug` for the traceback)")
        return 1


def _misused(error: Any) -> int:
    """Answers for a command line that does not parse: help where nothing was asked, else one line."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        message = error.format_message().replace("Value error, ", "")  # pydantic's words, which say nothing more
        print(f"error: {message}", file=sys.stderr)
    return int(error.exit_code)


def _say(error: Exception, line: str) -> None:
    if os.environ.get(DEBUG_VARIABLE, "") not in ("", "0", "false"):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    print(" ".join(line.split("\n")), file=sys.stderr)


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
