"""The group ``subscriptions`` and its commands."""

import click

from tai_state.cli.commands.subscriptions.dead import dead
from tai_state.cli.commands.subscriptions.lagging import lag
from tai_state.cli.commands.subscriptions.listing import list_
from tai_state.cli.commands.subscriptions.resetting import reset
from tai_state.cli.commands.subscriptions.retrying import retry
from tai_state.cli.program.command import Group


@click.group(cls=Group, examples=["tai-state --store sqlite:///i.db subscriptions list"])
def subscriptions() -> None:
    """Show who follows what has changed, how far behind, and retry what could not be delivered."""


for _command in (list_, lag, dead, retry, reset):
    subscriptions.add_command(_command)
