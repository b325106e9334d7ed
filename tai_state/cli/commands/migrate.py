"""``migrate``: bring stored data to the schema of today."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click

from tai_state import MigrationReport, PersistenceConfig, Problem, StateMachinePersister, StateStore, SystemClock
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND, GovernorNotFoundError
from tai_state.cli.program.modules import object_at
from tai_state.cli.program.operating import MACHINE_HELP, by_hand, given_machine
from tai_state.cli.program.output import note, put, record_of, write_list
from tai_state.cli.program.progress import Progress, progressing
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.cli.program.texts import json_line
from tai_state.cli.program.waiting import answered

_NAME = "UPCASTERS"

Left = tuple[str, Problem]

_COLUMNS: list[Column[Left]] = [
    Column("governor", lambda row: row[0]),
    Column("state", lambda row: row[1].state_id),
    Column("version", lambda row: "" if row[1].version is None else row[1].version),
    Column("kind", lambda row: row[1].kind, is_whole=True),
    Column("what", lambda row: row[1].message),
]


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db migrate shop-1 --upcasters shop --yes --reason 'prices have a currency'",
        "tai-state --store sqlite:///i.db migrate --upcasters shop:UPCASTERS --schema-version 2 --yes",
    ],
)
@click.argument("governor", required=False)
@click.argument("state", required=False)
@click.option(
    "--upcasters",
    required=True,
    metavar="MODULE[:NAME]",
    help=f"A dict of functions by the schema version that they take; {_NAME} without a name.",
)
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
    upcasters: str,
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
    given = object_at(upcasters if ":" in upcasters else f"{upcasters}:{_NAME}", dict)
    config = _config(given, schema_version)
    mover = None if machine is None else given_machine(machine)
    if not (dry_run or yes):
        what = f"governor {governor!r}" if governor is not None else "every governor of the store"
        ask(f"Migrate {what}?", "it may write, or --dry-run that it may not")
    totals = Totals()
    opened = session.reading() if dry_run else session.writing()
    with opened as store, progressing(SystemClock(), "states") as progress:
        persister = StateMachinePersister(store, mover, config)
        watched = Watched(progress)
        governors = store.list_governors() if governor is None else iter([governor])
        reports = totals.noting(persister.migrate(one, state, dry_run=dry_run, progress=watched) for one in governors)
        if session.as_json:
            for report in reports:
                put(json_line({**record_of(report), "problems": [record_of(one) for one in report.problems]}))
        else:
            write_list(_rows(reports), _COLUMNS, as_json=False, record=lambda row: row)
        if governor is not None and not totals.checked and not totals.left:
            _check_there(store, governor)
    done = f"{totals.migrated:,} {'would be ' if dry_run else ''}migrated to schema version {config.schema_version}"
    say = note if session.as_json else put
    say(f"{totals.checked:,} states checked: {done}, {totals.left:,} left")
    return LEFT if totals.left or (dry_run and totals.migrated) else SOUND


def _config(upcasters: dict[Any, Any], schema_version: int | None) -> PersistenceConfig:
    """Return how the command persists.

    Raises:
        UsageError: There are no upcasters.
        ConfigurationError: They do not lead to *schema_version*.
    """
    if not upcasters:
        message = "there are no upcasters in it: {1: fn} leads from schema version 1 to 2"
        raise click.UsageError(message)
    last = max((version for version in upcasters if isinstance(version, int)), default=1)
    return replace(by_hand(), schema_version=schema_version or last + 1, upcasters=upcasters)


def _check_there(store: StateStore, governor: str) -> None:
    """Refuse a governor that never had a state; one may have none of the machine's.

    Raises:
        GovernorNotFoundError: There is none.
    """
    if not any(True for _ in store.list_states(governor, limit=1, include_deleted=True)):
        raise GovernorNotFoundError(governor)


class Watched:
    """Counts the states as they are looked at."""

    def __init__(self, progress: Progress) -> None:
        """Tell *progress*."""
        self._progress = progress
        self._count = 0

    def __call__(self, governor_id: str, state_id: str) -> None:
        """Count one more."""
        del governor_id, state_id
        self._count += 1
        answered()
        self._progress("migrating", self._count, None)


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


def _rows(reports: Iterator[MigrationReport]) -> Iterator[Left]:
    for report in reports:
        yield from ((report.governor_id, problem) for problem in report.problems)
