"""``transition``: move one state by hand."""

from typing import Any

import click

from tai_state import StateMachinePersister, StateNotFoundError
from tai_state.cli.program.command import Command
from tai_state.cli.program.operating import (
    as_it_is,
    by_hand,
    change_options,
    given_machines,
    machine_option,
    write_result,
)
from tai_state.cli.program.session import Session, pass_session
from tai_state.values import from_json


def _payload(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    del context, parameter  # click adds where it is to the error by itself
    return None if value is None else from_json(value)


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db transition shop-1 order-17 sent --machine order.json --reason 'by hand'",
        "tai-state --store sqlite:///i.db transition shop-1 order-17 sent --machine shop:ORDER --payload 12 --reason x",
    ],
)
@click.argument("governor")
@click.argument("state")
@click.argument("action")
@machine_option("More of them drive what depends on the state.", required=True)
@click.option("--payload", callback=_payload, metavar="JSON", help="What goes with the action.")
@change_options
@pass_session
def transition(
    session: Session,
    governor: str,
    state: str,
    action: str,
    *,
    machines: tuple[str, ...],
    upcasters: dict[int, Any] | None,
    payload: Any,
    expected_version: int | None,
    key: str | None,
) -> None:
    """Move a state by an action of its machine.

    It goes the way of any move: the machine's guards are asked, and what depends on the state reacts in the same
    commit. A reason is needed (--reason). Where the action is not allowed, those that are, are told.

    A machine with guards or applies is named as module:name; a file knows their names only.
    """
    session.required_reason("a state is moved by hand")
    machine, others = given_machines(machines)
    with session.writing() as store:
        found = as_it_is(store, governor, state)
        if found is None:
            raise StateNotFoundError(governor, state)
        persister = StateMachinePersister(store, machine, by_hand(found, upcasters=upcasters), machines=others)
        result = persister.transition(
            governor, state, action, payload, expected_version=expected_version, idempotency_key=key
        )
    write_result(result, as_json=session.as_json)
