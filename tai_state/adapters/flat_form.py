"""A machine of ours made of what another library or format has, for checks and diagrams: its guards are names alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tai_state.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Row:
    """One transition, as another format has it; *guard* and *apply* are names."""

    action: str
    source: str
    target: str
    guard: str | None = None
    apply: str | None = None


def machine_of(
    name: str, version: int, initial: str, rows: Iterable[Row], terminal: Iterable[str] | None
) -> Machine[Any]:
    """Return the machine, whose functions have names and cannot run.

    Raises:
        InvalidMachineError: It is no sound machine; lists every problem.
    """
    form: dict[str, Any] = {"name": name, "version": version, "initial": initial, "transitions": [*map(_row, rows)]}
    if terminal is not None:
        form["terminal"] = list(terminal)
    return Machine.from_json(json.dumps(form))


def _row(row: Row) -> dict[str, str]:
    told = {"action": row.action, "source": row.source, "target": row.target}
    return told | {name: value for name, value in (("guard", row.guard), ("apply", row.apply)) if value is not None}
