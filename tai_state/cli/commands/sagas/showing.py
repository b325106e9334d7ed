"""``sagas show``."""

import click

from tai_state.cli.commands.sagas.shown import write_saga
from tai_state.cli.program.command import Command
from tai_state.cli.program.session import Session, pass_session
from tai_state.sagas import SagaRunner


@click.command("show", cls=Command, examples=["tai-state --store sqlite:///i.db sagas show shop order-17"])
@click.argument("owner", metavar="GOVERNOR")
@click.argument("saga")
@pass_session
def show(session: Session, owner: str, saga: str) -> None:
    """Show a saga: where each of its steps stands, and every error.

    Its history is that of its state: `tai-state history GOVERNOR SAGA --kind sagas`.
    """
    with session.reading() as store:
        write_saga(session, SagaRunner(store).get(owner, saga))
