"""``subscriptions dead``."""

import click

from tai_state.cli.commands.subscriptions.known import named
from tai_state.cli.program.command import Command
from tai_state.cli.program.output import moment, note, record_of, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.feeds import DeadLetter


def _versions(row: DeadLetter) -> str:
    return str(row.version) if row.version == row.last_version else f"{row.version}-{row.last_version}"


_COLUMNS: list[Column[DeadLetter]] = [
    Column("governor", lambda row: row.governor_id),
    Column("state", lambda row: row.state_id),
    Column("version", _versions, is_whole=True),
    Column("attempts", lambda row: row.attempts, is_number=True, is_first_to_go=True),
    Column("died", lambda row: moment(row.died_at), is_first_to_go=True),
    Column("error", lambda row: row.error),
]


@click.command("dead", cls=Command, examples=["tai-state --store sqlite:///i.db subscriptions dead mail"])
@click.argument("name")
@click.option("--limit", type=click.IntRange(min=1), default=1_000, metavar="N", help="At most so many; 1000.")
@pass_session
def dead(session: Session, name: str, limit: int) -> None:
    """List the events that a subscription could not deliver, the oldest first, each with its error."""
    with session.reading() as store:
        letters = named(store, name).dead_letters(limit=limit)
        if not write_list(letters, _COLUMNS, as_json=session.as_json, record=record_of):
            note(f"subscription {name!r} has no dead letters")
