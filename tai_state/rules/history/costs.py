"""What a change is billed for where documents are billed, on average: the formulas of every estimate."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChangeCost:
    """Documents that one change reads, writes and deletes, on average.

    Attributes:
        writes_and_deletes: Both together.
    """

    reads: float
    writes: float
    deletes: float
    writes_and_deletes: float


def cost_of_change(
    *, keyed: float, snapshot_interval: int, segments: float, sealed: float, known: float = 0.0
) -> ChangeCost:
    """Return what a change of a state costs that is old enough to have as many snapshots as are kept.

    Args:
        keyed: The share of changes that have an idempotency key: a receipt each.
        snapshot_interval: How many changes lie between two snapshots; each takes the place of an old one.
        segments: How many segments are sealed a change.
        sealed: The share of events that are sealed by a process that did not make them, and so has to read them.
        known: The share of changes whose process remembers the state, and need not read it.
    """
    return ChangeCost(
        # The state, where it is not remembered, and with it the receipt that may be there; and every event once more,
        # when it is sealed.
        reads=(1 - known) * (1 + keyed) + sealed,
        # State and event; the receipt; a snapshot; the segment.
        writes=2 + keyed + 1 / snapshot_interval + segments,
        deletes=1 / snapshot_interval,
        writes_and_deletes=2 + keyed + 2 / snapshot_interval + segments,
    )
