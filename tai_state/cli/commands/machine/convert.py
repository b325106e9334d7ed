"""``machine convert``: a definition in another format as a machine file."""

import json
from pathlib import Path

import click

from tai_state import InvalidMachineError
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND
from tai_state.cli.program.machine_file import MACHINE_FILE, machine_text
from tai_state.cli.program.output import note, put
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line, printable
from tai_state.machine.formats import FORMATS, Converted, converted


@click.command(cls=Command, examples=["tai-state machine convert order.scxml"])
@click.argument("file", type=MACHINE_FILE)
@click.option("--from", "format_", type=click.Choice(FORMATS), help="What it is; as it looks if not given.")
@click.option("--name", metavar="TEXT", help="What the machine is called where the file does not say; the file's name.")
@pass_session
def convert(session: Session, file: Path, format_: str | None, name: str | None) -> int:
    """Write a definition in SCXML, XState's JSON or Amazon States Language as a machine file.

    The part of it that is flat: one status at a time, events, and guards by name. All else is named on stderr, with
    its place, and the exit code is 1; so is what keeps the rest from being a machine, and then nothing is written.
    """
    try:
        found = converted(machine_text(file), name=name or file.stem, format=format_)
    except InvalidMachineError as error:
        raise click.UsageError(f"{file} cannot be converted: {error}") from error
    if session.as_json:
        put(json_line(_record(file, found)))
    else:
        if found.machine is not None:
            put(printable(found.machine.to_json(), keep_lines=True))
        for one in found.left_out:
            note(f"{file}: left out: {one}")
        for problem in found.problems:
            note(f"{file}: {problem}")
    return SOUND if found.is_whole else LEFT


def _record(file: Path, found: Converted) -> dict[str, object]:
    return {
        "file": str(file),
        "format": found.format,
        "machine": None if found.machine is None else json.loads(found.machine.to_json()),
        "left_out": [one._asdict() for one in found.left_out],
        "problems": [{"kind": one.kind, "place": one.place, "message": str(one)} for one in found.problems],
    }
