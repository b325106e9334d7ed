"""The machine of a state, and the moves that its status allows, as forms show them."""

from dataclasses import dataclass
from typing import Any

from tai_state import Machine, StateSnapshot
from tai_state.server.console.payloads import Field, fields_of
from tai_state.server.console.visit import Visit


@dataclass(frozen=True, slots=True)
class Move:
    """A move that a status allows, as its form shows it."""

    action: str
    targets: tuple[str, ...]
    fields: tuple[Field, ...]


def moves_of(machine: Machine[Any], status: str) -> list[Move]:
    """Return the moves that *status* allows."""
    return [
        Move(action, tuple(machine.targets(status, action)), fields_of(machine, status, action))
        for action in machine.allowed(status)
    ]


def machine_of(visit: Visit, snapshot: StateSnapshot[Any]) -> Machine[Any] | None:
    """Return the machine by which a state moves: the one that moved it last; None where it is not known here."""
    persister = visit.service.persisters.get(snapshot.machine_name or "")
    machine = None if persister is None else persister.require_machine()
    return machine if isinstance(machine, Machine) and snapshot.status in machine.statuses else None
