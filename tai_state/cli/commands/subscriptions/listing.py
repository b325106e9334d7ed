"""``subscriptions list``."""

import click

from tai_state.cli.program.command import Command
from tai_state.cli.program.output import moment, note, record_of, write_list
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.tables import Column
from tai_state.feeds import SubscriptionInfo, subscriptions

_COLUMNS: list[Column[SubscriptionInfo]] = [
    Column("subscription", lambda row: row.name),
    Column("delivery", lambda row: row.delivery, is_whole=True),
    Column("governor", lambda row: row.governor_id or ""),
    Column("shards", lambda row: row.shards, is_number=True, is_first_to_go=True),
    Column("since", lambda row: "the beginning" if row.since is None else moment(row.since), is_first_to_go=True),
    Column("reached", lambda row: "" if row.reached is None else moment(row.reached)),
    Column("pending", lambda row: row.pending, is_number=True),
]


@click.command("list", cls=Command, examples=["tai-state --store sqlite:///i.db subscriptions list"])
@pass_session
def list_(session: Session) -> None:
    """List the subscriptions that have begun.

    "reached" is the time of the last change up to which everything is delivered, put aside, or pending; "pending" how
    many states, or dead letters, are to be tried again.
    """
    with session.reading() as store:
        if not write_list(subscriptions(store), _COLUMNS, as_json=session.as_json, record=record_of):
            note("no subscription has begun")
