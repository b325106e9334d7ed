"""``locks inspect``."""

import click

from tai_state import LockManager
from tai_state.cli.commands.locks.shown import Shown, waiters_of
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LockNotFoundError
from tai_state.cli.program.output import moment, write_one
from tai_state.cli.program.session import Session, pass_session


@click.command("inspect", cls=Command, examples=["tai-state --store sqlite:///i.db locks inspect order-17"])
@click.argument("resource")
@pass_session
def inspect(session: Session, resource: str) -> None:
    """Show a lock: who holds it, where, until when, and who waits for it."""
    with session.reading() as store:
        locks = LockManager(store)
        lock = locks.inspect(resource)
        if lock is None:
            raise LockNotFoundError(resource)
        waiters = waiters_of(locks)
    shown = Shown(lock, waiters.by_resource.get(resource, ()))
    fields = {
        "resource": lock.resource,
        "status": shown.held,
        "token": lock.fencing_token,
        "holder": lock.holder,
        "process": shown.process,
        "since": moment(lock.since) if lock.since is not None else None,
        "expires": moment(lock.expires_at) if lock.expires_at is not None else None,
        "seconds left": f"{lock.remaining_seconds:.1f} of {lock.ttl_seconds:g}" if lock.held else None,
        "waited for by": shown.waited_for_by,
    }
    write_one(fields, as_json=session.as_json, record=shown.record())
    if waiters.error is not None:
        raise waiters.error
