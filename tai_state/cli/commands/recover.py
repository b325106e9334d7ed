"""``recover``: make a store sound again."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import click

from tai_state import RecoveryReport, StateStore, SystemClock
from tai_state import recover as recovered
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND, GovernorNotFoundError
from tai_state.cli.program.output import note, put, record_of, write_list
from tai_state.cli.program.progress import StatesSeen, progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.cli.program.texts import json_line
from tai_state.counts import counted

_REPAIRED, _PLANNED, _LEFT = "repaired", "to do", "left"


class Row:
    """A repair, or what is left."""

    def __init__(self, report: RecoveryReport, state_id: str, what: str, kind: str, message: str) -> None:
        """Take what is shown of it."""
        self.governor_id = report.governor_id
        self.state_id = state_id
        self.what = what
        self.kind = kind
        self.message = message


_COLUMNS: list[Column[Row]] = [
    Column("governor", lambda row: row.governor_id),
    Column("state", lambda row: row.state_id),
    Column("", lambda row: row.what, is_whole=True),
    Column("kind", lambda row: row.kind, is_whole=True),
    Column("what", lambda row: row.message),
]


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db recover --dry-run",
        "tai-state --store sqlite:///i.db recover shop-1 --yes",
        "tai-state --store sqlite:///i.db recover --yes --reason 'after the crash'",
    ],
)
@click.argument("governor", required=False)
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--coordinator", metavar="URL", help="The store that decides the transactions over several stores.")
@pass_session
def recover(session: Session, governor: str | None, *, dry_run: bool, yes: bool, coordinator: str | None) -> int:
    """Repair what can be proven, and say what cannot.

    Every state is looked at as by verify, and mended where its events, snapshots and segments prove what should be
    there; each repair leaves a record. What nothing determines is copied to quarantine and stays where it is. Without a
    governor all of them are recovered, leases past their time are freed, and what transactions over several stores have
    left is settled as it was decided. It may be stopped and run again.

    The exit code is 0 where all that was found is repaired, and 1 where something is left, or would be done.
    """
    if not (dry_run or yes):
        what = f"governor {governor!r}" if governor is not None else "every governor of the store"
        ask(f"Repair {what}?", "it may write, or --dry-run that it may not")
    totals = Totals()
    with (
        session.opened(dry_run=dry_run) as store,
        _deciding(session, coordinator) as decides,
        progressing(SystemClock(), "states") as progress,
    ):
        watched = StatesSeen(progress, "recovering")
        options: dict[str, Any] = {
            "dry_run": dry_run,
            "actor": session.actor,
            "coordinator": decides,
            "progress": watched,
        }
        reports = totals.noting(recovered(store, governor, **options))
        if session.as_json:
            for report in reports:
                put(json_line(record_of(report)))
        else:
            write_list(_rows(reports), _COLUMNS, as_json=False, record=lambda row: row)
    if governor is not None and not (totals.checked or totals.repaired or totals.left):
        raise GovernorNotFoundError(governor)
    done = "would be repaired" if dry_run else "repaired"
    say = note if session.as_json else put
    say(f"{counted(totals.checked, 'state')} checked: {totals.repaired:,} {done}, {totals.left:,} left")
    return LEFT if totals.left or (dry_run and totals.repaired) else SOUND


def _deciding(session: Session, url: str | None) -> AbstractContextManager[StateStore | None]:
    """Open the store that decides; None: it is found by what is prepared."""
    return nullcontext() if url is None else replace(session, url=url).writing()


class Totals:
    """What was done, over all governors."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.checked = 0
        self.repaired = 0
        self.left = 0

    def noting(self, reports: Iterator[RecoveryReport]) -> Iterator[RecoveryReport]:
        """Pass reports on, and count what is in them."""
        for report in reports:
            self.checked += report.checked
            self.repaired += len(report.repaired)
            self.left += len(report.unresolved)
            yield report


def _rows(reports: Iterator[RecoveryReport]) -> Iterator[Row]:
    for report in reports:
        done = _PLANNED if report.is_dry_run else _REPAIRED
        yield from (Row(report, one.state_id, done, one.kind, one.message) for one in report.repaired)
        yield from (Row(report, one.state_id, _LEFT, one.kind, one.message) for one in report.unresolved)
