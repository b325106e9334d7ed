"""How two stores' versions of a state stand to each other."""

import hashlib
from collections.abc import Mapping

from tai_state.causality import Ordering, VectorClock
from tai_state.codec import dump_plain
from tai_state.rules.records.record import EventRecord, StateRecord


def clock_of(version: StateRecord | EventRecord | None) -> VectorClock:
    """Return what a version knows; one that is not there knows nothing."""
    return VectorClock({} if version is None else version.causality)


def content_digest(version: StateRecord | EventRecord) -> str:
    """Return the SHA-256, in hexadecimal, of what of a version travels: equal ones say the same.

    Not of what is each store's own: who made it and when, leases, due times and marks.
    """
    if isinstance(version, EventRecord):
        status, data = version.to_status, version.to_state
    else:
        status, data = version.status, version.data
    machine = version.machine
    content = {
        "status": status,
        "data": data.digest,
        "last_error": version.last_error,
        "deleted": version.deleted,
        "schema_version": version.schema_version,
        "machine": None if machine is None else [machine.name, machine.version, machine.fingerprint],
        "labels": list(version.labels),
    }
    return hashlib.sha256(dump_plain(content)).hexdigest()


def standing(ours: StateRecord | None, theirs: StateRecord | None) -> Ordering:
    """Return how our version stands to theirs, by their clocks."""
    return clock_of(ours).compare(clock_of(theirs))


def are_equal(ours: StateRecord | None, theirs: StateRecord | None) -> bool:
    """Whether there is nothing to do: both know the same, and say the same."""
    if ours is None or theirs is None:
        return ours is theirs
    return ours.causality == theirs.causality and content_digest(ours) == content_digest(theirs)


def says_all(ours: StateRecord | None, theirs: StateRecord | None) -> bool:
    """Whether our version may stand for theirs: it knows more, or knows the same and says the same."""
    order = standing(ours, theirs)
    return order is Ordering.AFTER or (order is Ordering.EQUAL and are_equal(ours, theirs))


def knows(clock: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Whether *clock* knows all that *other* knows."""
    return all(clock.get(node, 0) >= count for node, count in other.items())


def same_node(ours: Mapping[str, int], theirs: Mapping[str, int]) -> str | None:
    """Return a name under which two stores count that did not know of each other; None: there is none."""
    named = [{key.partition("/")[2]: key for key in one if "/" in key} for one in (ours, theirs)]
    for node in named[0].keys() & named[1].keys():
        one, other = named[0][node], named[1][node]
        if one != other and one not in theirs and other not in ours:
            return node
    return None
