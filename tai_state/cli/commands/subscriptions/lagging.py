"""``subscriptions lag``."""

from typing import NamedTuple

import click

from tai_state.cli.commands.subscriptions.known import named
from tai_state.cli.program.command import Command
from tai_state.cli.program.output import note, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.feeds import subscriptions


class _Row(NamedTuple):
    name: str
    states: int
    seconds: float


_COLUMNS: list[Column[_Row]] = [
    Column("subscription", lambda row: row.name),
    Column("states behind", lambda row: row.states, is_number=True),
    Column("seconds", lambda row: f"{row.seconds:.1f}", is_whole=True),
]


@click.command(
    "lag",
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db subscriptions lag",
        "tai-state --store sqlite:///i.db subscriptions lag mail",
    ],
)
@click.argument("name", required=False)
@pass_session
def lag(session: Session, name: str | None) -> None:
    """Tell how many states wait to be delivered, and since when; of one subscription, or of all.

    States that wait for a dead letter are not counted: `subscriptions dead` shows what they wait for.
    """
    with session.reading() as store:
        names = [name] if name is not None else [one.name for one in subscriptions(store)]
        rows = (_Row(one, *named(store, one).lag()) for one in names)
        if not write_list(rows, _COLUMNS, as_json=session.as_json, record=_Row._asdict):
            note("no subscription has begun")
