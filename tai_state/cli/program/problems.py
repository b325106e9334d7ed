"""Problems of governors, as a table: what a check found, or what is left."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from tai_state import Problem
from tai_state.cli.program.tables import Column


class Report(Protocol):
    """A report of one governor with problems in it."""

    @property
    def governor_id(self) -> str:
        """Whose they are."""
        ...

    @property
    def problems(self) -> list[Problem]:
        """Those that are told."""
        ...


Row = tuple[str, Problem]

PROBLEM_COLUMNS: list[Column[Row]] = [
    Column("governor", lambda row: row[0]),
    Column("state", lambda row: row[1].state_id),
    Column("version", lambda row: "" if row[1].version is None else row[1].version),
    Column("kind", lambda row: row[1].kind, is_whole=True),
    Column("what", lambda row: row[1].message),
]


def problem_rows(reports: Iterable[Report]) -> Iterator[Row]:
    """Yield the rows of the table, as the reports come."""
    for report in reports:
        yield from ((report.governor_id, problem) for problem in report.problems)
