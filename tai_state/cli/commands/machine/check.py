"""``machine check``: whether machine files are sound, and what is wrong with those that are not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tai_state import InvalidMachineError, Machine
from tai_state.cli.program.command import Command
from tai_state.cli.program.failures import LEFT, SOUND
from tai_state.cli.program.machine_file import MACHINE_FILE, read_machine
from tai_state.cli.program.output import put
from tai_state.cli.program.session import Session, pass_session
from tai_state.cli.program.texts import json_line, printable
from tai_state.counts import counted


@dataclass(frozen=True, slots=True)
class Checked:
    """A file and what was found in it: a machine, or problems."""

    path: Path
    machine: Machine[Any] | None
    problems: list[str]

    def record(self) -> dict[str, object]:
        """Return it as a JSON object."""
        machine = self.machine
        return {
            "file": str(self.path),
            "sound": machine is not None,
            "name": machine.name if machine else None,
            "version": machine.version if machine else None,
            "statuses": list(machine.statuses) if machine else [],
            "problems": [
                {"kind": getattr(found, "kind", ""), "place": getattr(found, "place", ""), "message": str(found)}
                for found in self.problems
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield it as lines for people."""
        machine = self.machine
        if machine is None:
            yield f"{self.path}: {counted(len(self.problems), 'problem')}"
            yield from (f"  {problem}" for problem in self.problems)
            return
        statuses = counted(len(machine.statuses), "status", "statuses")
        transitions = counted(len(machine.transitions), "transition")
        yield f"{self.path}: sound; machine {machine.name!r} version {machine.version}, {statuses}, {transitions}"


def check_file(path: Path) -> Checked:
    """Return what the file at *path* holds."""
    try:
        return Checked(path, read_machine(path), [])
    except InvalidMachineError as error:
        return Checked(path, None, list(error.problems))


@click.command(cls=Command, examples=["tai-state machine check order.json"])
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=MACHINE_FILE)
@pass_session
def check(session: Session, files: tuple[Path, ...]) -> int:
    """Check machine files, and name every problem; exit code 1 when there is one."""
    code = SOUND
    for path in files:
        checked = check_file(path)
        if checked.machine is None:
            code = LEFT
        if session.as_json:
            put(json_line(checked.record()))
            continue
        for line in checked.lines():
            put(printable(line))
    return code
