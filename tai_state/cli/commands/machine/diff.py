"""``machine diff``: what two definitions of a machine differ in, and whether stored states are safe with it."""

from collections.abc import Iterator
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
from tai_state.machine.difference import Branch, Concern, Difference, PartChange, Value, difference


@click.command(cls=Command, examples=["tai-state machine diff order.json order-2.json"])
@click.argument("old", type=MACHINE_FILE)
@click.argument("new", type=MACHINE_FILE)
@pass_session
def diff(session: Session, old: Path, new: Path) -> int:
    """Compare two machine files, and say whether states that the first one moved are safe with the second.

    What is gone has a -, what is new a +, what is another a ~. Behind a ! stands what is not safe, such as a status
    that goes: states may be stored in it. The exit code is 0 where both are the same, and 1 where they are not.
    """
    before, after = _sound(old), _sound(new)
    found = difference(before, after)
    if session.as_json:
        put(json_line(_record(old, before, new, after, found)))
    else:
        for line in _lines(before, after, found):
            put(printable(line))
    return SOUND if found.is_same else LEFT


def _sound(path: Path) -> Machine[Any]:
    try:
        return read_machine(path)
    except InvalidMachineError as error:
        raise click.UsageError(f"{path} cannot be compared: {error}") from error


def _lines(old: Machine[Any], new: Machine[Any], found: Difference) -> Iterator[str]:
    names = f"{old.name}@{old.version} -> {new.name}@{new.version}"
    if found.is_same:
        yield f"{names}: the same"
        return
    what = "different" if found.changes else "the same moves, written otherwise"
    yield f"{names}: {what}; {'' if found.is_safe else 'not '}safe for stored states"
    yield from (f"  {change}" for change in found.changes)
    yield from (f"  ! {hazard.message}" for hazard in found.hazards)
    yield from (f"  {note.message}" for note in found.notes)


def _record(
    old_path: Path, old: Machine[Any], new_path: Path, new: Machine[Any], found: Difference
) -> dict[str, object]:
    def file(path: Path, machine: Machine[Any]) -> dict[str, object]:
        numbers = {"version": machine.version, "fingerprint": machine.fingerprint}
        return {"file": str(path), "name": machine.name, **numbers}

    return {
        "old": file(old_path, old),
        "new": file(new_path, new),
        "same": found.is_same,
        "safe": found.is_safe,
        "changes": [_change(change) for change in found.changes],
        "hazards": [_concern(hazard) for hazard in found.hazards],
        "notes": [_concern(note) for note in found.notes],
    }


def _change(change: PartChange) -> dict[str, object]:
    return {**change._asdict(), "before": _value(change.before), "after": _value(change.after)}


def _value(value: Value) -> object:
    return [branch._asdict() for branch in value if isinstance(branch, Branch)] if isinstance(value, tuple) else value


def _concern(concern: Concern) -> dict[str, str]:
    return {"kind": concern.kind, "message": concern.message}
