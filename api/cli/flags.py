"""The help of switches: an option that takes no value, such as `--json`, does not read as if it took one."""

from __future__ import annotations

from typing import Any


def without_types(command: Any) -> Any:
    """The command, with all its subcommands, whose help names no type for options that take no value."""
    for parameter in command.params:
        _strip(parameter)
    own_help_option = command.get_help_option

    def help_option(context: Any) -> Any:
        return _strip(own_help_option(context))

    command.get_help_option = help_option
    for each in getattr(command, "commands", {}).values():
        without_types(each)
    return command


def _strip(parameter: Any) -> Any:
    if getattr(parameter, "is_flag", False):
        parameter.metavar = ""
    return parameter
