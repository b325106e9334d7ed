"""``doctor``: what a store stands on."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from tai_state import Checkup, examine
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND
from tai_state.cli.program.machine_file import MACHINE_FILE, read_machine
from tai_state.cli.program.output import note, put, record_of, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.cli.program.texts import json_line

_STATUSES = ("problem", "warning", "not checkable", "ok")


class Row(NamedTuple):
    """A line for people: what was seen, or below it what mends it."""

    check: str
    status: str
    text: str


_COLUMNS: list[Column[Row]] = [
    Column("check", lambda row: row.check, is_whole=True),
    Column("", lambda row: row.status, is_whole=True),
    Column("what", lambda row: row.text),
]


@click.command(
    cls=Command,
    examples=["tai-state --store sqlite:///i.db doctor", "tai-state --store sqlite:///i.db doctor --json"],
)
@click.option(
    "--machine",
    "machines",
    type=MACHINE_FILE,
    multiple=True,
    metavar="FILE",
    help="A machine of your services, held against every state; again for more.",
)
@pass_session
def doctor(session: Session, machines: tuple[Path, ...]) -> int:
    """Look at what a store stands on: its clock, indexes, leases, what grows; nothing is written.

    Each line is ok, a warning, which works and wants you to look, a problem, or not checkable from here; what is not ok
    comes with what mends it. States are sampled; verify checks all that is stored. The exit code is 1 where there is a
    problem.
    """
    known = [read_machine(path) for path in machines]
    seen = Seen()
    with session.reading() as store:
        lines = seen.noting(examine(store, machines=known))
        if session.as_json:
            for line in lines:
                put(json_line(record_of(line)))
        else:
            write_list(_rows(lines), _COLUMNS, as_json=False, record=Row._asdict)
    say = note if session.as_json else put
    told = ", ".join(f"{seen.statuses.count(status)} {status}" for status in _STATUSES if status in seen.statuses)
    say(f"{len(seen.statuses)} lines: {told}")
    return LEFT if "problem" in seen.statuses else SOUND


def _rows(lines: Iterator[Checkup]) -> Iterator[Row]:
    for line in lines:
        yield Row(line.check, line.status, line.message)
        if line.mend:
            yield Row("", "", f"mend it: {line.mend}")


class Seen:
    """How things stood so far."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.statuses: list[str] = []

    def noting(self, lines: Iterator[Checkup]) -> Iterator[Checkup]:
        """Pass lines on, and count them."""
        for line in lines:
            self.statuses.append(line.status)
            yield line
