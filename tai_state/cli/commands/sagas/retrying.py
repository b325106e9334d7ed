"""``sagas retry``."""

import click

from tai_state.cli.commands.sagas.shown import write_saga
from tai_state.cli.program.command import Command
from tai_state.cli.program.session import Session, pass_session
from tai_state.sagas import SagaRunner


@click.command("retry", cls=Command, examples=["tai-state --store sqlite:///i.db sagas retry shop order-17"])
@click.argument("owner", metavar="GOVERNOR")
@click.argument("saga")
@pass_session
def retry(session: Session, owner: str, saga: str) -> None:
    """Let a saga go on at once that waits for its next attempt, or whose compensation has failed.

    What was passed over is compensated after all, by the workers. One of which a step is under way is left alone.
    """
    with session.writing() as store:
        write_saga(session, SagaRunner(store).retry(owner, saga))
