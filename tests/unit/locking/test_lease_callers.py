"""Any number of callers, in any order: one holder at a time, by the clock of the store."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tai_state.config import LockConfig
from tai_state.documents import Put, UpdatedAt
from tai_state.rules.locking.leases import (
    Grant,
    Lease,
    broken,
    decide_acquire,
    released,
    renewed,
)
from tests.unit.locking.leases import TTL, at, claim


@dataclass
class Store:
    """A store of one lease with its own clock, and what every caller last read or wrote."""

    now: float = 0.0
    current: Lease | None = None
    seen: dict[int, tuple[Lease | None, datetime]] = field(default_factory=dict)
    ours: dict[int, Lease] = field(default_factory=dict)
    grants: list[Lease] = field(default_factory=list)
    held: list[tuple[int, datetime, datetime]] = field(default_factory=list)
    """Token, begin and end of every time during which a lease was in force."""

    def commit(self, caller: int, later: Lease, write: Put) -> bool:
        expected = None if self.current is None else self.current.update_time
        wanted = write.precondition.update_time if isinstance(write.precondition, UpdatedAt) else None
        if expected != wanted:
            return False
        self.now += 0.000001
        self._end(at(self.now))
        self.current = replace(later, update_time=at(self.now))
        if self.current.holder is not None:
            self.held.append((self.current.fencing_token, at(self.now), self.current.expires()))
        self.ours[caller] = self.current
        return True

    def _end(self, moment: datetime) -> None:
        if self.held:
            token, begin, end = self.held[-1]
            self.held[-1] = (token, begin, min(end, moment))


CALLER = st.integers(0, 3)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), CALLER),
        st.tuples(st.just("take"), CALLER),
        st.tuples(st.just("renew"), CALLER),
        st.tuples(st.just("release"), CALLER),
        st.tuples(st.just("break"), CALLER),
        st.tuples(st.just("pass"), st.integers(0, 25)),
    ),
    max_size=60,
)


def play(steps) -> Store:
    """Let callers act on what they saw, however old it is; the store's preconditions alone decide."""
    store = Store()
    for count, (step, number) in enumerate(steps):
        if step == "pass":
            store.now += number / 2
        elif step == "look":
            store.seen[number] = (store.current, at(store.now))
        elif step == "take" and number in store.seen:
            current, read_time = store.seen[number]
            decision = decide_acquire(current, read_time, resource="r", claim=claim(f"c{number}", f"n{count}", TTL))
            if isinstance(decision, Grant) and store.commit(number, decision.lease, decision.write):
                store.grants.append(store.ours[number])
        elif step in {"renew", "release"} and number in store.ours and store.ours[number].holder is not None:
            store.commit(number, *(renewed if step == "renew" else released)(store.ours[number]))
        elif step == "break" and store.current is not None and store.current.holder is not None:
            store.commit(-1, *broken(store.current, f"e{count}"))
    return store


@given(STEPS)
def test_tokens_rise_by_one_with_every_grant(steps):
    """Over any sequence of decisions, however stale what they rest on."""
    assert [one.fencing_token for one in play(steps).grants] == list(range(1, len(play(steps).grants) + 1))


@given(STEPS)
def test_no_two_grants_overlap_by_the_stores_clock(steps):
    """A later one begins when the earlier one has run out, or was released or broken."""
    held = play(steps).held
    for (token, _, end), (later, begin, _) in pairwise(held):
        assert token <= later
        assert begin >= end


@given(STEPS)
def test_no_holder_trusts_a_lease_for_longer_than_the_store(steps):
    """His trust ends before it, though he counts from before he sent his request."""
    timing = LockConfig(ttl=TTL).timing()
    for _, begin, _ in play(steps).held:
        assert begin + timedelta(seconds=timing.trusted_seconds) < begin + timedelta(seconds=TTL)


@given(STEPS)
def test_whoever_was_followed_can_change_nothing(steps):
    """Neither renew nor release: the precondition of his write can never hold again."""
    store = play(steps)
    for token in range(1, len(store.grants)):
        old = store.grants[token - 1]
        before = store.current
        assert not store.commit(9, *renewed(old))
        assert not store.commit(9, *released(old))
        assert store.current == before
