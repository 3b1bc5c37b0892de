"""A command group whose subcommands are entry points of the distribution, in sections of the help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar

from typer.core import TyperGroup
from typer.main import get_command

from api.cli.flags import without_types


class EntryPointGroup(TyperGroup):
    """A group of the Typer applications in the entry points of group `members`; each is imported when it is called.

    `sections` are the titles of the help with their commands in order; commands in none follow under "Commands".
    """

    members: ClassVar[str] = "effspine.commands"
    sections: ClassVar[Mapping[str, Sequence[str]]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        order = [name for names in self.sections.values() for name in names]
        return sorted(self._entries(), key=lambda name: (order.index(name) if name in order else len(order), name))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entries = self._entries()
        if cmd_name in entries:
            command = _load(entries[cmd_name])
            command.rich_help_panel = next((title for title, each in self.sections.items() if cmd_name in each), None)
            return command
        for name in entries:  # unknown name: the base class suggests a similar one from the known names
            self.commands.setdefault(name, None)  # type: ignore[arg-type]
        return None

    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self.members)}


def _load(entry: EntryPoint) -> Any:
    command = without_types(get_command(entry.load()))
    command.name = entry.name
    return command
