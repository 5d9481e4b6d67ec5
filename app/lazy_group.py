"""Commands that are imported when they are typed, as Click documents it under "Lazily Loading Subcommands".

`--help` lists them with what their group says of them, so it imports none of them either.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

Commands: TypeAlias = Mapping[str, tuple[str, str]]


class LazyGroup(TyperGroup):
    """Its lazy commands come after those it is given: by name, `file:attribute` in `app.commands`, and what it does."""

    lazy: ClassVar[Commands]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands.update((name, TyperCommand(name, help=does)) for name, (_, does) in self.lazy.items())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command itself: a group where the attribute is a `Typer`, else of a function."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        place, does = self.lazy[cmd_name]
        module, attribute = place.split(":")
        found = getattr(import_module(f"satcom.app.commands.{module}"), attribute)
        holder = typer.Typer()
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=cmd_name, help=does)
        else:
            holder.command(cmd_name)(found)
        return get_group(holder).commands[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        listed = TyperGroup(name=self.name, commands=dict(self.commands), params=self.params, help=self.help)
        listed.format_help(ctx, formatter)
