"""``adopt sql``."""

from typing import Unpack

import click

from tai_state.cli.commands.adopt.running import Asked, asked_options, run_adoption
from tai_state.cli.program.command import Command
from tai_state.cli.program.session import Session, pass_session


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db adopt sql shop.db --query 'SELECT * FROM o' --status-field state --governor s"
    ],
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True))
@click.option("--query", required=True, metavar="SELECT", help="Its rows become states, its columns their fields.")
@asked_options()
@pass_session
def sql(session: Session, file: str, *, query: str, **asked: Unpack[Asked]) -> int:
    """Make a state of each row of a query on a SQLite file, once.

    FILE is only read. The id is the column id, unless --id-field names another one.

    Killed at any point and run again, it goes on behind the last page, as long as the file has not changed. A row that
    cannot become a state is named with its number and column, and the exit code is 1; so it is where a row has changed
    since it was adopted, which no state is written over for.
    """
    from tai_state.adoption import SqlSource  # noqa: PLC0415 - `--help` waits for nothing of the library

    return run_adoption(session, lambda: SqlSource(file, query), asked)
