"""``machine diagram``: a machine file as a picture."""

from pathlib import Path

import click

from tai_state import InvalidDataError
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND
from tai_state.cli.program.machine_file import MACHINE_FILE, machine_text
from tai_state.cli.program.output import note, put
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line, printable
from tai_state.machine import sketch


@click.command(cls=Command, examples=["tai-state machine diagram order.json --current paid"])
@click.argument("file", type=MACHINE_FILE)
@click.option("--current", metavar="STATUS", help="Mark this status.")
@pass_session
def diagram(session: Session, file: Path, current: str | None) -> int:
    """Draw a machine file as a Mermaid state diagram.

    One with problems is drawn as far as it can be read: they are marked in the picture and listed on stderr, and the
    exit code is 1.
    """
    try:
        drawn = sketch(machine_text(file), current)
    except InvalidDataError as error:
        raise click.UsageError(str(error)) from error
    if session.as_json:
        problems = [{"kind": found.kind, "place": found.place, "message": found} for found in drawn.problems]
        put(json_line({"file": str(file), "mermaid": drawn.mermaid, "problems": problems}))
    else:
        put(printable(drawn.mermaid.removesuffix("\n"), keep_lines=True))
        for problem in drawn.problems:
            note(f"{file}: {problem}")
    return LEFT if drawn.problems else SOUND
