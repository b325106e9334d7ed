"""What commands share that change one state by hand: the machines they are given, and how they persist."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tai_state.cli.program.machine_file import read_machine
from tai_state.cli.program.modules import object_at
from tai_state.cli.program.output import moment, record_of, write_one

if TYPE_CHECKING:
    from tai_state import Machine, Mover, PersistenceConfig, StateSnapshot, StateStore, TransitionResult

MACHINE_HELP = "The machine: a file, or module:name."

FC = TypeVar("FC", bound="Callable[..., Any] | click.Command")

_NEVER = sys.maxsize


def machine_option(further: str, *, required: bool = False) -> Callable[[FC], FC]:
    """Return the option ``--machine``, which may be given several times; its help ends with *further*."""
    return click.option(
        "--machine",
        "machines",
        multiple=True,
        required=required,
        metavar="FILE|MODULE:NAME",
        help=f"{MACHINE_HELP} {further}",
    )


def change_options(command: FC) -> FC:
    """Add the options of every command that makes one change of a state."""
    upcasters = upcasters_option("Bring older data to the schema of the machine")
    version = click.option(
        "--expected-version", type=click.IntRange(min=1), metavar="N", help="Only if this is its version."
    )
    key = click.option("--key", metavar="TEXT", help="An idempotency key: run again under it, nothing is done twice.")
    return upcasters(version(key(command)))


_UPCASTERS = "UPCASTERS"


def upcasters_option(what: str, *, required: bool = False) -> Callable[[FC], FC]:
    """Return the option ``--upcasters``, with *what* they are for in its help."""
    return click.option(
        "--upcasters",
        required=required,
        metavar="MODULE[:NAME]",
        callback=lambda _, __, text: None if text is None else given_upcasters(text),
        help=f"{what}: a dict of functions by the schema version that they take; {_UPCASTERS} without a name.",
    )


def given_machine(text: str) -> "Machine[Any] | Mover":
    """Return the machine that *text* names: the file at that path, or what stands at ``module:name``, a mover maybe.

    Raises:
        UsageError: There is neither.
        InvalidMachineError: The file holds no sound machine.
    """
    from tai_state import Machine, Mover  # noqa: PLC0415 - `--help` waits for nothing of the library

    if Path(text).is_file():
        return read_machine(Path(text))
    if ":" not in text:
        raise click.UsageError(f"there is no machine file {text!r}, and it is no module:name")
    found: Any = object_at(text, object)
    # Of a class the check tells the same as of what it makes.
    if isinstance(found, type) or not isinstance(found, Machine | Mover):
        raise click.UsageError(f"{text} is no Machine or Mover, it is {type(found).__name__}")
    return found


def known_machine(text: str, why: str) -> "Machine[Any]":
    """Return the machine that *text* names, where what it is made of has to be known, as *why* says.

    Raises:
        UsageError: There is none, or it is a mover, of which nobody knows that.
        InvalidMachineError: The file holds no sound machine.
    """
    from tai_state import Machine  # noqa: PLC0415 - as above

    found = given_machine(text)
    if not isinstance(found, Machine):
        raise click.UsageError(f"{why}: name a Machine, not {found.name!r}, which is a mover")
    return found


def given_machines(texts: Sequence[str]) -> "tuple[Machine[Any] | Mover | None, list[Machine[Any] | Mover]]":
    """Return the machine that was named first, and the others, which drive dependents."""
    machines = [given_machine(text) for text in texts]
    return (machines[0] if machines else None), machines[1:]


def given_upcasters(text: str) -> dict[int, Any]:
    """Return the upcasters at ``module:name``; without a name those called UPCASTERS.

    Raises:
        UsageError: There are none.
    """
    found: dict[int, Any] = object_at(text if ":" in text else f"{text}:{_UPCASTERS}", dict)
    if not found:
        message = f"there are no upcasters at {text!r}: {{1: fn}} leads from schema version 1 to 2"
        raise click.UsageError(message)
    return found


def by_hand(
    state: "StateSnapshot | None" = None,
    *,
    upcasters: Mapping[int, Any] | None = None,
    schema_version: int | None = None,
) -> "PersistenceConfig":
    """Return how a command persists: the upkeep of a state is left to its service, whose settings it does not know.

    Args:
        state: The state as it is: without upcasters, what is written of it keeps the version of its schema.
        upcasters: What brings older data to the schema that a machine's functions take.
        schema_version: That schema's version; None: the one that the upcasters lead to.

    Raises:
        ConfigurationError: The upcasters do not lead to *schema_version*.
    """
    from tai_state import PersistenceConfig  # noqa: PLC0415

    if schema_version is None and upcasters:
        schema_version = max((version for version in upcasters if isinstance(version, int)), default=1) + 1
    if schema_version is None:
        schema_version = 1 if state is None else state.schema_version
    # Fewer snapshots than the service keeps would be removed otherwise.
    return PersistenceConfig(
        snapshot_interval=_NEVER,
        snapshot_retention=_NEVER,
        segment_events=_NEVER,
        schema_version=schema_version,
        upcasters=upcasters or {},
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
    models = {"event": record_of(event), "snapshot": record_of(result.snapshot)}
    write_one(fields, as_json=as_json, record={**numbers, **models, "replayed": result.replayed})
