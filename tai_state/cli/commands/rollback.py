"""``rollback``: bring one state back to what it was."""

from typing import Any

import click

from tai_state import StateMachinePersister, TransitionNotAllowedError
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import StoppedWorkError
from tai_state.cli.program.operating import (
    as_it_is,
    by_hand,
    change_options,
    given_machines,
    machine_option,
    write_result,
)
from tai_state.cli.program.session import Session, pass_session


@click.command(
    cls=Command,
    examples=["tai-state --store sqlite:///i.db rollback shop-1 order-17 1 --reason 'paid by mistake'"],
)
@click.argument("governor")
@click.argument("state")
@click.argument("version", type=click.IntRange(min=1))
@machine_option("One that moved the state must agree.")
@click.option("--force", is_flag=True, help="Go back whatever the machine that moved the state says.")
@change_options
@pass_session
def rollback(
    session: Session,
    governor: str,
    state: str,
    version: int,
    *,
    machines: tuple[str, ...],
    upcasters: dict[int, Any] | None,
    expected_version: int | None,
    key: str | None,
    force: bool,
) -> None:
    """Make a new version of a state with the status and data of an earlier one.

    Nothing is erased: the versions in between stay, and this is one more. A reason is needed (--reason). A state that a
    machine moved goes back only to a status of that machine, named by --machine; --force goes past it.
    """
    session.required_reason("a state is brought back")
    machine, others = given_machines(machines)
    with session.writing() as store:
        found = as_it_is(store, governor, state)
        persister = StateMachinePersister(store, machine, by_hand(found, upcasters=upcasters), machines=others)
        try:
            result = persister.rollback(
                governor, state, version, force=force, expected_version=expected_version, idempotency_key=key
            )
        except TransitionNotAllowedError as error:
            hint = "; here --machine names the machine that moves the state, and --force goes past it"
            raise StoppedWorkError(error, hint, {}) from error
    write_result(result, as_json=session.as_json)
