"""What goes to stdout: texts that cannot harm a terminal, tables, and lines of JSON."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Generic, Literal, TypeVar

import click
from pydantic import BaseModel

from tai_state import VectorClock
from tai_state.values import to_json

T = TypeVar("T")

_BATCH_ROWS = 500
"""The rows that are held in memory to find the widths of a table's columns."""

# Everything but printable ASCII is looked at more closely; most texts have none.
_SUSPECT = re.compile(r"[^ -~]")
# What the store keeps for its users, of any type: shown in the codec's reversible form.
_STORED_VALUES = frozenset({"data", "payload", "from_state", "to_state", "context"})


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Return *text* with what a terminal would obey or not show as its escape, backslash and number."""

    def visible(found: re.Match[str]) -> str:
        char = found[0]
        if char.isprintable() or (keep_lines and char == "\n"):
            return char
        return char.encode("unicode_escape").decode()

    return _SUSPECT.sub(visible, text)


def json_line(value: object) -> str:
    """Return *value* as one line of JSON that no terminal obeys."""

    def escaped(found: re.Match[str]) -> str:
        return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]

    # JSON leaves DEL, C1 controls and direction marks as they are.
    return _SUSPECT.sub(escaped, json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f"))


def record_of(model: BaseModel) -> dict[str, Any]:
    """Return a public model as a JSON object: times in ISO 8601, stored values in the codec's loss-free form."""
    return {name: _json_value(name, getattr(model, name)) for name in type(model).model_fields}


def _json_value(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if name in _STORED_VALUES:
        return json.loads(to_json(dict(value) if isinstance(value, Mapping) else value))
    if isinstance(value, VectorClock):
        return value.to_dict()
    if isinstance(value, BaseModel):
        return record_of(value)
    return value


def moment(value: datetime) -> str:
    """Return a time for people: UTC, to the second unless there is more."""
    return value.astimezone(UTC).isoformat(sep=" ").removesuffix("+00:00") + "Z"


def note(text: str) -> None:
    """Say something to the person at the terminal: on stderr, beside the data."""
    click.echo(printable(text, keep_lines=True), err=True)


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of a table: its title, and what a row shows in it."""

    title: str
    cell: Callable[[T], object]
    is_number: bool = False
    is_whole: bool = False
    """Whether a narrow terminal must not break its cells into lines."""

    def text(self, row: T) -> str:
        """Return the cell of *row*, harmless."""
        value = self.cell(row)
        return f"{value:,}" if self.is_number else printable(str(value))


def write_list(rows: Iterable[T], columns: Sequence[Column[T]], *, as_json: bool, record: Callable[[T], object]) -> int:
    """Write *rows* as they come, in bounded memory: JSON lines, or a table; return how many there were."""
    try:
        return _write_rows(rows, columns, record if as_json else None)
    finally:
        # A reader that is left half way, as when `| head` has seen enough, would keep its store waiting.
        close = getattr(rows, "close", None)
        if close is not None:
            close()


def _write_rows(rows: Iterable[T], columns: Sequence[Column[T]], record: Callable[[T], object] | None) -> int:
    count = 0
    remaining = iter(rows)
    while batch := list(islice(remaining, 1 if record else _BATCH_ROWS)):
        if record is not None:
            click.echo(json_line(record(batch[0])))
        else:
            _write_batch(columns, [[column.text(row) for column in columns] for row in batch], with_titles=count == 0)
        count += len(batch)
    return count


def _write_batch(columns: Sequence[Column[Any]], cells: list[list[str]], *, with_titles: bool) -> None:
    if sys.stdout.isatty():
        _write_table(columns, cells, with_titles=with_titles)
        return
    for line in aligned(columns, cells, with_titles=with_titles):
        click.echo(line)


def aligned(columns: Sequence[Column[Any]], cells: list[list[str]], *, with_titles: bool) -> Iterator[str]:
    """Yield the rows as plain lines, nothing cut or wrapped: for pipes and files."""
    rows = [[column.title.upper() for column in columns], *cells] if with_titles else cells
    widths = [max(len(row[index]) for row in rows) for index in range(len(columns))]
    for row in rows:
        placed = (
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for column, cell, width in zip(columns, row, widths, strict=True)
        )
        yield "  ".join(placed).rstrip()


def _write_table(columns: Sequence[Column[Any]], cells: list[list[str]], *, with_titles: bool) -> None:
    # Imported here: `--help` and pipes need not wait for it.
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, show_header=with_titles, pad_edge=False, header_style="bold")
    # A column with nothing in it would only take room from the others.
    shown = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    for column in (columns[index] for index in shown):
        justify: Literal["left", "right"] = "right" if column.is_number else "left"
        table.add_column(Text(column.title), justify=justify, overflow="fold", no_wrap=column.is_whole)
    for row in cells:
        # Text, not str: an id such as "[red]" is no markup.
        table.add_row(*(Text(row[index]) for index in shown))
    Console(file=sys.stdout, highlight=False).print(table)


def write_one(fields: Mapping[str, object], *, as_json: bool, record: object) -> None:
    """Write one thing: a JSON object, or its *fields*, a line each; empty ones are left out."""
    if as_json:
        click.echo(json_line(record))
        return
    shown = {name: str(value) for name, value in fields.items() if value not in (None, "")}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        first, *more = printable(value, keep_lines=True).split("\n")
        click.echo(f"{name.ljust(width)}  {first}")
        for line in more:
            click.echo(f"{'':{width}}  {line}")
