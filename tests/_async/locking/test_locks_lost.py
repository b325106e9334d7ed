"""A lock that is lost, or let go in doubt: who is told, and what of the last seconds of its lease."""

from dataclasses import replace

import pytest

from tai_state import AsyncBackendStore, AsyncLockManager, DeadlineExceededError, LockLostError, OutcomeUnknownError
from tai_state._async.locking.lock import async_handle_of
from tai_state._platform.callers import async_caller
from tai_state.clock import Deadline
from tai_state.errors import CommitAmbiguousError, StoreUnavailableError
from tai_state.testing.clock import ManualClock
from tests._async.deaths import forget_every_lock
from tests._async.stores import NO_WAIT, AsyncWrappedBackend, in_memory


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


class AsyncSilentBackend(AsyncWrappedBackend):
    """Once silent it answers nothing, and a tenth of a second passes with each request."""

    def __init__(self, inner, clock):
        super().__init__(inner)
        self.clock = clock
        self.is_silent = False

    async def commit(self, writes, *, timeout):
        if self.is_silent:
            self.clock.advance(0.1)
            raise CommitAmbiguousError("no reply")
        return await super().commit(writes, timeout=timeout)

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_silent:
            self.clock.advance(0.1)
            raise StoreUnavailableError("no reply")
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@in_memory
async def test_a_loss_is_told_to_its_manager_once(place):
    """Which holds the lock no more."""
    store = place.store()
    handle = async_handle_of(await AsyncLockManager(store).acquire("r", owner="a", heartbeat=False))
    told = []
    handle.grantor = replace(handle.grantor, when_ended=lambda lock: told.append(lock.resource))
    handle.lose("broken")
    handle.lose("expired")
    assert told == ["r"]
    with pytest.raises(LockLostError, match="broken"):
        handle.check_held()


@in_memory
async def test_a_lock_that_is_lost_is_not_kept_in_mind(place):
    """Nor is one that was released."""
    store = place.store()
    first, second = [await AsyncLockManager(store).acquire(name, owner="a", heartbeat=False) for name in "rs"]
    async_handle_of(first).lose("broken")
    assert [lock.resource for lock in store.runtime.locks._locks] == ["s"]
    await second.release()
    assert list(store.runtime.locks._locks) == []


@in_memory
@pytest.mark.parametrize(
    ("left", "timeout", "error"),
    [(0.95, 0.35, OutcomeUnknownError), (0.95, 30.0, LockLostError), (20.0, 0.35, OutcomeUnknownError)],
)
async def test_a_release_in_doubt_is_unknown_while_the_lease_may_stand(place, left, timeout, error):
    """Behind its end it is lost: free, or so before anybody could release it."""
    clock = ManualClock(monotonic=100.0)
    backend = AsyncSilentBackend(place.store().runtime.access.backend, clock)
    lock = await AsyncLockManager(AsyncBackendStore(backend, clock=clock, retry=NO_WAIT)).acquire(
        "r", owner="a", ttl=60.0, heartbeat=False
    )
    clock.advance(async_handle_of(lock).remaining() - left)
    backend.is_silent = True
    with pytest.raises(error):
        await lock.release(timeout=timeout)
    assert lock.lost is (error is LockLostError)


@in_memory
async def test_a_turn_is_taken_beneath_by_the_caller_whose_turn_it_is(place):
    """The handler of a signal that interrupts it; any other stands in line."""
    store = place.store()
    handle = async_handle_of(await AsyncLockManager(store).acquire("r", owner="a", heartbeat=False))
    clock = store.runtime.access.clock
    ours = async_caller()
    async with handle.turn(Deadline(clock, 5.0)):
        async with handle._first_in_line(Deadline(clock, 0.0), int(str(ours))):
            pass
        for other in (ours - 1, ours + 1, None):
            with pytest.raises(DeadlineExceededError, match="lock 'r' was busy for 0 seconds"):
                async with handle._first_in_line(Deadline(clock, 0.0), other):
                    pass
    async with handle._first_in_line(Deadline(clock, 5.0), ours):
        assert handle._turn_of == ours


@in_memory
async def test_of_a_set_one_lock_that_is_lost_is_told(place):
    """Whichever: by a check, by a renewal, and by what the set says of itself."""
    locks = AsyncLockManager(place.store())
    for lost in range(3):
        many = await locks.acquire_many([f"{lost}{name}" for name in "abc"], owner="a", heartbeat=False)
        await many.check()
        assert (many.held, many.lost) == (True, False)
        async_handle_of(many.locks[lost]).lose("broken")
        assert (many.held, many.lost) == (False, True)
        for use in (many.check, many.renew, many.release):
            with pytest.raises(LockLostError, match=f"'{lost}{'abc'[lost]}'"):
                await use()
        assert [one.held for one in many.locks] == [False] * 3


@in_memory
async def test_a_set_that_is_left_tells_of_a_lock_that_was_lost(place):
    """The first one, once all were released; the body's own error goes first, with a note of it."""
    locks = AsyncLockManager(place.store())
    many = await locks.acquire_many(["a", "b", "c"], owner="a", heartbeat=False)
    with pytest.raises(LockLostError, match="'b'"):
        async with many:
            async_handle_of(many.locks[1]).lose("broken")
    assert [one.held for one in many.locks] == [False] * 3
    many = await locks.acquire_many(["d", "e"], owner="a", heartbeat=False)
    mine = ValueError("mine")
    with pytest.raises(ValueError, match="mine"):
        await async_body_of(many, mine)
    assert mine.__notes__ == ["and on leaving: lock 'd' is no longer held: broken"]
    assert [one.held for one in many.locks] == [False] * 2


async def async_body_of(many, error):
    """Lose the first lock of a set inside its body, which fails."""
    async with many:
        async_handle_of(many.locks[0]).lose("broken")
        raise error
