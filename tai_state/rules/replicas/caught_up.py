"""How far a store has come with what another one has: a mark that each sync leaves, one for each governor and store."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from tai_state.documents import Document, DocumentPath, MustNotExist, Precondition, Put, UpdatedAt
from tai_state.errors import SchemaVersionError
from tai_state.layout import FORMAT, REPLICAS, GovernorLayout, escape
from tai_state.rules.records.fields import FieldError, check_format, take, take_list, take_time

_LEFT_MAX = 100
"""Of how many states a mark says that they were left behind; where there are more, none is written."""

_PAST_SECONDS_MAX = 600.0
"""How old a moment may be as of which an engine is asked to read."""

_SAMPLE_SECONDS_MAX = 60.0
_DRIFT = 0.001
"""For how long a store's clock is reckoned with from one of its replies, and by how much clocks may differ in it."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """That a store knows what another one had acknowledged of a governor by some time.

    Attributes:
        store_id: The other store.
        as_of: That time, by the clock of the store that knows it: it was told before the other one was looked at, so
            that no clock is compared with another one.
        left: The states, as they are stored, of which that is not so.
    """

    store_id: str
    as_of: datetime
    left: frozenset[str] = frozenset()

    def put(self, path: DocumentPath, found: Document | None) -> Put:
        """Return the write of the mark, where it is as it was found."""
        precondition: Precondition = MustNotExist() if found is None else UpdatedAt(found.update_time)
        fields = {"format": FORMAT, "store_id": self.store_id, "as_of": self.as_of, "left": sorted(self.left)}
        return Put(path, fields, precondition)


def marks_of(governor: GovernorLayout) -> tuple[str, str]:
    """Return the range of ids among the marks in which those of a governor are."""
    stored = governor.states.split("/")[1]
    return f"{stored}@", f"{stored}A"


def mark_path(governor: GovernorLayout, store_id: str) -> DocumentPath:
    """Return the path of the mark of what another store has of a governor."""
    return DocumentPath(REPLICAS, f"{marks_of(governor)[0]}{escape(store_id, 'store_id')}")


def caught_up(store_id: str, as_of: datetime, left: Iterable[str]) -> CaughtUp | None:
    """Return the mark that a sync leaves; None where it left so much that a mark would say little."""
    states = frozenset(left)
    return None if len(states) > _LEFT_MAX else CaughtUp(store_id, as_of, states)


def read_mark(document: Document | None) -> CaughtUp | None:
    """Return what a mark says; None where there is none, or a damaged one: then nobody knows."""
    if document is None:
        return None
    try:
        check_format(document.fields, document.path)
        left = frozenset(take_list(document.fields, "left", str))
        return CaughtUp(take(document.fields, "store_id", str), take_time(document.fields, "as_of"), left)
    except (FieldError, SchemaVersionError):
        return None


class Sample(NamedTuple):
    """What a store's clock said, and between which two moments of this process's monotonic clock it did."""

    moment: datetime
    asked: float
    heard: float


class Past(NamedTuple):
    """A moment of a store's clock that has passed, and how long ago at most."""

    moment: datetime
    lag: timedelta


def past(sample: Sample | None, monotonic: float, max_lag: timedelta) -> Past | None:
    """Return the earliest moment that is at most *max_lag* ago by a store's clock, which has passed for certain.

    None where nobody can tell: the store was not heard lately, or takes longer to answer than *max_lag*.
    """
    if sample is None or monotonic - sample.asked > _SAMPLE_SECONDS_MAX:
        return None
    lag = min(max_lag.total_seconds(), _PAST_SECONDS_MAX)
    # The clock said so somewhere between the two: its time now is at most this one.
    latest = (monotonic - sample.asked) * (1 + _DRIFT)
    earliest = (monotonic - sample.heard) * (1 - _DRIFT)
    if latest - lag > earliest:
        return None
    return Past(sample.moment + timedelta(seconds=latest - lag), timedelta(seconds=lag))
