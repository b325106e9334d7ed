"""What of a store as a whole is well: its answer, its clock, its leases, and what has expired and stays."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from shlex import quote
from typing import NamedTuple

from tai_state.counts import counted
from tai_state.models import Checkup
from tai_state.rules.locking.leases import Lease

SLOW_SECONDS = 1.0
"""A store that takes longer for one small read makes every service slow."""

SKEW_SECONDS_MAX = 1.0
"""How far a host's clock may be from the store's before times of events mislead whoever reads them."""

SKEW_SECONDS_BAD = 60.0
"""From how far on a range of times finds other events than were meant."""

LEFT_DOCUMENTS_MAX = 100
"""So many documents that nobody needs any more are no growth."""

LEFT_SINCE = timedelta(days=2)
"""What expired longer ago should have gone: a TTL policy of Firestore takes a day, rarely more."""

_NAMED_MAX = 3


def reachable(backend: str, seconds: float) -> Checkup:
    """Judge how long a store took for one small read."""
    told = f"{backend} answered in {seconds * 1000:,.0f} ms"
    if seconds <= SLOW_SECONDS:
        return Checkup(check="reachable", status="ok", message=told)
    return Checkup(
        check="reachable", status="warning", message=f"{told}: is it far away, or busy?", mend="run it near its store"
    )


_SET_HOST = "timedatectl set-ntp true"
# Its clock never falls: what opened it once with a clock that was ahead has lifted it for good.
_SET_STORE = "set the clock of a SQLite store: tai-state backup FILE, tai-state restore FILE --set-clock"


def clock(before: datetime, store: datetime, after: datetime) -> Checkup:
    """Judge the host's clock by the store's, which was asked for its time between two looks at the host's.

    What the reply may have taken is nobody's skew: the store's time lies somewhere between the two looks.
    """
    ahead, behind = (before - store).total_seconds(), (store - after).total_seconds()
    skew = max(ahead, behind, 0.0)
    if skew <= SKEW_SECONDS_MAX:
        return Checkup(check="clock", status="ok", message=f"this host and the store agree to {_span(max(skew, 0.1))}")
    is_ahead = ahead > behind
    where = "ahead of" if is_ahead else "behind"
    return Checkup(
        check="clock",
        status="problem" if skew > SKEW_SECONDS_BAD else "warning",
        message=f"this host is {_span(skew)} {where} the store: its events have wrong times; leases do not care",
        mend=_SET_HOST if is_ahead else f"{_SET_HOST}; where this host is right, {_SET_STORE}",
    )


class Held(NamedTuple):
    """A lock that has a holder: until when, and whether its process is known to be gone."""

    lease: Lease
    is_expired: bool
    is_orphaned: bool


def leases(held: Sequence[Held], damaged: int, *, is_all: bool) -> Checkup:
    """Judge the locks that somebody holds."""
    looked = f"{len(held):,} held" if is_all else f"{len(held):,} held among the first"
    if damaged:
        message = f"{looked}; {counted(damaged, 'document')} of locks cannot be read"
        return Checkup(check="leases", status="problem", message=message, mend="tai-state verify")
    orphans = [one.lease for one in held if one.is_orphaned and not one.is_expired]
    expired = [one.lease for one in held if one.is_expired]
    if orphans:
        one = orphans[0]
        message = f"{looked}; of {_names(orphans)} the holder's process is gone, and its lease goes on"
        mend = f"tai-state locks break {quote(one.resource)} --token {one.fencing_token} --reason 'its process is gone'"
        return Checkup(check="leases", status="warning", message=message, mend=mend)
    if expired:
        message = f"{looked}; {_names(expired)} past the end of the lease: nobody has asked for it since"
        return Checkup(check="leases", status="warning", message=message, mend="tai-state recover")
    return Checkup(check="leases", status="ok", message=f"{looked}, none past its time")


def expired(check: str, looked: int, left: int, *, is_all: bool) -> Checkup:
    """Judge how many documents of a kind have long expired, and are still there.

    Args:
        looked: How many were looked at; ``is_all``: there are no others.
        left: How many of them should have gone.
    """
    told = f"{looked:,} looked at" if is_all else f"the first {looked:,} looked at"
    told = f"{told}, {left:,} expired long ago"
    if left <= LEFT_DOCUMENTS_MAX:
        return Checkup(check=check, status="ok", message=told)
    return Checkup(
        check=check,
        status="warning",
        message=f"{told}: nothing removes them",
        mend="tai-state gc",
    )


def _names(leases: Sequence[Lease]) -> str:
    named = ", ".join(repr(one.resource) for one in leases[:_NAMED_MAX])
    return named if len(leases) <= _NAMED_MAX else f"{named} and {len(leases) - _NAMED_MAX:,} more"


def _span(seconds: float) -> str:
    return f"{seconds:,.1f} s"
