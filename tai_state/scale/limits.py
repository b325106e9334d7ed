"""The limits of Firestore that a load comes near, and what to turn.

They are Google's ("Quotas and limits", "Best practices for Cloud Firestore"). Some of them are soft: what lies beyond
is slow, or refused now and then, and is tried again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tai_state.scale.estimate import EVENT_BYTES, SEALED_EVENT_BYTES

if TYPE_CHECKING:
    from tai_state.config import Maintenance
    from tai_state.scale.estimate import Estimate

DOCUMENT_WRITES_PER_SECOND = 1.0
"""What one document takes for long, about."""

START_WRITES_PER_SECOND = 500.0
"""What a new collection takes at once; then half as much again, each five minutes."""

RAMP_MINUTES, RAMP_FACTOR = 5.0, 1.5

MONOTONIC_WRITES_PER_SECOND = 500.0
"""What a collection takes whose documents have an indexed field that rises with time."""

DOCUMENT_BYTES = 1_048_576
SEGMENT_BYTES = 750 * 1024

NEAR = 0.5
"""The share of a limit from which on it is told."""


@dataclass(frozen=True, slots=True)
class Near:
    """A limit that a load comes near or passes.

    Attributes:
        share: How much of it is used; above 1 it is passed.
        turn: What to do about it.
    """

    limit: str
    share: float
    turn: str


def ramp_minutes(writes_per_second: float) -> float:
    """Return how long Google's rule takes from 500 writes a second to so many."""
    if writes_per_second <= START_WRITES_PER_SECOND:
        return 0.0
    return RAMP_MINUTES * math.log(writes_per_second / START_WRITES_PER_SECOND) / math.log(RAMP_FACTOR)


def near(found: Estimate, maintenance: Maintenance) -> list[Near]:
    """Return the limits of which the load uses half or more, the tightest first."""
    load = found.load
    minutes = math.ceil(ramp_minutes(found.writes_per_second))
    governors = math.ceil(load.moves_per_second / MONOTONIC_WRITES_PER_SECOND)
    limits = [
        Near(
            "one write a second on one document, on average of all machines",
            load.moves_per_second / load.machines / DOCUMENT_WRITES_PER_SECOND,
            "split what changes so often into several states; changes that wait in one process share a commit",
        ),
        Near(
            "500 writes a second at once, half as much again each five minutes",
            found.writes_per_second / START_WRITES_PER_SECOND,
            f"begin slowly: the ramp to this rate takes {minutes} minutes" if minutes else "begin slowly",
        ),
        Near(
            "500 writes a second in one governor, whose events are indexed by their time",
            load.moves_per_second / MONOTONIC_WRITES_PER_SECOND,
            f"spread the machines over {max(2, governors)} governors or more, with hashed or random ids",
        ),
        Near(
            "1 MiB a document: an event holds the data before and behind",
            (2 * load.data_bytes + EVENT_BYTES) / DOCUMENT_BYTES,
            "keep large values elsewhere, and their address in the data; data that compresses takes less",
        ),
        Near(
            "750 KiB a segment",
            maintenance.segment_events * (load.data_bytes + SEALED_EVENT_BYTES) / SEGMENT_BYTES,
            "nothing breaks: segments hold fewer events then, and there are more of them",
        ),
    ]
    return sorted((one for one in limits if one.share >= NEAR), key=lambda one: -one.share)
