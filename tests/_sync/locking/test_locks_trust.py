# Generated from tests/_async/locking/test_locks_trust.py by .ci/generate_sync.py; do not edit.
"""How long a holder trusts his lease, to the moment: by renewals that succeed, fail, come late, or change its ttl."""
import pytest

from tai_state._sync.locking.trust_window import TrustWindow
from tai_state.config import LeaseTiming
from tai_state.errors import LockLostError
from tai_state.testing.clock import ManualClock
from tests.unit.copies import copied

TIMING = LeaseTiming(ttl=20.0, renew_deadline=12.0, retry_period=4.0)
"""Trusted for 19 seconds, tried for 12."""
SHORT = LeaseTiming(ttl=10.0, renew_deadline=6.0, retry_period=2.0)
"""Trusted for 9.5 seconds."""


@pytest.fixture
def clock():
    """One that has run for a while."""
    return ManualClock(monotonic=100.0)


@pytest.fixture
def trust(clock):
    """The trust in a lease that was sent for now."""
    return TrustWindow("r", 7, clock, TIMING, 100.0)


@pytest.mark.parametrize(("seconds", "left"), [(0, 19.0), (18.9, 0.1), (19, 0.0), (30, 0.0)])
def test_trust_ends_before_the_lease_does(trust, clock, seconds, left):
    """By a twentieth of the ttl; at its end there is none."""
    clock.advance(seconds)
    assert trust.remaining() == pytest.approx(left)
    assert trust.lease_seconds() == pytest.approx(left)
    assert trust.reason() == (None if left else "expired")
    assert trust.is_lost is (left == 0)


@pytest.mark.parametrize(("seconds", "left"), [(0, 12.0), (11, 1.0), (12, 0.0), (13, -1.0)])
def test_a_renewal_is_tried_until_its_deadline(trust, clock, seconds, left):
    """Counted from the last one that succeeded, and no longer than the trust."""
    clock.advance(seconds)
    assert trust.renewal_seconds() == left
    trust.limit(100.0, SHORT)
    assert trust.renewal_seconds() == min(left, 9.5 - seconds)


@pytest.mark.parametrize(("sent", "left"), [(5, 14.0), (0, 9.0), (-1, 9.0)])
def test_a_renewal_counts_from_the_moment_at_which_it_was_sent(trust, clock, sent, left):
    """One that was sent before the last that succeeded brings nothing."""
    clock.advance(10)
    trust.renewed(100.0 + sent, TIMING)
    assert trust.remaining() == left
    assert trust.renewed_at == 100.0 + max(sent, 0)


@pytest.mark.parametrize(("seconds", "left"), [(18.9, 19.0), (19, 0.0), (19.1, 0.0)])
def test_a_renewal_that_comes_back_behind_the_end_brings_nothing_back(trust, clock, seconds, left):
    """Whoever was told that the lock is lost relies on that."""
    clock.advance(seconds)
    trust.renewed(100.0 + seconds, TIMING)
    assert trust.remaining() == pytest.approx(left)


def test_a_renewal_may_change_the_ttl(trust, clock):
    """From then on the lease is of the new one."""
    clock.advance(4)
    trust.renewed(103.0, SHORT)
    assert (trust.timing, trust.remaining()) == (SHORT, 8.5)


@pytest.mark.parametrize(("timing", "left"), [(SHORT, 7.5), (TIMING, 15.0)])
def test_a_renewal_that_is_sent_limits_the_trust_to_what_it_may_leave(trust, clock, timing, left):
    """It never makes it longer: the reply may be lost."""
    clock.advance(4)
    trust.limit(102.0, timing)
    assert trust.remaining() == left
    assert trust.timing is TIMING


def test_a_lease_that_is_found_with_another_ttl_is_trusted_for_less(trust, clock):
    """From the last renewal that is known; never for more."""
    clock.advance(4)
    trust.retimed(SHORT)
    assert (trust.timing, trust.remaining()) == (SHORT, 5.5)
    trust.retimed(TIMING)
    assert (trust.timing, trust.remaining()) == (TIMING, 5.5)


def test_why_it_runs_out_is_told(trust, clock):
    """The network, where the last renewal failed."""
    trust.is_failing = True
    assert trust.running_out() == "unreachable"
    trust.renewed(100.0, TIMING)
    assert trust.running_out() == "expired"
    clock.advance(19)
    trust.is_failing = True
    assert trust.reason() == "unreachable"
    assert not trust.has_ended
    assert trust.notice() == "unreachable"
    assert trust.has_ended
    trust.is_failing = False
    with pytest.raises(LockLostError, match="unreachable"):
        trust.check()


def test_a_loss_is_told_once(trust):
    """The first reason stands; who asks behind it is told at once."""
    told: list[str] = []
    trust.on_lost(told.append)
    assert trust.notice() is None
    assert trust.end("stolen") is True
    assert trust.end("broken") is False
    trust.on_lost(told.append)
    assert told == ["stolen", "stolen"]
    assert (trust.reason(), trust.remaining(), trust.is_lost, trust.is_released) == ("stolen", 0.0, True, False)
    assert trust.lease_seconds() == 19.0


def test_a_release_is_no_loss(trust):
    """Nobody is told, before it is confirmed or behind; one that nobody asked for is one."""
    told: list[str] = []
    trust.on_lost(told.append)
    trust.suspend()
    assert (trust.reason(), trust.remaining(), trust.is_lost, trust.is_released) == ("released", 0.0, False, False)
    assert trust.notice() == "released"
    assert trust.end(copied("released")) is True
    trust.on_lost(told.append)
    assert (trust.reason(), trust.is_lost, trust.is_released, told) == ("released", False, True, [])


def test_a_release_by_somebody_else_is_a_loss(trust):
    """It was not asked for."""
    told: list[str] = []
    trust.on_lost(told.append)
    trust.end("released")
    assert (trust.is_lost, trust.is_released, told) == (True, False, ["released"])


def test_a_lease_that_is_lost_amid_its_release_is_lost(trust):
    """And told."""
    told: list[str] = []
    trust.on_lost(told.append)
    trust.suspend()
    trust.end("stolen")
    assert (trust.reason(), trust.is_lost, trust.is_released, told) == ("stolen", True, False, ["stolen"])


def test_a_callback_that_fails_keeps_no_other_from_being_told(trust, caplog):
    """It is logged."""
    told: list[str] = []

    def fail(reason):
        raise ValueError(reason)

    trust.on_lost(fail)
    trust.on_lost(told.append)
    trust.end("broken")
    assert told == ["broken"]
    assert "an on_lost callback of lock 'r' with token 7 failed" in caplog.text


def test_in_a_fork_s_child_it_is_lost(trust):
    """From the beginning, and nothing there is noticed."""
    trust._pid -= 1
    assert (trust.is_foreign, trust.reason(), trust.notice(), trust.remaining()) == (True, "forked", "forked", 0.0)
    assert trust._ended is None
    told: list[str] = []
    trust.on_lost(told.append)
    assert (told, trust.is_lost) == (["forked"], True)
    trust._ended = "stolen"
    assert trust.reason() == "stolen"
