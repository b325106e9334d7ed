"""Who is next: reservations keep out whoever came later."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.documents import Document, MustNotExist, UpdatedAt
from tai_state.rules.locking.deadlocks import wait_path
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
from tests.unit.copies import copied
from tests.unit.locking.leases import START, at


def reservation(since: float = 0.0, written: float = 0.0, nonce: str = "n") -> Reservation:
    return Reservation(Waiter("w", nonce, at(since)), at(written))


@pytest.mark.parametrize(("since", "seconds", "out"), [(1, 0.5, True), (1, 1.5, False), (-1, 0.5, False)])
def test_whoever_came_later_is_kept_out_while_the_reservation_counts(since, seconds, out):
    """He who came before it is not."""
    assert reservation().keeps_out(Waiter("v", "m", at(since)), at(seconds), holds_locks=False) is out


def test_of_two_who_came_in_one_moment_one_is_kept_out():
    """One order for all: else each would reserve over the other."""
    first, second = Waiter("w", "m", at(0)), Waiter("v", "n", at(0))
    out = [
        Reservation(a, at(0)).keeps_out(b, at(0.5), holds_locks=False) for a, b in ((first, second), (second, first))
    ]
    assert out == [True, False]


@pytest.mark.parametrize("several", [True, False])
def test_who_holds_locks_is_not_kept_out_by_one_who_waits_for_several(several):
    """Who may be waiting for him."""
    found = Reservation(Waiter("w", "n", at(0), wants_several=several), at(0))
    assert found.keeps_out(Waiter("v", "m", at(1)), at(0.5), holds_locks=True) is not several
    document = Document(
        reservation_path("r"), dict(reserve_write("r", found.waiter, None, round_=1, now=START).fields), START, at(0)
    )
    assert read_reservation(document) == found


def test_nobody_is_kept_out_by_himself():
    """His own reservation is his own."""
    assert not reservation().keeps_out(Waiter("w", "n", at(5)), at(0.1), holds_locks=False)


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
    first, second = (reserve_write("r", waiter, None, round_=round_, now=START) for round_ in (1, 2))
    assert first.fields != second.fields
    assert first.precondition == MustNotExist()
    document = Document(first.path, dict(first.fields), START, START)
    assert read_reservation(document) == Reservation(waiter, START)
    assert reserve_write("r", waiter, document, round_=2, now=START).precondition == UpdatedAt(START)


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


def test_a_waiter_is_known_by_his_nonce_wherever_it_was_read():
    """Neither a lower nor a higher one is his, and his own does not keep him out."""
    mine = Reservation(Waiter("w", "nonce-5", at(0)), at(0))
    assert mine.waiter.nonce is not copied("nonce-5")
    path = reservation_path("r")
    for nonce, is_own in (("nonce-4", False), (copied("nonce-5"), True), ("nonce-6", False)):
        later = Waiter("w", nonce, at(5))
        assert mine.is_before(later, at(0.1)) is not is_own
        assert may_reserve(mine, later, at(0.6)) is is_own
        assert not may_reserve(mine, later, at(0.4))
        assert (clear_write(path, mine, later, at(0.5)) is not None) is is_own


def test_a_waiter_did_not_come_before_himself():
    """Nor before another in no time."""
    waiter = Waiter("w", "n", at(0))
    assert not waiter.came_before(waiter)


@pytest.mark.parametrize(("seconds", "left"), [(0, 1.0), (0.25, 0.75), (1, 0.0), (7, 0.0)])
def test_a_reservation_counts_for_a_second(seconds, left):
    """At its end it counts no more, and never less than nothing."""
    found, other = reservation(), Waiter("v", "m", at(5))
    assert found.remaining(at(seconds)) == left
    assert found.is_before(other, at(seconds)) is (left > 0)
    assert (clear_write(reservation_path("r"), found, other, at(seconds)) is None) is (left > 0)


def test_at_half_time_a_reservation_is_not_renewed_yet():
    """But a microsecond later."""
    mine = reservation()
    assert not may_reserve(mine, mine.waiter, at(0.5))
    assert may_reserve(mine, mine.waiter, at(0.500001))


@pytest.mark.parametrize(
    "change",
    [
        {"owner": 1},
        {"nonce": None},
        {"since": "yesterday"},
        {"since": None},
        {"since": START.replace(tzinfo=None)},
    ],
    ids=str,
)
def test_a_damaged_reservation_counts_as_none(change):
    """Whichever field it is: it grants nothing, and the next waiter writes over it."""
    fields = {**reserve_write("r", Waiter("w", "n", at(1)), None, round_=1, now=START).fields, **change}
    assert read_reservation(Document(reservation_path("r"), fields, START, START)) is None


@pytest.mark.parametrize("stored", [1, "yes", None, False])
def test_a_waiter_wants_several_where_it_says_true(stored):
    """Nothing else says so; a waiter wants one lock where nothing is said."""
    assert not Waiter("w", "n", at(1)).wants_several
    fields = {**reserve_write("r", Waiter("w", "n", at(1)), None, round_=1, now=START).fields, "wants_several": stored}
    found = read_reservation(Document(reservation_path("r"), fields, START, START))
    assert found is not None
    assert found.waiter.wants_several is False


def test_what_is_written_of_a_reservation():
    """What older and newer releases read, and until when the engine is to keep it."""
    write = reserve_write("r", Waiter("w", "n", at(1)), None, round_=3, now=at(2))
    assert write.fields == {
        "format": 1,
        "resource": "r",
        "owner": "w",
        "nonce": "n",
        "since": at(1),
        "round": 3,
        "ttl_seconds": 1.0,
        "tai_expires_at": at(3),
    }
