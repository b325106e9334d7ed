"""The pure rules of leases: what a caller may do, which timings are safe, and what is stored."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.config import LockConfig
from tai_state.documents import MustNotExist, UpdatedAt
from tai_state.errors import ConfigurationError, SchemaVersionError, StoreError
from tai_state.rules.locking.leases import (
    Grant,
    Held,
    broken,
    decide_acquire,
    info,
    is_grant,
    lease_fields,
    lease_path,
    loss_reason,
    raised,
    read_lease,
    released,
    renewed,
    unknown_outcome,
)
from tai_state.rules.locking.owners import ProcessStamp
from tests.unit.locking.leases import START, at, claim, lease, stored

# What a caller may do


@pytest.mark.parametrize(("seconds", "kind"), [(0, Held), (10, Held), (10.000001, Grant), (1000, Grant)])
def test_a_lease_ends_when_its_ttl_has_passed_by_the_stores_clock(seconds, kind):
    """To the microsecond; at its very end it is still held."""
    step = decide_acquire(lease(), at(seconds), resource="r", claim=claim("b", "n2"))
    assert isinstance(step, kind)


def test_who_holds_it_and_for_how_long_is_told():
    """So that a waiter knows when to look again."""
    step = decide_acquire(lease(), at(4), resource="r", claim=claim("b", "n2"))
    assert step == Held(lease(), 6.0)


def test_the_lease_of_a_process_that_is_dead_is_granted_at_once():
    """Under the next token, as any other."""
    step = decide_acquire(lease(), at(1), resource="r", claim=claim("b", "n2"), is_orphaned=True)
    assert isinstance(step, Grant)
    assert step.lease.fencing_token == lease().fencing_token + 1


def test_an_owner_is_no_better_than_others():
    """Neither its name nor an old nonce opens a lock that is held."""
    step = decide_acquire(lease(), at(1), resource="r", claim=claim("a", "n1"))
    assert isinstance(step, Held)


def test_a_grant_is_refused_where_anybody_was_faster():
    """It replaces what was read, or creates what was not there."""
    step = decide_acquire(lease(), at(11), resource="r", claim=claim("b", "n2"))
    assert isinstance(step, Grant)
    assert step.write.precondition == UpdatedAt(START)
    first = decide_acquire(None, START, resource="r", claim=claim("b", "n2"))
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


@pytest.mark.parametrize(
    ("change", "is_one"),
    [
        ({"fencing_token": 0}, False),
        ({"fencing_token": -1}, False),
        ({"fencing_token": 1}, True),
        ({"ttl_seconds": 0}, False),
        ({"ttl_seconds": -1}, False),
        ({"ttl_seconds": 0.001}, True),
        ({"ttl_seconds": 86_400.0}, True),
        ({"ttl_seconds": 86_400.001}, False),
    ],
    ids=str,
)
def test_a_lease_has_a_token_and_a_ttl_that_can_be(change, is_one):
    """Believing another could hold a lock for ever, or let two have it."""
    document = stored(lease())
    document.fields.update(change)
    if is_one:
        assert {name: getattr(read_lease(document), name) for name in change} == change
    else:
        with pytest.raises(StoreError, match="locks/r is no lease: its token is"):
            read_lease(document)


def test_each_change_of_a_lease_counts_one():
    """Whatever the count was: two writes of equal counts would be one to the store."""
    for before in (0, 1, 2, 3):
        one = lease(renewals=before)
        counts = [change(one)[0].renewals for change in (renewed, released, lambda it: broken(it, "entry"))]
        assert counts == [before + 1] * 3


def test_a_released_lock_is_nobody_s():
    """No process, no owner and no holder; its nonce stays, which a lock that is broken loses."""
    one = lease(owner_id="a/1", process=ProcessStamp(boot_id="b", pid_namespace="p", pid=1, started=1))
    free = released(one)[0]
    assert (free.holder, free.owner_id, free.process, free.nonce) == (None, None, None, "n1")
    assert broken(one, "entry")[0].nonce == "entry"


def test_a_renewal_keeps_the_ttl_or_takes_another():
    """As it is asked."""
    assert renewed(lease())[0].ttl_seconds == 10.0
    assert renewed(lease(), 3.0)[0].ttl_seconds == 3.0


def test_the_next_grant_has_the_next_token():
    """And nothing of the last one."""
    for token in (1, 2, 3):
        step = decide_acquire(lease(fencing_token=token, renewals=5), at(11), resource="r", claim=claim("b", "n2"))
        assert isinstance(step, Grant)
        assert (step.lease.fencing_token, step.lease.renewals) == (token + 1, 0)


@pytest.mark.parametrize("resource", ["a", "q", "s", "z"])
def test_a_lease_that_was_copied_elsewhere_is_none(resource):
    """Wherever that is."""
    with pytest.raises(StoreError, match="it names the resource 'r'"):
        read_lease(replace(stored(lease()), path=lease_path(resource)))


def test_a_holder_is_told_from_others_by_his_id():
    """By his name where a build before there were ids wrote it; nobody by nothing. It is stored where there is one."""
    assert lease(owner_id="a/1").holder_id == "a/1"
    assert lease().holder_id == "a"
    assert lease(holder=None).holder_id == ""
    assert "owner_id" not in lease_fields(lease())
    assert lease_fields(lease(owner_id="a/1"))["owner_id"] == "a/1"


def test_the_last_moments_of_a_lease_are_shown_as_they_are():
    """Half a second is half a second; at its end it is held for none."""
    for seconds, left in ((9.5, 0.5), (10, 0.0)):
        shown = info(lease(), at(seconds))
        assert (shown.held, shown.remaining_seconds) == (True, left)


def test_what_is_unknown_of_a_lease_may_be_asked_again():
    """Under its token a second time does nothing more."""
    error = unknown_outcome(lease(), "renewed")
    assert (error.version, error.retryable) == (3, True)
    assert "whether lock 'r' was renewed under token 3 is unknown" in str(error)


@pytest.mark.parametrize(
    ("found", "is_raised"), [(None, True), (1, True), (1_048_578, True), (1_048_579, False), (2_000_000, False)]
)
def test_a_counter_that_was_copied_goes_past_all_that_were_given_out(found, is_raised):
    """By 2 to the power of 20, once; whoever holds the lock holds it no more."""
    there = None if found is None else lease(fencing_token=found)
    write = raised(lease(owner_id="a/1", renewals=5), there)
    assert (write is not None) is is_raised
    if write is not None:
        assert (write.fields["fencing_token"], write.fields["holder"], write.fields["renewals"]) == (1_048_579, None, 0)
        assert write.precondition == (MustNotExist() if there is None else UpdatedAt(START))
