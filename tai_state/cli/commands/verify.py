"""``verify``: whether a store holds what its logs say."""

from collections.abc import Iterator

import click

from tai_state import ConsistencyReport, StateNotFoundError, SystemClock
from tai_state import verify as verified
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND, GovernorNotFoundError
from tai_state.cli.program.output import note, put, record_of, write_list
from tai_state.cli.program.problems import PROBLEM_COLUMNS, problem_rows
from tai_state.cli.program.progress import StatesSeen, progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line
from tai_state.counts import counted


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db verify",
        "tai-state --store sqlite:///i.db verify shop-1",
        "tai-state --store sqlite:///i.db verify shop-1 order-17 --json",
    ],
)
@click.argument("governor", required=False)
@click.argument("state", required=False)
@pass_session
def verify(session: Session, governor: str | None, state: str | None) -> int:
    """Check every state against its log, and all that is kept beside it; nothing is written.

    Without a governor all of them are checked, and the locks. Each finding is a line. With --json each governor is one,
    with the findings in its "problems". The exit code is 1 when something was found.
    """
    seen = Seen()
    with session.reading() as store, progressing(SystemClock(), "states") as progress:
        watched = StatesSeen(progress, "verifying")
        reports = seen.noting(verified(store, governor, state, progress=watched))
        if session.as_json:
            for report in reports:
                put(json_line(record_of(report)))
        else:
            write_list(problem_rows(reports), PROBLEM_COLUMNS, as_json=False, record=lambda row: row)
    if governor is not None and not seen.states and not seen.problems:
        raise GovernorNotFoundError(governor) if state is None else StateNotFoundError(governor, state)
    found = f"{seen.problems:,} found" if seen.problems else "nothing found"
    # To a person it is the answer; a program has counted the lines.
    say = note if session.as_json else put
    say(f"{counted(seen.states, 'state')} and {counted(seen.events, 'event')} checked: {found}")
    return LEFT if seen.problems else SOUND


class Seen:
    """What a check has seen so far."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.states = 0
        self.events = 0
        self.problems = 0

    def noting(self, reports: Iterator[ConsistencyReport]) -> Iterator[ConsistencyReport]:
        """Pass reports on, and count what is in them."""
        for report in reports:
            self.states += report.states
            self.events += report.events
            self.problems += len(report.problems) + report.omitted
            yield report
