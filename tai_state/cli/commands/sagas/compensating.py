"""``sagas compensate``."""

import click

from tai_state.cli.commands.sagas.shown import write_saga
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.session import Session, pass_session
from tai_state.sagas import SagaRunner


@click.command(
    "compensate",
    cls=Command,
    examples=["tai-state --store sqlite:///i.db sagas compensate shop order-17 --reason 'cancelled' --yes"],
)
@click.argument("owner", metavar="GOVERNOR")
@click.argument("saga")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@pass_session
def compensate(session: Session, owner: str, saga: str, *, is_sure: bool) -> None:
    """Let a saga turn back: no further step is begun, and the workers undo those that finished, in reverse.

    A step that is under way ends first. One that has completed is undone as a whole.
    """
    with session.writing() as store:
        runner = SagaRunner(store)
        status = runner.get(owner, saga).status
        if not is_sure:
            ask(f"Undo saga {saga!r} of {owner!r}, which is {status}?", "it is left as it is")
        write_saga(session, runner.compensate(owner, saga, reason=session.reason or ""))
