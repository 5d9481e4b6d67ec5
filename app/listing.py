"""Lists as commands print them: an id, a reference or a name that a person copies is never cut or broken.

A row is a line. Where the window is too narrow, text wraps between its words, and what still finds no room stands below
its row, each value with its name. In a pipe a row is one line, however long.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.rule import Rule
from rich.text import Text

GAP: Final = "  "  # here and below in characters
READABLE: Final = 12  # no text is wrapped more narrowly
LINE: Final = 80
ENDLESS: Final = 1_000_000


def screen() -> Console:
    """Where commands print to; a pipe has no edge."""
    console = Console()
    return console if console.is_terminal else Console(width=ENDLESS)


def rule(console: Console, title: str) -> None:
    """A line across the window, with a title in it."""
    console.print(Rule(Text(title, "bold")), width=min(console.width, LINE))


class Listing:
    """Rows under the names of their columns, the most important first.

    Those of `whole` are not wrapped between words either, as what is called "Amos-17 Ku 1V"; numbers stand at the
    `right`.
    """

    def __init__(self, *names: str, whole: Collection[str] = (), right: Collection[str] = (), headed: bool = True):
        self.names, self.whole, self.right, self.headed = names, whole, right, headed
        self.rows: list[list[Text]] = []

    def add(self, *cells: str | Text, style: str = "") -> None:
        """A row. Text is taken as it is, without markup."""
        self.rows.append([Text(one, style) if isinstance(one, str) else one for one in cells])

    def print_on(self, console: Console, none: str = "") -> None:
        """Print it, or where there is no row what is then to be said."""
        console.print(self if self.rows else none, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        widths = self._widths(options.max_width)
        if self.headed:
            heads = [Text(name, "dim") for name in self.names[: len(widths)]]
            yield from self._side_by_side(console, heads, widths)
        for row in self.rows:
            yield from self._side_by_side(console, row[: len(widths)], widths)
            yield from self._below(console, row, len(widths), options.max_width)

    def _widths(self, room: int) -> list[int]:
        """Of the columns that stand side by side, at least the first."""
        cells = [[Text(name), *(row[at] for row in self.rows)] for at, name in enumerate(self.names)]
        needed = [max(_longest(one.plain.splitlines()) for one in column) for column in cells]
        least = [
            one if name in self.whole else self._least(name, column, one)
            for name, one, column in zip(self.names, needed, cells, strict=True)
        ]
        count = len(needed)
        while count > 1 and sum(least[:count]) + len(GAP) * (count - 1) > room:
            count -= 1
        wanted = [most - one for most, one in zip(needed[:count], least[:count], strict=True)]
        spare = max(room - sum(least[:count]) - len(GAP) * (count - 1), 0)
        share = min(spare / sum(wanted), 1.0) if any(wanted) else 0.0
        return [one + int(share * more) for one, more in zip(least[:count], wanted, strict=True)]

    def _least(self, name: str, column: Sequence[Text], needed: int) -> int:
        """What holds its longest word; the name over numbers may wrap."""
        readable = 0 if name in self.right else min(needed, READABLE)
        return max(readable, *(_longest(cell.plain.split()) for cell in column))

    def _side_by_side(self, console: Console, cells: Sequence[Text], widths: Sequence[int]) -> Iterator[Text]:
        wrapped = [_wrapped(console, cell, width) for cell, width in zip(cells, widths, strict=True)]
        for pieces in zip_longest(*wrapped, fillvalue=Text()):
            line = Text(no_wrap=True, overflow="ignore")
            for name, piece, width in zip(self.names, pieces, widths, strict=False):
                placed = piece.copy()
                placed.align("right" if name in self.right else "left", width)
                line.append_text(placed).append(GAP)
            line.rstrip()
            yield line

    def _below(self, console: Console, row: Sequence[Text], first: int, room: int) -> Iterator[Text]:
        """What found no room beside the others; what says nothing is left out."""
        line = Text(GAP, no_wrap=True, overflow="ignore")
        for name, cell in zip(self.names[first:], row[first:], strict=True):
            if not cell.plain:
                continue
            told = Text.assemble((f"{name} ", "dim"), cell) if self.headed else cell
            if line.plain.strip() and line.cell_len + len(GAP) + told.cell_len > room:
                yield line
                line = Text(GAP, no_wrap=True, overflow="ignore")
            if line.plain.strip():
                line.append(GAP)
            indent = len(GAP) * (1 if len(GAP) + told.cell_len <= room else 2)
            *over, last = _wrapped(console, told, room - indent)
            for piece in over:
                yield line.append_text(piece)
                line = Text(GAP * 2, no_wrap=True, overflow="ignore")
            line.append_text(last)
        if line.plain.strip():
            yield line


def _wrapped(console: Console, cell: Text, width: int) -> Sequence[Text]:
    """Its lines, each word whole: one that is longer than the window is left to the terminal."""
    lines = cell.wrap(console, max(width, _longest(cell.plain.split())), overflow="fold")
    for line in lines:
        line.rstrip()
    return list(lines)


def _longest(pieces: Sequence[str]) -> int:
    return max(map(cell_len, pieces), default=0)
