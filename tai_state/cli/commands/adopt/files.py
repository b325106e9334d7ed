"""``adopt csv`` and ``adopt jsonl``."""

from typing import Unpack

import click

from tai_state.cli.commands.adopt.running import Asked, asked_options, run_adoption
from tai_state.cli.program.command import Command
from tai_state.cli.program.session import Session, pass_session

_FILE = click.Path(exists=True, dir_okay=False, readable=True)


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db adopt csv orders.csv --status-field state --governor shop-1 --dry-run",
        "tai-state --store sqlite:///i.db adopt csv orders.csv.gz --status-field state --governor-field shop",
    ],
)
@click.argument("file", type=_FILE)
@click.option("--delimiter", default=",", show_default=True, help="What stands between the values.")
@asked_options()
@pass_session
def csv(session: Session, file: str, *, delimiter: str, **asked: Unpack[Asked]) -> int:
    """Make a state of each row of a CSV file, once.

    FILE is plain or gzip, in UTF-8, and its first line names the columns. Every value becomes a text. The id is the
    column id, unless --id-field names another one.

    Killed at any point and run again, it goes on behind the last page. A row that cannot become a state is named with
    its line and column, and the exit code is 1; so it is where a row has changed since it was adopted, which no state
    is written over for.
    """
    from tai_state.adoption import CsvSource  # noqa: PLC0415 - `--help` waits for nothing of the library

    return run_adoption(session, lambda: CsvSource(file, delimiter=delimiter), asked)


@click.command(
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db adopt jsonl orders.jsonl --status-field state --governor shop-1",
        "tai-state --store sqlite:///i.db adopt jsonl orders.jsonl --status-field state --governor s --history moves",
    ],
)
@click.argument("file", type=_FILE)
@asked_options()
@pass_session
def jsonl(session: Session, file: str, **asked: Unpack[Asked]) -> int:
    """Make a state of each line of a file of JSON objects, once.

    FILE is plain or gzip. The id is the field id, unless --id-field names another one.

    Killed at any point and run again, it goes on behind the last page. A line that cannot become a state is named with
    its number and field, and the exit code is 1; so it is where a line has changed since it was adopted, which no state
    is written over for.
    """
    from tai_state.adoption import JsonLinesSource  # noqa: PLC0415 - as above

    return run_adoption(session, lambda: JsonLinesSource(file), asked)
