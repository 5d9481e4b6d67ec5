"""Commands that are imported when they are typed, as Click documents it under "Lazily Loading Subcommands".

`--help` lists them with what their group says of them, so it imports none of them either.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from satcom.app.parameter_names import in_capitals

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
            known = super().get_command(ctx, cmd_name)
            return known and in_capitals(known)
        place, does = self.lazy[cmd_name]
        module, attribute = place.split(":")
        found = getattr(import_module(f"satcom.app.commands.{module}"), attribute)
        holder = typer.Typer()
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=cmd_name, help=does)
        else:
            holder.command(cmd_name)(found)
        return in_capitals(get_group(holder).commands[cmd_name])

    def format_help(self, ctx: Any, formatter: Any) -> None:
        listed = TyperGroup(name=self.name, commands=dict(self.commands), params=self.params, help=self.help)
        in_capitals(listed).format_help(ctx, formatter)
