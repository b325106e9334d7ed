"""The group ``sagas`` and its commands."""

import click

from tai_state.cli.commands.sagas.compensating import compensate
from tai_state.cli.commands.sagas.listing import list_
from tai_state.cli.commands.sagas.retrying import retry
from tai_state.cli.commands.sagas.showing import show
from tai_state.cli.program.command import Group


@click.group(cls=Group, examples=["tai-state --store sqlite:///i.db sagas list shop"])
def sagas() -> None:
    """Show how far sagas have come, let them go on or turn back."""


for _command in (list_, show, retry, compensate):
    sagas.add_command(_command)
