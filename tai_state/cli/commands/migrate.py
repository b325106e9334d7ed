"""``migrate``: bring stored data to the schema of today."""

from collections.abc import Iterator
from typing import Any

import click

from tai_state import MigrationReport, StateMachinePersister, SystemClock
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND
from tai_state.cli.program.governors import check_governor
from tai_state.cli.program.operating import MACHINE_HELP, by_hand, given_machine, upcasters_option
from tai_state.cli.program.output import note, put, record_of, write_list
from tai_state.cli.program.problems import PROBLEM_COLUMNS, problem_rows
from tai_state.cli.program.progress import StatesSeen, progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line
from tai_state.counts import counted


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db migrate shop-1 --upcasters shop --yes --reason 'prices have a currency'",
        "tai-state --store sqlite:///i.db migrate --upcasters shop:UPCASTERS --schema-version 2 --yes",
    ],
)
@click.argument("governor", required=False)
@click.argument("state", required=False)
@upcasters_option("What leads from one schema version to the next", required=True)
@click.option("--schema-version", type=click.IntRange(min=2), metavar="N", help="Up to N; else as far as they lead.")
@click.option("--machine", metavar="FILE|MODULE:NAME", help=f"{MACHINE_HELP} Only the states that it moved.")
@click.option("--dry-run", is_flag=True, help="Write nothing; count what would be migrated.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def migrate(
    session: Session,
    governor: str | None,
    state: str | None,
    *,
    upcasters: dict[int, Any],
    schema_version: int | None,
    machine: str | None,
    dry_run: bool,
    yes: bool,
) -> int:
    """Bring the data of states to the schema that upcasters lead to, by one event each.

    What is of that schema already is passed over, so that it may be stopped and run again, and live writers go on. A
    state whose data cannot be brought there stays as it is, and is a line. Nothing is erased: a rollback leads back.
    Without a governor, the states of all governors are migrated; without --machine, those of every machine.

    The exit code is 0 where all is of that schema, and 1 where something is left, or would be done.
    """
    config = by_hand(upcasters=upcasters, schema_version=schema_version)
    mover = None if machine is None else given_machine(machine)
    if not (dry_run or yes):
        what = f"governor {governor!r}" if governor is not None else "every governor of the store"
        ask(f"Migrate {what}?", "it may write, or --dry-run that it may not")
    totals = Totals()
    with session.opened(dry_run=dry_run) as store, progressing(SystemClock(), "states") as progress:
        persister = StateMachinePersister(store, mover, config)
        watched = StatesSeen(progress, "migrating")
        governors = store.list_governors() if governor is None else iter([governor])
        reports = totals.noting(persister.migrate(one, state, dry_run=dry_run, progress=watched) for one in governors)
        if session.as_json:
            for report in reports:
                put(json_line(record_of(report)))
        else:
            write_list(problem_rows(reports), PROBLEM_COLUMNS, as_json=False, record=lambda row: row)
        if governor is not None and not totals.checked and not totals.left:
            check_governor(store, governor)
    done = f"{totals.migrated:,} {'would be ' if dry_run else ''}migrated to schema version {config.schema_version}"
    say = note if session.as_json else put
    say(f"{counted(totals.checked, 'state')} checked: {done}, {totals.left:,} left")
    return LEFT if totals.left or (dry_run and totals.migrated) else SOUND


class Totals:
    """What was done, over all governors."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.checked = 0
        self.migrated = 0
        self.left = 0

    def noting(self, reports: Iterator[MigrationReport]) -> Iterator[MigrationReport]:
        """Pass reports on, and count what is in them."""
        for report in reports:
            self.checked += report.checked
            self.migrated += report.migrated
            self.left += len(report.problems) + report.omitted
            yield report
