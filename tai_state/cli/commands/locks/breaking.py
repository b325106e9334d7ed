"""``locks break``."""

import click

from tai_state import FencedOutError, LockManager
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LockNotFoundError, OtherGrantError
from tai_state.cli.program.output import record_of, write_one
from tai_state.cli.program.session import Session, pass_session


@click.command(
    "break",
    cls=Command,
    examples=["tai-state --store sqlite:///i.db locks break order-17 --token 1 --reason 'its host is gone'"],
)
@click.argument("resource")
@click.option("--token", type=click.IntRange(min=1), required=True, metavar="N", help="Of the grant that is meant.")
@pass_session
def break_(session: Session, resource: str, token: int) -> None:
    """Free a lock by force; its holder's guarded writes are refused from then on.

    It takes the token, which `locks list` shows, and a reason (--reason): by another token nothing is done, since
    somebody else may have the lock by then. A record of it stays in audit.
    """
    reason = session.required_reason("a lock is broken")
    with session.writing() as store:
        locks = LockManager(store)
        before = locks.inspect(resource)
        if before is None:
            raise LockNotFoundError(resource)
        try:
            locks.break_lock(resource, token, reason, actor=session.actor)
        except FencedOutError as error:
            raise OtherGrantError(resource, _how_it_stands(before.holder, before.fencing_token)) from error
        after = locks.inspect(resource)
    assert after is not None
    fields = {
        "resource": resource,
        "status": "broken",
        "token": token,
        "was held by": before.holder,
        "reason": reason,
    }
    write_one(fields, as_json=session.as_json, record={**record_of(after), "broken_token": token, "reason": reason})


def _how_it_stands(holder: str | None, token: int) -> str:
    return f"is free since token {token}" if holder is None else f"is held by {holder!r} under token {token}"
