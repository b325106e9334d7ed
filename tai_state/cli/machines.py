"""The commands about machine files: check and diagram."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tai_state import InvalidDataError, InvalidMachineError, Machine
from tai_state.cli.commands import Command, Group
from tai_state.cli.failures import LEFT, SOUND
from tai_state.cli.output import json_line, printable
from tai_state.cli.session import Session, pass_session
from tai_state.machine.problems import MachineProblem

MACHINE_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


def read_machine(path: Path) -> Machine[Any]:
    """Return the machine in the file at *path*, without its functions.

    Raises:
        InvalidMachineError: It is no sound machine; lists every problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8: {error.reason} at byte {error.start:,}"
        raise InvalidMachineError([MachineProblem("json", message)]) from error
    return Machine.from_json(text, functions=None)


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
            yield f"{self.path}: {len(self.problems):,} problem{'s' if len(self.problems) != 1 else ''}"
            yield from (f"  {problem}" for problem in self.problems)
            return
        size = f"{len(machine.statuses):,} statuses, {len(machine.transitions):,} transitions"
        yield f"{self.path}: sound; machine {machine.name!r} version {machine.version}, {size}"


def check_file(path: Path) -> Checked:
    """Return what the file at *path* holds."""
    try:
        return Checked(path, read_machine(path), [])
    except InvalidMachineError as error:
        return Checked(path, None, list(error.problems))


@click.group(cls=Group, examples=["tai-state machine check order.json"])
def machine() -> None:
    """Check and draw machine files."""


@machine.command(cls=Command, examples=["tai-state machine check order.json"])
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
            click.echo(json_line(checked.record()))
            continue
        for line in checked.lines():
            click.echo(printable(line))
    return code


@machine.command(cls=Command, examples=["tai-state machine diagram order.json --current paid"])
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
        click.echo(json_line({"file": str(file), "mermaid": text}))
    else:
        click.echo(printable(text, keep_lines=True), nl=False)
