"""Names that begin with ``tai_state:`` are the package's own: no user's lock, and no owner, has one."""

import pytest

from tai_state import AsyncLockManager, AsyncTransactionManager, InvalidIdError, LockInfo, lock_owner
from tests._async.stores import in_memory

RESERVED = ["tai_state:", "tai_state:queue:1", "tai_state:serialize:hot"]


async def async_held_in(hold):
    async with hold:
        raise AssertionError


CALLS = {
    "acquire": lambda locks, name: locks.acquire(name),
    "try_acquire": lambda locks, name: locks.try_acquire(name),
    "acquire_many": lambda locks, name: locks.acquire_many(["free", name]),
    "hold": lambda locks, name: async_held_in(locks.hold(name)),
    "owner": lambda locks, name: locks.acquire("free", owner=name),
    "owner of one try": lambda locks, name: locks.try_acquire("free", owner=name),
    "owner of many": lambda locks, name: locks.acquire_many(["free"], owner=name),
}


@in_memory
@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_reserved_name_is_refused(place, call, name):
    """By an error that names the prefix, and before anything is asked."""
    store, backend = place.counting()
    with pytest.raises(InvalidIdError, match="'tai_state:', which is reserved") as caught:
        await call(AsyncLockManager(store), name)
    assert caught.value.value == name
    assert backend.calls == []


@pytest.mark.parametrize("name", RESERVED)
def test_a_block_owns_under_no_reserved_name(name):
    """On entering it."""
    with pytest.raises(InvalidIdError, match="owner 'tai_state:"), lock_owner(name):
        pass


@pytest.mark.parametrize("name", ["tai_state", "tai_state/a", "my tai_state:", "TAI_STATE:a"])
async def test_a_name_that_is_only_like_it_is_free(store, name):
    """The prefix is the whole of it."""
    lock = await AsyncLockManager(store).acquire(name, owner=name)
    await lock.release()


async def test_a_user_may_look_at_a_reserved_lock_and_break_it(store):
    """What hangs can be found, and freed by hand; and the package takes it all the same."""
    locks = AsyncLockManager(store)
    seen: list[LockInfo | None] = []

    async def body(tx):
        seen.append(await locks.inspect("tai_state:serialize:hot"))
        assert seen[-1] is not None
        await locks.break_lock("tai_state:serialize:hot", seen[-1].fencing_token, "test")
        await tx.save_state("g", "s", {})

    await AsyncTransactionManager(store).run(body, serialize="hot")
    assert seen[0] is not None
    assert seen[0].held
    assert [one.resource async for one in locks.list()] == ["tai_state:serialize:hot"]
