"""``machine diagram``: a machine file as a picture."""

from pathlib import Path

import click

from tai_state import InvalidDataError
from tai_state.cli.program.command import Command
from tai_state.cli.program.machine_file import MACHINE_FILE, read_machine
from tai_state.cli.program.output import put
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line, printable


@click.command(cls=Command, examples=["tai-state machine diagram order.json --current paid"])
@click.argument("file", type=MACHINE_FILE)
@click.option("--current", metavar="STATUS", help="Mark this status.")
@pass_session
def diagram(session: Session, file: Path, current: str | None) -> None:
    """Draw a machine file as a Mermaid state diagram."""
    found = read_machine(file)
    try:
        text = found.to_mermaid(current)
    except InvalidDataError as error:
        raise click.UsageError(str(error)) from error
    if session.as_json:
        put(json_line({"file": str(file), "mermaid": text}))
    else:
        put(printable(text.removesuffix("\n"), keep_lines=True))
