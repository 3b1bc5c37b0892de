"""A command group whose subcommands are entry points of the distribution."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar

from typer.core import TyperGroup
from typer.main import get_command


class EntryPointGroup(TyperGroup):
    """A group of the Typer applications in the entry points of group `members`; each is imported when it is called."""

    members: ClassVar[str] = "effspine.commands"

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(self._entries())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entries = self._entries()
        if cmd_name in entries:
            return _load(entries[cmd_name])
        for name in entries:  # unknown name: the base class suggests a similar one from the known names
            self.commands.setdefault(name, None)  # type: ignore[arg-type]
        return None

    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self.members)}


def _load(entry: EntryPoint) -> Any:
    command = get_command(entry.load())
    command.name = entry.name
    return command
