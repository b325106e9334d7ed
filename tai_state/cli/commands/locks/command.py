"""The group ``locks`` and its commands."""

import click

from tai_state.cli.commands.locks.breaking import break_
from tai_state.cli.commands.locks.inspecting import inspect
from tai_state.cli.commands.locks.listing import list_
from tai_state.cli.program.command import Group


@click.group(cls=Group, examples=["tai-state --store sqlite:///i.db locks list"])
def locks() -> None:
    """Show who holds which lock and who waits for it, and break one."""


for _command in (list_, inspect, break_):
    locks.add_command(_command)
