"""What the demo's workers do: the machine of a governor, and the walk through it that each governor makes."""

import json
import random
from dataclasses import asdict, dataclass
from typing import Any

from tai_state import Machine, Transition

STATE = "mode"
"""The state of each governor that is moved."""
CALM_LOAD_MAX = 60

JOB_VARIABLE = "DEMO_JOB"
"""Where a worker finds its job."""


def _stepped(data: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    return {**data, "steps": data["steps"] + 1, "load": payload["load"]}


def _calm(data: dict[str, Any], payload: dict[str, Any]) -> bool:
    del data
    return bool(payload["load"] <= CALM_LOAD_MAX)


MACHINE = Machine(
    "governor",
    "boot",
    [
        Transition("ready", "boot", "stable", apply=_stepped),
        Transition("drift", "stable", "warning", apply=_stepped),
        Transition("settle", ("warning", "intervening"), "stable", guard=_calm, apply=_stepped),
        Transition("intervene", "warning", "intervening", apply=_stepped),
        Transition("refuse", "intervening", "refusing", apply=_stepped),
        Transition("degrade", ("warning", "refusing"), "degraded", apply=_stepped),
        Transition("restart", ("refusing", "degraded"), "boot", apply=_stepped),
    ],
)


@dataclass(frozen=True, slots=True)
class Step:
    """One move of a governor; ``number`` is the version that it makes.

    Args:
        action: None for the first one, which starts the state.
        status: Where it leads.
    """

    number: int
    key: str
    action: str | None
    payload: dict[str, Any]
    status: str


def walk(governor: str, steps: int) -> list[Step]:
    """Return a governor's moves, the same in every process: that is how one takes over from another."""
    rng = random.Random(governor)  # noqa: S311 - no secret
    status = MACHINE.initial
    moves = [Step(1, f"{governor}/1", None, {}, status)]
    for number in range(2, steps + 1):
        action = rng.choice(MACHINE.allowed(status))
        load = rng.randint(10, CALM_LOAD_MAX) if action in {"settle", "ready"} else rng.randint(10, 99)
        status = MACHINE.next(status, action)
        moves.append(Step(number, f"{governor}/{number}", action, {"load": load}, status))
    return moves


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is told, as JSON.

    Args:
        leash: After so many acknowledged moves it waits for a word that never comes: it is to be killed before
            it is done, however slow the one who kills is. None: it works to the end.
    """

    store: str
    worker: str
    governors: tuple[str, ...]
    steps: int
    leash: int | None = None

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """Return what ``to_json`` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "governors": tuple(fields["governors"])})


@dataclass(frozen=True, slots=True)
class Ack:
    """A move that the store has acknowledged to a worker; ``again``: it had been made before."""

    governor: str
    number: int
    key: str
    version: int
    status: str
    again: bool

    def to_line(self) -> bytes:
        """Return it as a line, short enough for a pipe to take it whole or not at all."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Ack":
        """Return what ``to_line`` wrote."""
        return cls(**json.loads(line))
