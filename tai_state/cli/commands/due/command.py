"""The group ``due`` and its commands."""

import click

from tai_state.cli.commands.due.listing import list_
from tai_state.cli.commands.due.running import run
from tai_state.cli.program.command import Group


@click.group(cls=Group, examples=["tai-state --store sqlite:///i.db due list --machine order.json"])
def due() -> None:
    """Show what is due, and make the moves that are."""


for _command in (list_, run):
    due.add_command(_command)
