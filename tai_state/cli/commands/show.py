"""``show``: one state, as it is or as it was."""

import json
from datetime import datetime

import click

from tai_state import StateMachinePersister, StateSnapshot
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND
from tai_state.cli.program.options import aware_time
from tai_state.cli.program.output import moment, note, record_of, write_one
from tai_state.cli.program.session import Session, pass_session
from tai_state.values import to_json


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db show shop-1 order-17",
        "tai-state --store sqlite:///i.db show shop-1 order-17 --version 2",
        "tai-state --store sqlite:///i.db show shop-1 order-17 --at 2026-03-31T15:00:00+00:00",
    ],
)
@click.argument("governor")
@click.argument("state")
@click.option("--version", type=click.IntRange(min=1), metavar="N", help="As it was at version N.")
@click.option("--at", callback=aware_time, metavar="TIME", help="As it was at TIME: ISO 8601 with an offset.")
@pass_session
def show(session: Session, governor: str, state: str, version: int | None, at: datetime | None) -> int:
    """Show a state as it is, or as its events say that it was."""
    if version is not None and at is not None:
        message = "--version and --at exclude each other"
        raise click.UsageError(message)
    recovered = False
    with session.reading() as store:
        persister = StateMachinePersister(store)
        if version is None and at is None:
            loaded = persister.load_state(governor, state)
            snapshot = loaded.snapshot
            recovered = loaded.recovered
        else:
            snapshot = persister.replay(governor, state, until_version=version, until_time=at)
    write_one(_fields_of(snapshot), as_json=session.as_json, record=record_of(snapshot))
    if recovered:
        note("the state's document is missing or damaged; this is what its events say")
        return LEFT
    return SOUND


def _fields_of(state: StateSnapshot) -> dict[str, object]:
    made_by = f"{state.machine_name} (machine version {state.machine_version})" if state.machine_name else None
    return {
        "governor": state.governor_id,
        "state": state.state_id,
        "status": f"{state.status} (deleted)" if state.deleted else state.status,
        "version": state.version,
        "time": moment(state.timestamp),
        "created": moment(state.created_at),
        "by": state.metadata.changed_by,
        "reason": state.metadata.reason,
        "last error": state.last_error,
        "due": f"{state.due_action} at {moment(state.due_at)}" if state.due_at is not None else None,
        "machine": made_by,
        "data": json.dumps(json.loads(to_json(state.data)), ensure_ascii=False, indent=2),
    }
