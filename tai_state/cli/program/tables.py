"""Tables: columns that stay where they are, however many rows follow those that decided on their widths."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from tai_state.cli.program.texts import printable, rich_console

T = TypeVar("T")
Cells = Sequence[Sequence[str]]

_GAP = 2
_NARROW = 10
"""To what width a column of texts may be folded before another column is left out."""
_KEPT = 2
"""So many columns are shown on any terminal: what a row is, and how it is."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of a table: its title, and what a row shows in it."""

    title: str
    cell: Callable[[T], object]
    is_number: bool = False
    is_whole: bool = False
    """Whether its cells must not be folded into lines."""
    is_first_to_go: bool = False
    """Whether a narrow terminal does without it before it does without those to its right."""

    def text(self, row: T) -> str:
        """Return the cell of *row*, harmless."""
        value = self.cell(row)
        return f"{value:,}" if self.is_number else printable(str(value))


class Table(Protocol):
    """A table whose columns have their places."""

    left_out: list[str]
    """The titles of the columns for which there is no room."""

    def titles(self) -> Iterator[str]:
        """Yield the lines above the rows."""
        ...

    def lines(self, cells: Cells) -> Iterator[str]:
        """Yield the lines of some rows."""
        ...


def fit(columns: Sequence[Column[Any]], cells: Cells, *, is_all: bool) -> Table:
    """Return the table for rows that begin with *cells*; ``is_all``: no others follow."""
    if sys.stdout.isatty():
        return _Drawn(columns, cells, is_all=is_all)
    return _Plain(columns, cells)


class _Plain:
    """For pipes and files: nothing is cut, folded or coloured, and no line ends in blanks.

    The columns are stops, as a typewriter has them: a longer cell pushes the next one aside, in its row only.
    """

    def __init__(self, columns: Sequence[Column[Any]], cells: Cells) -> None:
        self._columns = columns
        self.left_out: list[str] = []
        titles = [column.title.upper() for column in columns]
        self._titles = titles
        self._widths = [max(len(row[index]) for row in (titles, *cells)) for index in range(len(columns))]

    def titles(self) -> Iterator[str]:
        yield self._line(self._titles)

    def lines(self, cells: Cells) -> Iterator[str]:
        return map(self._line, cells)

    def _line(self, row: Sequence[str]) -> str:
        line, stop = "", 0
        for column, cell, width in zip(self._columns, row, self._widths, strict=True):
            start = max(stop, len(line) + _GAP) if line else stop
            placed = cell.rjust(stop + width - start) if column.is_number else cell
            line = line.ljust(start) + placed
            stop += width + _GAP
        return line.rstrip()


class _Drawn:
    """For a terminal: as wide as it is at most; what is longer is folded inside its column."""

    def __init__(self, columns: Sequence[Column[Any]], cells: Cells, *, is_all: bool) -> None:
        from rich.cells import cell_len  # noqa: PLC0415 - pipes need not wait for it

        self._console = rich_console(sys.stdout)
        # A column with nothing in it would only take room from the others; but who knows what follows?
        shown = [at for at in range(len(columns)) if not is_all or any(row[at] for row in cells)]
        natural = {at: max(cell_len(text) for text in (columns[at].title, *(row[at] for row in cells))) for at in shown}
        self._widths = widths_within(self._console.width, {at: (columns[at], natural[at]) for at in shown})
        self.left_out = [columns[at].title for at in shown if at not in self._widths]
        self._columns = columns

    def titles(self) -> Iterator[str]:
        return self._draw([[column.title for column in self._columns]], style="bold")

    def lines(self, cells: Cells) -> Iterator[str]:
        return self._draw(cells, style="")

    def _draw(self, cells: Cells, style: str) -> Iterator[str]:
        from rich.table import Table as RichTable  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415

        table = RichTable(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
        for at, width in self._widths.items():
            justify = "right" if self._columns[at].is_number else "left"
            table.add_column(width=width, justify=justify, overflow="fold")  # type: ignore[arg-type]  # either literal
        for row in cells:
            # Text, not str: an id such as "[red]" is no markup.
            table.add_row(*(Text(row[at], style) for at in self._widths))
        with self._console.capture() as captured:
            self._console.print(table)
        return (line.rstrip() for line in captured.get().splitlines())


def widths_within(room: int, columns: dict[int, tuple[Column[Any], int]]) -> dict[int, int]:
    """Return the widths of the columns that *room* has place for, by their places; given are their natural widths."""

    def narrowest(at: int) -> int:
        column, natural = columns[at]
        return natural if column.is_number or column.is_whole else min(natural, _NARROW)

    kept = list(columns)

    def spare() -> int:
        return room - sum(map(narrowest, kept)) - _GAP * (len(kept) - 1)

    going = sorted(columns, key=lambda at: (columns[at][0].is_first_to_go, at))
    while spare() < 0 and len(kept) > _KEPT:
        kept.remove(going.pop())
    left = spare()
    widths = {}
    for at in kept:
        more = min(columns[at][1] - narrowest(at), max(left, 0))
        widths[at] = narrowest(at) + more
        left -= more
    if left < 0:
        each = max(1, (room - _GAP * (len(kept) - 1)) // len(kept))
        widths = {at: min(width, each) for at, width in widths.items()}
    return widths
