"""The group ``machine`` and its commands."""

import click

from tai_state.cli.commands.machine.check import check
from tai_state.cli.commands.machine.convert import convert
from tai_state.cli.commands.machine.diagram import diagram
from tai_state.cli.commands.machine.diff import diff
from tai_state.cli.program.command import Group


@click.group(cls=Group, examples=["tai-state machine check order.json"])
def machine() -> None:
    """Check, compare, draw and convert machine files."""


for _command in (check, diagram, diff, convert):
    machine.add_command(_command)
