"""The command `effspine`: subcommands from entry points, and errors as one line with an exit status.

Each entry point of the group `effspine.commands` is a Typer application: one command, or a group of them. It is
imported only when it is called or listed by `--help`, so that no command waits for the imports of another, and this
package does not depend on the packages that provide the commands.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar, TextIO

import typer
from typer.main import get_command

from api.cli.entry_point_group import EntryPointGroup
from api.cli.error_lines import error_line, input_error
from api.cli.flags import without_types
from search_space.display import displayed
from search_space.errors import EffspineError
from search_space.secret_urls import mask_urls

DEBUG_VARIABLE = "EFFSPINE_DEBUG"
INPUT_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130


class RootGroup(EntryPointGroup):
    """The commands, by what people want to do."""

    sections: ClassVar[Mapping[str, Sequence[str]]] = {
        "Search": ("demo", "data", "campaign", "proxy-check"),
        "Train and use a detector": ("training", "train", "evaluate", "predict", "export"),
        "Architectures": ("models", "cost", "sample", "allocate", "proxy"),
        "Service": ("serve", "api", "supervisor", "keys", "webhooks", "bench"),
    }


app = typer.Typer(
    cls=RootGroup,
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
        False, "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
    ),
    debug: bool = typer.Option(
        False, "--debug", envvar=DEBUG_VARIABLE, help="Show the traceback of an unexpected error."
    ),
) -> None:
    """Learns where a detector's compute should go: resource distribution search for scale-permuted backbones."""
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


def run(arguments: Sequence[str], commands: typer.Typer = app, name: str = "effspine") -> int:
    """Runs one command line of `commands`, which is called `name`, and returns its exit status.

    0 on success, 2 for invalid input and for what the system refuses, 130 after Ctrl-C or after Ctrl-D at a question, 1
    for an unexpected error. An error is one line on standard error; `--debug` adds the traceback.
    """
    _prepare_output()
    try:
        status = without_types(get_command(commands)).main(args=list(arguments), prog_name=name, standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except EffspineError as error:
        _report(error, str(error))
        return INPUT_ERROR_STATUS
    except (KeyboardInterrupt, typer.Abort):  # Abort: Ctrl-C or Ctrl-D at a question
        return INTERRUPTED_STATUS
    except BrokenPipeError:
        _discard(sys.stdout)  # the reader of the pipe has exited
        return 1
    except Exception as error:
        if hasattr(error, "format_message"):
            return _usage_error(error)
        if (reason := input_error(error)) is not None:
            _report(error, reason)
            return INPUT_ERROR_STATUS
        _report(error, f"{type(error).__name__}: {error} (run with `effspine --debug` for the traceback)")
        return 1


def _prepare_output() -> None:
    """Escapes what the encoding of the terminal lacks; output that was closed (`>&-`) is discarded."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (for the whole process)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _usage_error(error: Any) -> int:
    """Reports a command line that does not parse: the help text if it is empty, else one line."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        message = error.format_message().replace("Value error, ", "")  # a prefix by pydantic
        _print_error(message)
    return int(error.exit_code)


def _report(error: Exception, message: str) -> None:
    if os.environ.get(DEBUG_VARIABLE, "") not in ("", "0", "false"):
        import traceback

        for part in traceback.format_exception(error):
            print(displayed(mask_urls(part)), end="", file=sys.stderr)
    _print_error(message)


def _print_error(message: str) -> None:
    try:
        print(f"error: {error_line(message)}", file=sys.stderr, flush=True)
    except OSError:  # the terminal has been closed, or the disk of a log file is full
        _discard(sys.stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):
        try:
            sys.stdout.flush()
        except OSError:
            _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    """Sends what a stream still holds nowhere, so that Python does not fail to write it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
