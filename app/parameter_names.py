"""How help calls what is typed: in capitals, as `FILE`, `N` and `URL`; and what a shell offers for it.

Typer writes `<FileBinaryRead>` beside an argument, `<bool>` beside a switch, and braces around what must be given.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, get_args

from typer.core import TyperArgument, TyperGroup, TyperOption

NAMES: Final[dict[object, str]] = {int: "N", float: "N", Path: "FILE", datetime: "INSTANT"}


class NamedArgument(TyperArgument):
    """Its name in capitals says what it is; nothing stands beside it."""

    def display_type_rich(self, ctx: Any) -> str | None:
        return ""

    def get_usage_pieces(self, ctx: Any) -> list[str]:
        name = self.display_name_raw + ("..." if self.nargs != 1 else "")
        return [name if self.required else f"[{name}]"]


def offered(values: Iterable[str]) -> Callable[[str], list[str]]:
    """For `autocompletion`: those of a closed list of values that begin as what is typed already."""
    known = list(values)

    def begun(incomplete: str) -> list[str]:
        return [one for one in known if one.startswith(incomplete)]

    return begun


def in_capitals(command: Any) -> Any:
    """The command, and all that stand below it, with every parameter so called."""
    if isinstance(command, TyperGroup):
        for below in command.commands.values():
            in_capitals(below)
    own = command.get_params

    def named(ctx: Any) -> list[Any]:
        return [_named(one) for one in own(ctx)]

    command.get_params = named  # also --help, which is made when it is asked for
    return command


def _named(parameter: Any) -> Any:
    if isinstance(parameter, TyperArgument):
        parameter.__class__ = NamedArgument
    elif isinstance(parameter, TyperOption) and parameter.metavar is None:
        parameter.metavar = "" if parameter.is_flag else _name(parameter)
    return parameter


def _name(option: TyperOption) -> str:
    """Of its type; of a text the last word of the option, as ZONE of `--time-zone`."""
    kind = option.type_descriptor.annotation
    kinds = (kind, *get_args(kind))
    known = next((NAMES[one] for one in kinds if one in NAMES), None)
    return known or option.opts[0].rpartition("-")[2].upper()
