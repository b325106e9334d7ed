"""``snapshot``: keep a state as it is now."""

import click

from tai_state import StateMachinePersister
from tai_state.cli.program.command import Command
from tai_state.cli.program.operating import as_it_is, by_hand
from tai_state.cli.program.output import moment, record_of, write_one
from tai_state.cli.program.session import Session, pass_session


@click.command(cls=Command, examples=["tai-state --store sqlite:///i.db snapshot shop-1 order-17"])
@click.argument("governor")
@click.argument("state")
@pass_session
def snapshot(session: Session, governor: str, state: str) -> None:
    """Keep a snapshot of a state as it is now; its version stays.

    A second one of the same version changes nothing. None is removed for it: that is left to whoever moves the state,
    who keeps as many as he is configured to.
    """
    with session.writing() as store:
        config = by_hand(as_it_is(store, governor, state))
        kept = StateMachinePersister(store, None, config).create_snapshot(governor, state)
    fields = {
        "governor": kept.governor_id,
        "state": kept.state_id,
        "status": f"{kept.status} (deleted)" if kept.deleted else kept.status,
        "version": f"{kept.version:,}",
        "time": moment(kept.timestamp),
    }
    write_one(fields, as_json=session.as_json, record=record_of(kept))
