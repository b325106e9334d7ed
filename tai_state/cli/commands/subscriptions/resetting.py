"""``subscriptions reset``."""

from datetime import datetime

import click

from tai_state.cli.commands.subscriptions.known import named
from tai_state.cli.program.asking import ask
from tai_state.cli.program.command import Command
from tai_state.cli.program.options import aware_time
from tai_state.cli.program.output import moment, write_one
from tai_state.cli.program.session import Session, pass_session


def _position(context: click.Context, parameter: click.Parameter, value: str) -> str | datetime:
    return value if value in {"beginning", "now"} else aware_time(context, parameter, value) or value


@click.command(
    "reset",
    cls=Command,
    examples=[
        "tai-state --store sqlite:///i.db subscriptions reset mail now --yes",
        "tai-state --store sqlite:///i.db subscriptions reset mail 2026-01-31T09:00:00Z --yes",
    ],
)
@click.argument("name")
@click.argument("position", callback=_position)
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@pass_session
def reset(session: Session, name: str, position: str | datetime, *, is_sure: bool) -> None:
    """Let a subscription begin anew: at the "beginning", "now", or behind a time.

    Dead letters are dropped, and all that is behind the new position is delivered, also what was delivered before. A
    time is ISO 8601 with an offset, by the store's clock.
    """
    where = position if isinstance(position, str) else moment(position)
    with session.writing() as store:
        subscription = named(store, name)
        if not is_sure:
            ask(f"Reset subscription {name!r} to {where}?", "it begins anew")
        subscription.reset(position)
    fields = {"subscription": name, "status": "reset", "position": where}
    write_one(fields, as_json=session.as_json, record=fields)
