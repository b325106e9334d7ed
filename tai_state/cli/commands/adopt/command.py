"""The group ``adopt`` and its commands."""

import click

from tai_state.cli.commands.adopt.collection import firestore_collection
from tai_state.cli.commands.adopt.files import csv, jsonl
from tai_state.cli.commands.adopt.sql import sql
from tai_state.cli.program.command import Group


@click.group(
    cls=Group, examples=["tai-state --store sqlite:///i.db adopt csv orders.csv --status-field state --governor shop-1"]
)
def adopt() -> None:
    """Make states of what is kept elsewhere: documents of a collection, rows of a query, lines of a file."""


for _command in (firestore_collection, sql, csv, jsonl):
    adopt.add_command(_command)
