"""The locks that a store granted, by themselves: which count, and what a drain does with them."""

from types import SimpleNamespace
from typing import Any

import pytest

from tai_state._async.locking.registry import AsyncLockRegistry, async_drain
from tai_state.errors import LockLostError
from tai_state.rules.locking.owners import Owner


class AsyncHeld:
    """A lock that may be trusted for so many seconds; its release may fail."""

    def __init__(self, name, seconds=10.0, *, holder="a/1", grantor=None, fails=False):
        self.resource = name
        self.lease = SimpleNamespace(holder_id=holder, nonce=f"grant {name}", resource=name)
        self.grantor = grantor
        self.seconds = seconds
        self.fails = fails
        self.released = []
        self.forgotten = False

    def remaining(self):
        return self.seconds

    async def release_beneath(self, interrupted, timeout):
        self.released.append(timeout)
        if self.fails:
            raise LockLostError(self.resource, "expired")

    def forget(self):
        self.forgotten = True


class AsyncInFlightCalls:
    """Calls under way; notes how long a drain waits for them."""

    def __init__(self, *, ends=True):
        self.ends = ends
        self.waits = []

    async def drain(self, timeout):
        self.waits.append(timeout)
        return self.ends


def registry_of(*locks: Any) -> Any:
    registry: Any = AsyncLockRegistry()
    registry.add(locks)
    return registry


def test_a_lock_is_held_until_its_trust_is_over():
    """To its last moment; behind it, it is forgotten with the next one that is granted."""
    one, over = AsyncHeld("one", 0.001), AsyncHeld("over", 0.0)
    registry = registry_of(one, over)
    assert registry.held() == [one]
    other = AsyncHeld("other")
    registry.add([other])
    assert list(registry._locks) == [one, other]
    registry.discard(one)
    registry.discard(over)
    assert registry.held() == [other]


def test_an_owner_and_his_grant_are_known_by_all_that_tells_them():
    """In whichever store of this process; a namesake is another, and so is an earlier grant."""
    lock = AsyncHeld("r")
    registry, other = registry_of(lock), registry_of()
    ours = Owner("a", "a/1")
    assert other.held_by(ours)
    assert not registry.held_by(Owner("a", "a/2"))
    assert other.holds(SimpleNamespace(resource="r", nonce="grant r"), ours)
    assert not registry.holds(SimpleNamespace(resource="r", nonce="grant r"), Owner("a", "a/2"))
    assert not registry.holds(SimpleNamespace(resource="s", nonce="grant r"), ours)
    assert not registry.holds(SimpleNamespace(resource="r", nonce="grant before"), ours)
    lock.seconds = 0.0
    assert not other.held_by(ours)


async def test_what_is_held_is_released_once_and_renewed_no_more():
    """Also where it cannot be released, which is told."""
    one, fails = AsyncHeld("one"), AsyncHeld("fails", fails=True)
    assert await registry_of(one).release_all(5.0) is True
    assert await registry_of(one, fails).release_all(5.0) is False
    assert (len(one.released), len(fails.released)) == (2, 1)
    assert one.forgotten
    assert fails.forgotten
    assert all(0 < seconds <= 5.0 for seconds in [*one.released, *fails.released])


async def test_only_what_a_manager_granted_is_released_for_it():
    """The locks of others go on."""
    ours, theirs = AsyncHeld("ours", grantor="we"), AsyncHeld("theirs", grantor="they")
    assert await registry_of(ours, theirs).release_all(5.0, "we") is True
    assert (len(ours.released), len(theirs.released), theirs.forgotten) == (1, 0, False)


@pytest.mark.parametrize(
    ("timeout", "seconds", "for_calls"), [(4.0, 10.0, 3.0), (8.0, 10.0, 6.0), (60.0, 10.0, 58.0), (8.0, 0.0, 8.0)]
)
async def test_a_drain_keeps_a_part_of_its_time_for_locks(timeout, seconds, for_calls):
    """A quarter, two seconds at most; all of it is for the calls under way where none is held."""
    calls: Any = AsyncInFlightCalls()
    await async_drain(calls, registry_of(AsyncHeld("one", seconds)), timeout)
    assert calls.waits == [for_calls]


@pytest.mark.parametrize(("ends", "fails"), [(True, False), (True, True), (False, False), (False, True)])
async def test_a_drain_is_done_when_calls_and_locks_have_ended(ends, fails):
    """Both; the locks are released whatever became of the calls."""
    lock = AsyncHeld("one", fails=fails)
    calls: Any = AsyncInFlightCalls(ends=ends)
    assert await async_drain(calls, registry_of(lock), 8.0) is (ends and not fails)
    assert len(lock.released) == 1


def test_a_closed_store_trusts_no_lock():
    """Nothing is sent."""
    one, over = AsyncHeld("one"), AsyncHeld("over", 0.0)
    registry_of(one, over).forget_all()
    assert (one.forgotten, over.forgotten) == (True, False)
    assert one.released == []
