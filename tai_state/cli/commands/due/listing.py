"""``due list``."""

from datetime import datetime

import click

from tai_state.cli.commands.due.serving import shards_option, worker_of
from tai_state.cli.program.command import Command
from tai_state.cli.program.operating import machine_option
from tai_state.cli.program.options import aware_time
from tai_state.cli.program.output import moment, note, record_of, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.due import DueState

_COLUMNS: list[Column[DueState]] = [
    Column("due", lambda row: moment(row.due_at)),
    Column("action", lambda row: row.due_action),
    Column("governor", lambda row: row.governor_id),
    Column("state", lambda row: row.state_id),
    Column("status", lambda row: row.status),
    Column("tries", lambda row: row.tries, is_number=True, is_first_to_go=True),
]


@click.command(
    "list",
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db due list --machine order.json",
        "tai-state --store sqlite:///i.db due list --machine order.json --until 2036-03-31T15:00:00+00:00",
    ],
)
@machine_option("What is due of its states; more of them may be given.", required=True)
@click.option("--until", callback=aware_time, metavar="TIME", help="Before TIME: ISO 8601 with an offset.")
@click.option("--limit", type=click.IntRange(min=1), default=1_000, metavar="N", help="At most so many; 1000.")
@shards_option
@pass_session
def list_(session: Session, machines: tuple[str, ...], until: datetime | None, *, limit: int, shards: int) -> None:
    """List what is due of a machine's states, now or later, in the order of time.

    "tries" tells how often a move was tried whose guard or apply raised.
    """
    with session.reading() as store:
        found = worker_of(store, machines, shards=shards).pending(until=until, limit=limit)
        if not write_list(found, _COLUMNS, as_json=session.as_json, record=record_of):
            note("nothing is due")
