"""``locks list``."""

import click

from tai_state import LockManager
from tai_state.cli.commands.locks.shown import Shown, waiters_of
from tai_state.cli.program.command import Command
from tai_state.cli.program.output import moment, note, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column

_COLUMNS: list[Column[Shown]] = [
    Column("resource", lambda row: row.lock.resource),
    Column("", lambda row: row.held, is_whole=True),
    Column("token", lambda row: row.lock.fencing_token, is_number=True),
    Column("holder", lambda row: row.lock.holder or ""),
    Column("process", lambda row: row.process, is_first_to_go=True),
    Column("since", lambda row: "" if row.lock.since is None else moment(row.lock.since), is_first_to_go=True),
    Column("seconds left", lambda row: f"{row.lock.remaining_seconds:.1f}" if row.lock.held else "", is_whole=True),
    Column("waited for by", lambda row: row.waited_for_by),
]


@click.command(
    "list",
    cls=Command,
    examples=["tai-state --store sqlite:///i.db locks list", "tai-state --store sqlite:///i.db locks list --all"],
)
@click.option("--all", "is_all", is_flag=True, help="Show those that are free, too.")
@pass_session
def list_(session: Session, *, is_all: bool) -> None:
    """List the locks that somebody has, with who waits for them.

    One that is "expired" has a holder whose lease is past its time, by the store's clock: the next one to ask takes it.
    Of those who wait the store knows who holds another lock meanwhile, and who is next.
    """
    with session.reading() as store:
        locks = LockManager(store)
        waiters = waiters_of(locks)
        rows = (
            Shown(lock, waiters.by_resource.get(lock.resource, ()))
            for lock in locks.list()
            if is_all or lock.holder is not None
        )
        if not write_list(rows, _COLUMNS, as_json=session.as_json, record=Shown.record):
            note("no lock was ever taken" if is_all else "nobody has a lock")
        if waiters.error is not None:
            raise waiters.error
