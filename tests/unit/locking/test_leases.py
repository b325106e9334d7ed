"""The pure rules of leases, guards and lines: whatever happens in whatever order, one holder at a time."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.config import LockConfig
from tai_state.documents import Document, MustNotExist, Put, UpdatedAt
from tai_state.errors import ConfigurationError, FencedOutError, SchemaVersionError, StoreError
from tai_state.rules.locking.deadlocks import Wait, is_confirmed, live_wait, victim, wait_path, wait_write
from tai_state.rules.locking.fence import Fence, check_leases
from tai_state.rules.locking.leases import (
    Grant,
    Held,
    Lease,
    broken,
    decide_acquire,
    info,
    is_grant,
    lease_fields,
    lease_path,
    loss_reason,
    read_lease,
    released,
    renewed,
)
from tai_state.rules.locking.reservations import (
    RESERVED_SECONDS,
    Reservation,
    Waiter,
    clear_write,
    may_reserve,
    read_reservation,
    reservation_path,
    reserve_write,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
PATH = lease_path("r")
TTL = 10.0


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def lease(**changes) -> Lease:
    return replace(
        Lease(resource="r", holder="a", nonce="n1", fencing_token=3, ttl_seconds=TTL, renewals=0, update_time=START),
        **changes,
    )


def stored(one: Lease) -> Document:
    assert one.update_time is not None
    return Document(one.path, lease_fields(one), START, one.update_time)


# What a caller may do


@pytest.mark.parametrize(("seconds", "kind"), [(0, Held), (10, Held), (10.000001, Grant), (1000, Grant)])
def test_a_lease_ends_when_its_ttl_has_passed_by_the_stores_clock(seconds, kind):
    """To the microsecond; at its very end it is still held."""
    step = decide_acquire(lease(), at(seconds), resource="r", owner="b", nonce="n2", ttl_seconds=5.0)
    assert isinstance(step, kind)


def test_who_holds_it_and_for_how_long_is_told():
    """So that a waiter knows when to look again."""
    step = decide_acquire(lease(), at(4), resource="r", owner="b", nonce="n2", ttl_seconds=5.0)
    assert step == Held(lease(), 6.0, "a")


def test_an_owner_is_no_better_than_others():
    """Neither its name nor an old nonce opens a lock that is held."""
    step = decide_acquire(lease(), at(1), resource="r", owner="a", nonce="n1", ttl_seconds=5.0)
    assert isinstance(step, Held)


def test_a_grant_is_refused_where_anybody_was_faster():
    """It replaces what was read, or creates what was not there."""
    step = decide_acquire(lease(), at(11), resource="r", owner="b", nonce="n2", ttl_seconds=5.0)
    assert isinstance(step, Grant)
    assert step.write.precondition == UpdatedAt(START)
    first = decide_acquire(None, START, resource="r", owner="b", nonce="n2", ttl_seconds=5.0)
    assert isinstance(first, Grant)
    assert (first.lease.fencing_token, first.write.precondition) == (1, MustNotExist())


def test_every_change_of_a_lease_changes_its_document():
    """A write that changes nothing would not move the document's time, and two of them would both succeed."""
    before = lease_fields(lease())
    for change in (renewed(lease()), released(lease()), broken(lease(), "entry")):
        assert change[1].fields != before
        assert change[1].precondition == UpdatedAt(START)


def test_a_grant_is_known_by_all_that_names_it():
    """Renewed or not; one that was released, broken or followed by another is none."""
    granted = lease(update_time=None)
    assert is_grant(granted, lease(renewals=5))
    for found in (None, lease(holder=None), lease(nonce="n2"), lease(fencing_token=4)):
        assert not is_grant(granted, found)


@pytest.mark.parametrize(
    ("found", "seconds", "reason"),
    [
        (lease(renewals=1), 1, None),
        (lease(), 11, "expired"),
        (lease(fencing_token=4, nonce="n2", holder="b"), 1, "stolen"),
        (lease(fencing_token=4, nonce="n2", holder=None), 1, "stolen"),
        (lease(holder=None, nonce="entry"), 1, "broken"),
        (lease(holder=None), 1, "released"),
        (lease(fencing_token=2), 1, "broken"),
        (None, 1, "broken"),
    ],
)
def test_a_loss_has_a_reason(found, seconds, reason):
    """Told by what stands in the store."""
    assert loss_reason(lease(), found, at(seconds)) == reason


def test_a_release_whose_reply_was_lost_is_no_loss():
    """Whoever has the lock since could only come behind it."""
    later = lease(fencing_token=4, nonce="n2", holder="b")
    assert loss_reason(lease(), later, at(1), maybe_released=True) == "released"
    assert loss_reason(lease(), lease(holder=None, nonce="entry"), at(1), maybe_released=True) == "broken"


def test_what_is_shown_of_a_lease():
    """A former holder is named, but has no time left."""
    shown = info(lease(), at(4))
    assert (shown.held, shown.holder, shown.remaining_seconds) == (True, "a", 6.0)
    shown = info(lease(), at(40))
    assert (shown.held, shown.holder, shown.remaining_seconds) == (False, "a", 0.0)


# Any number of callers, in any order


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
            decision = decide_acquire(
                current, read_time, resource="r", owner=f"c{number}", nonce=f"n{count}", ttl_seconds=TTL
            )
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


# Configuration


@given(st.floats(0.01, 86_400))
def test_the_default_timing_is_safe_for_any_ttl(ttl):
    """Two thirds and a fifteenth of it; a heartbeat that fails is tried again before it gives up."""
    timing = LockConfig(ttl=ttl).timing()
    assert timing.ttl > timing.trusted_seconds > timing.renew_deadline > 1.2 * timing.retry_period
    assert timing.heartbeat_period == pytest.approx(ttl / 3)
    assert timing.heartbeat_period + timing.retry_period < timing.renew_deadline


@given(st.floats(0.01, 100), st.floats(0.001, 100), st.floats(0.001, 100))
def test_a_timing_is_refused_unless_it_is_safe(ttl, renew_deadline, retry_period):
    """Exactly by the rule that is documented."""
    safe = ttl > renew_deadline > 1.2 * retry_period
    try:
        LockConfig(ttl=ttl, renew_deadline=renew_deadline, retry_period=retry_period)
    except ConfigurationError:
        assert not safe
    else:
        assert safe


# What is stored


@given(st.integers(1, 2**62), st.floats(0.01, 86_400), st.integers(0, 2**40), st.none() | st.text(min_size=1))
def test_a_lease_comes_back_as_it_was_stored(token, ttl, renewals, holder):
    """Every field of it."""
    one = lease(fencing_token=token, ttl_seconds=ttl, renewals=renewals, holder=holder)
    assert read_lease(stored(one)) == one


@pytest.mark.parametrize("name", ["resource", "holder", "nonce", "fencing_token", "ttl_seconds", "renewals", "format"])
def test_a_lease_without_a_field_is_refused(name):
    """By the path of its document."""
    document = stored(lease())
    del document.fields[name]
    with pytest.raises(StoreError, match="locks/r is no lease"):
        read_lease(document)


def test_a_newer_lease_is_refused():
    """What a later release wrote may mean something else."""
    document = stored(lease())
    document.fields["format"] = 99
    with pytest.raises(SchemaVersionError):
        read_lease(document)


# Guards


def test_a_guard_carries_every_lease_and_raises_it():
    """So that the commit fails where one of them has changed, and renews them otherwise."""
    leases = (lease(), lease(resource="s", fencing_token=7, update_time=at(1)))
    later, writes = Fence(leases).renewed(), Fence(leases).writes()
    assert [one.renewals for one in later] == [1, 1]
    assert [write.precondition for write in writes] == [UpdatedAt(START), UpdatedAt(at(1))]
    assert Fence(leases).token == 3


@given(st.lists(st.integers(1, 20), max_size=30))
def test_the_tokens_that_write_a_state_never_fall(tokens):
    """Whatever tries, in whatever order; equal ones are the same holder's."""
    fences: Any = {}
    written: list[int] = []
    for token in tokens:
        try:
            fences = Fence((lease(fencing_token=token),)).fences(fences)
            written.append(token)
        except FencedOutError as error:
            assert (error.token, error.current) == (token, max(written))  # noqa: PT017 - the rest is written
    assert written == sorted(written)


def test_a_lease_as_it_stands_in_the_store_is_ours_or_refused():
    """A renewal of our own is taken over; a grant that is not ours is an error with its token."""
    again = lease(renewals=4, update_time=at(3))
    assert check_leases([lease()], {PATH: stored(again)}) == (again,)
    for other, current in (
        (lease(holder=None), 3),
        (lease(nonce="entry", holder=None), 3),
        (lease(nonce="n2", holder="b", fencing_token=4), 4),
    ):
        with pytest.raises(FencedOutError) as caught:
            check_leases([lease()], {PATH: stored(other)})
        assert (caught.value.token, caught.value.current) == (3, current)
    with pytest.raises(FencedOutError):
        check_leases([lease()], {})


# Lines


def reservation(since: float = 0.0, written: float = 0.0, nonce: str = "n") -> Reservation:
    return Reservation(Waiter("w", nonce, at(since)), at(written))


@pytest.mark.parametrize(
    ("since", "seconds", "out"), [(1, 0.5, True), (1, 1.5, False), (0, 0.5, False), (-1, 0.5, False)]
)
def test_whoever_came_later_is_kept_out_while_the_reservation_counts(since, seconds, out):
    """He who came before it, or in the same moment, is not."""
    assert reservation().keeps_out(Waiter("v", "m", at(since)), at(seconds)) is out


def test_nobody_is_kept_out_by_himself():
    """His own reservation is his own."""
    assert not reservation().keeps_out(Waiter("w", "n", at(5)), at(0.1))


@given(st.permutations(range(6)))
def test_the_reservation_goes_to_whoever_waits_longest(order):
    """Whatever the order in which they try."""
    found = None
    for since in order:
        waiter = Waiter("w", f"n{since}", at(since))
        if may_reserve(found, waiter, at(10)):
            found = Reservation(waiter, at(10))
    assert found is not None
    assert found.waiter.since == at(0)


def test_a_reservation_is_renewed_when_half_of_it_is_over():
    """Not at every look: each is a write."""
    mine = reservation()
    assert not may_reserve(mine, mine.waiter, at(RESERVED_SECONDS * 0.4))
    assert may_reserve(mine, mine.waiter, at(RESERVED_SECONDS * 0.6))


def test_a_reservation_comes_back_as_it_was_stored():
    """And differs from the one before, or the store would not move its time."""
    waiter = Waiter("w", "n", at(1))
    first, second = (reserve_write("r", waiter, None, round_=round_) for round_ in (1, 2))
    assert first.fields != second.fields
    assert first.precondition == MustNotExist()
    document = Document(first.path, dict(first.fields), START, START)
    assert read_reservation(document) == Reservation(waiter, START)
    assert reserve_write("r", waiter, document, round_=2).precondition == UpdatedAt(START)


def test_a_grant_takes_away_its_own_reservation_and_what_is_over():
    """Not that of somebody who is next now."""
    path, waiter = reservation_path("r"), Waiter("v", "m", at(5))
    assert clear_write(path, None, waiter, at(0.5)) is None
    assert clear_write(path, reservation(), waiter, at(0.5)) is None
    assert clear_write(path, reservation(), waiter, at(1.5)) is not None
    assert clear_write(path, reservation(nonce="m"), waiter, at(0.5)) is not None


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_no_wait_of_an_owner_is_a_reservation_of_a_resource(owner, resource):
    """They lie in one collection, and never meet."""
    assert wait_path(owner) != reservation_path(resource)


# Waits


def wait(owner: str, resource: str, holder: str, nonce: str = "n", token: int = 1) -> Wait:
    return Wait(owner=owner, nonce=nonce, resource=resource, holder=holder, token=token, ttl_seconds=TTL)


def test_a_wait_counts_for_its_ttl():
    """And comes back as it was written."""
    one = wait("a", "r", "b")
    document = Document(wait_path("a"), dict(wait_write(one).fields), START, START)
    assert live_wait(document, at(10)) == one
    assert live_wait(document, at(10.1)) is None
    assert live_wait(None, START) is None


@pytest.mark.parametrize(
    "change", [{"owner": 1}, {"token": "1"}, {"token": True}, {"ttl_seconds": 1e300}, {"ttl_seconds": None}], ids=str
)
def test_a_foreign_document_is_no_wait(change):
    """A typed error names it."""
    fields = {**wait_write(wait("a", "r", "b")).fields, **change}
    with pytest.raises(StoreError, match="waits/a is no wait"):
        live_wait(Document(wait_path("a"), fields, START, START), START)


def test_a_cycle_is_confirmed_by_leases_that_stand():
    """Each held by the next one, under the token that was waited for, and not run out."""
    cycle = [wait("a", "y", "b"), wait("b", "x", "a")]
    leases = {name: lease(resource=name, holder=holder, fencing_token=1) for name, holder in (("y", "b"), ("x", "a"))}
    assert is_confirmed(cycle, leases, at(1))
    assert not is_confirmed(cycle, leases, at(11))
    assert not is_confirmed(cycle, {"y": leases["y"]}, at(1))
    for change in ({"holder": "c"}, {"holder": None}, {"fencing_token": 2}):
        assert not is_confirmed(cycle, {**leases, "x": replace(leases["x"], **change)}, at(1))


@given(st.lists(st.text(min_size=1), min_size=2, max_size=6, unique=True), st.integers(0, 5))
def test_every_member_of_a_cycle_chooses_the_same_victim(nonces, turn):
    """Wherever it begins to count."""
    cycle = [wait(f"o{n}", "r", "h", nonce) for n, nonce in enumerate(nonces)]
    turn %= len(cycle)
    assert victim(cycle) == victim(cycle[turn:] + cycle[:turn])
