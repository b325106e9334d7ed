"""What each client does, step by step: drawn from a seed, so that a client that begins anew knows where it was."""

import random
from dataclasses import dataclass
from enum import StrEnum

GOVERNOR = "chaos"
KEYS = ("one", "two", "three", "four")
LOCKED = "locked"
"""The one key that is moved under a lock."""

OPENING = "opening"
"""The mark of the change that creates a key."""


class Kind(StrEnum):
    """How a move is asked for."""

    KEYED = "keyed"
    """Under an idempotency key, from whatever version there is."""
    CHECKED = "checked"
    """Under a key, from the version just read."""
    UNKEYED = "unkeyed"
    """Once and never again, whatever becomes of it."""
    GUARDED = "guarded"
    """Under a key and a lock."""


KINDS = {Kind.KEYED: 62, Kind.CHECKED: 20, Kind.UNKEYED: 12, Kind.GUARDED: 6}
READS = 0.2
"""How often a read goes before a move."""


@dataclass(frozen=True, slots=True)
class Step:
    """One move, told from all others by its mark."""

    number: int
    mark: str
    kind: Kind
    key: str
    reads: bool


def step(seed: str, client: str, number: int) -> Step:
    """Return what *client* does as its step *number*."""
    rng = random.Random(f"{seed}/{client}/{number}")
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    key = LOCKED if kind is Kind.GUARDED else rng.choice(KEYS)
    return Step(number, f"{client}/{number}", kind, key, rng.random() < READS)


def number_of(mark: str) -> int:
    """Return the number of the step that made *mark*."""
    return int(mark.rpartition("/")[2])
