"""What goes to stdout: texts that cannot harm a terminal, lists, single things, and lines of JSON."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tai_state.cli.program.texts import json_line, printable
from tai_state.cli.program.waiting import answered

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tai_state.cli.program.tables import Column

T = TypeVar("T")

_BATCH_ROWS = 500
"""The rows that are held in memory to find the widths of a table's columns."""


def record_of(model: "BaseModel") -> dict[str, Any]:
    """Return a public model as a JSON object; see ``tai_state.values.record_of``."""
    from tai_state.values import record_of  # noqa: PLC0415 - who shows a model has loaded pydantic

    return record_of(model)


def moment(value: datetime) -> str:
    """Return a time for people: UTC, to the second unless there is more."""
    return value.astimezone(UTC).isoformat(sep=" ").removesuffix("+00:00") + "Z"


def put(text: str) -> None:
    """Write lines to stdout, as they are."""
    answered()
    click.echo(text)


def note(text: str) -> None:
    """Say something to the person at the terminal: on stderr, beside the data."""
    click.echo(printable(text, keep_lines=True), err=True)


def write_list(
    rows: Iterable[T], columns: "Sequence[Column[T]]", *, as_json: bool, record: Callable[[T], object]
) -> int:
    """Write *rows* as they come, in bounded memory: JSON lines, or a table; return how many there were."""
    try:
        return _write_json(rows, record) if as_json else _write_table(rows, columns)
    finally:
        # A reader that is left half way, as when `| head` has seen enough, would keep its store waiting.
        close = getattr(rows, "close", None)
        if close is not None:
            close()


def write_live(
    sample: Sequence[T],
    rows: Iterable[T],
    columns: "Sequence[Column[T]]",
    *,
    limit: int | None,
    as_json: bool,
    record: Callable[[T], object],
) -> None:
    """Write *sample* and then each of *rows* as soon as it comes, *limit* of all of them at most.

    The sample decides how wide a table's columns are.
    """
    every = islice(chain(sample, rows), limit)
    try:
        if as_json:
            _write_json(every, record)
        else:
            _write_rows(sample, every, columns)
    finally:
        close = getattr(rows, "close", None)
        if close is not None:
            close()


def _write_rows(sample: Sequence[T], every: Iterable[T], columns: "Sequence[Column[T]]") -> None:
    from tai_state.cli.program import tables  # noqa: PLC0415 - programs read no tables

    table = tables.fit(columns, _cells_of(columns, iter(sample)), is_all=False)
    if table.left_out:
        note(f"left out, for want of a wider terminal: {', '.join(table.left_out)}")
    put("\n".join(table.titles()))
    for row in every:
        put("\n".join(table.lines(_cells_of(columns, iter([row])))))


def _write_json(rows: Iterable[T], record: Callable[[T], object]) -> int:
    count = 0
    for row in rows:
        count += 1
        put(json_line(record(row)))
    return count


def _write_table(rows: Iterable[T], columns: "Sequence[Column[T]]") -> int:
    remaining = iter(rows)
    batch = _cells_of(columns, islice(remaining, _BATCH_ROWS))
    if not batch:
        return 0
    following = _cells_of(columns, islice(remaining, 1))
    from tai_state.cli.program import tables  # noqa: PLC0415 - programs read no tables

    table = tables.fit(columns, batch, is_all=not following)
    if table.left_out:
        note(f"left out, for want of a wider terminal: {', '.join(table.left_out)}")
    put("\n".join(table.titles()))
    count = 0
    while batch:
        put("\n".join(table.lines(batch)))
        count += len(batch)
        batch, following = following or _cells_of(columns, islice(remaining, _BATCH_ROWS)), []
    return count


def _cells_of(columns: "Sequence[Column[T]]", rows: Iterator[T]) -> list[list[str]]:
    return [[column.text(row) for column in columns] for row in rows]


def write_one(fields: Mapping[str, object], *, as_json: bool, record: object) -> None:
    """Write one thing: a JSON object, or its *fields*, a line each; empty ones are left out."""
    if as_json:
        put(json_line(record))
        return
    shown = {name: str(value) for name, value in fields.items() if value not in (None, "")}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        first, *more = printable(value, keep_lines=True).split("\n")
        put(f"{name.ljust(width)}  {first}".rstrip())
        for line in more:
            put(f"{'':{width}}  {line}".rstrip())
