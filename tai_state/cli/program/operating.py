"""What commands share that change one state by hand: the machines they are given, and how they persist."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tai_state.cli.program.machine_file import read_machine
from tai_state.cli.program.modules import object_at
from tai_state.cli.program.output import moment, record_of, write_one

if TYPE_CHECKING:
    from tai_state import Machine, PersistenceConfig, StateSnapshot, StateStore, TransitionResult

MACHINE_HELP = "The machine: a file, or module:name."

_NEVER = sys.maxsize


def given_machine(text: str) -> "Machine[Any]":
    """Return the machine that *text* names: the file at that path, or what stands at ``module:name``.

    Raises:
        UsageError: There is neither.
        InvalidMachineError: The file holds no sound machine.
    """
    from tai_state import Machine  # noqa: PLC0415 - `--help` waits for nothing of the library

    if Path(text).is_file():
        return read_machine(Path(text))
    if ":" not in text:
        raise click.UsageError(f"there is no machine file {text!r}, and it is no module:name")
    return object_at(text, Machine)


def given_machines(texts: Sequence[str]) -> "tuple[Machine[Any] | None, list[Machine[Any]]]":
    """Return the machine that was named first, and the others, which drive dependents."""
    machines = [given_machine(text) for text in texts]
    return (machines[0] if machines else None), machines[1:]


def by_hand(state: "StateSnapshot | None" = None) -> "PersistenceConfig":
    """Return how a command persists: the upkeep of a state is left to its service, whose settings it does not know.

    Args:
        state: The state as it is: what is written of it keeps the version of its schema.
    """
    from tai_state import PersistenceConfig  # noqa: PLC0415

    # Fewer snapshots than the service keeps would be removed otherwise.
    return PersistenceConfig(
        snapshot_interval=_NEVER,
        snapshot_retention=_NEVER,
        segment_events=_NEVER,
        schema_version=1 if state is None else state.schema_version,
    )


def as_it_is(store: "StateStore", governor_id: str, state_id: str) -> "StateSnapshot | None":
    """Return the state as it was last, deleted ones too; None where it never was.

    Raises:
        CorruptLogError: It is damaged, and cannot be rebuilt.
    """
    batch = store.batch_get_states(governor_id, [state_id], include_deleted=True)
    # One that is damaged for good is told as that.
    return store.find_state(governor_id, state_id) if batch.damaged else batch.found.get(state_id)


def write_result(result: "TransitionResult[Any]", *, as_json: bool) -> None:
    """Write what a change did."""
    event = result.event
    fields = {
        "governor": event.governor_id,
        "state": event.state_id,
        "action": event.action,
        "status": f"{event.from_status or ''} -> {event.to_status}".lstrip(),
        "version": f"{event.version:,}" + (" (it was made before, under its key)" if result.replayed else ""),
        "time": moment(event.timestamp),
        "by": event.metadata.changed_by,
        "reason": event.metadata.reason,
    }
    numbers = {"version": result.version, "from_status": result.from_status, "to_status": result.to_status}
    write_one(fields, as_json=as_json, record={**numbers, **record_of(result)})
