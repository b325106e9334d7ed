"""The pitfalls of atomic persistence that docs/pitfalls.md lists, as far as they are of what is read and written.

Those of time, of locks and of trying again: test_pitfalls_time.py.
"""

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    RetriesExhaustedError,
    RetryPolicy,
    StaleReadError,
    VersionConflictError,
)
from tests._async.accounts import (
    BANK,
    AsyncMeddledBackend,
    async_amount,
    async_amounts,
    async_open_accounts,
    async_put,
    async_transfer,
    manager_of,
    over,
)
from tests._async.machines import COUNTER
from tests._async.stores import async_contents

ONCE = RetryPolicy(attempts=1)


class Undone(Exception):  # noqa: N818 - a body's own reason to give up
    pass


async def async_bank(place):
    """Return two stores of a place in which accounts of 100 are open, as two processes have them."""
    store, other = place.store(), place.store()
    await async_open_accounts(other, a=100, b=100, c=100)
    return store, other


async def test_a_forgotten_rollback_leaves_nothing(place):
    """Nobody has to undo anything: a body that fails has written nothing, and keeps nobody waiting."""
    store, other = await async_bank(place)
    before = await async_contents(other, BANK)

    async def fails(tx):
        await async_put(tx, "a", 0)
        await async_put(tx, "d", 1)
        raise Undone

    with pytest.raises(Undone):
        await manager_of(store).run(fails)
    with pytest.raises(Undone):
        async with manager_of(store).begin() as tx:
            await fails(tx)
    assert await async_contents(other, BANK) == before
    await other.save_state(BANK, "a", {"n": 99}, timeout=10)
    assert await async_amounts(store, "a", "b") == [99, 100]


async def test_no_update_is_partial(place):
    """Where the last of several writes is refused none is there, and no event of one."""
    _, other = await async_bank(place)
    store, backend = over(place, AsyncMeddledBackend)

    async def takes(tx):
        for name in ("a", "b", "c"):
            await async_put(tx, name, await async_amount(tx, name) - 1)

    backend.before_commits.append(lambda: other.save_state(BANK, "c", {"n": 7}))
    with pytest.raises(RetriesExhaustedError):
        await manager_of(store, ONCE).run(takes)
    assert await async_amounts(other, "a", "b", "c") == [100, 100, 7]
    events = [[event.version async for event in other.get_events(BANK, name)] for name in ("a", "b", "c")]
    assert events == [[1], [1], [1, 2]]


async def test_no_update_is_lost(place):
    """Two processes that both remember the state add to it, and who overwrites what he read long ago is refused."""
    store, other = place.store(), place.store()
    one, two = (AsyncStateMachinePersister(each, COUNTER) for each in (store, other))
    await one.start("g", "s", {"n": 0})
    for _ in range(3):
        await two.transition("g", "s", "add", 1)
        await one.transition("g", "s", "add", 1)
    snapshot, version = await other.get_state("g", "s")
    assert (snapshot.data["n"], version) == (6, 7)
    await async_open_accounts(store, a=100)
    await store.update_state(BANK, "a", {"n": 50}, 1)
    with pytest.raises(VersionConflictError):
        await other.update_state(BANK, "a", {"n": 101}, 1)
    assert await async_amounts(other, "a") == [50]


async def test_no_read_is_dirty(place):
    """What is not committed nobody sees, whichever way he reads."""
    store, other = await async_bank(place)
    seen = []

    async def writes(tx):
        await async_put(tx, "a", 0)
        seen.extend(await async_amounts(other, "a"))
        seen.append((await other.get_state(BANK, "a"))[0].data["n"])
        seen.append(await manager_of(other).run(lambda another: async_amount(another, "a"), read_only=True))
        seen.append((await AsyncStateMachinePersister(other).load_state(BANK, "a")).snapshot.data["n"])
        seen.append(len([event async for event in other.get_events(BANK, "a")]))
        raise Undone

    with pytest.raises(Undone):
        await manager_of(store).run(writes)
    assert seen == [100, 100, 100, 100, 1]


@pytest.mark.parametrize("read_only", [False, True])
async def test_every_read_is_repeatable(place, read_only):
    """All that an attempt reads is of one moment, whoever moves money meanwhile."""
    store, other = await async_bank(place)
    views, moves = [], ["once"]

    async def adds_up(tx):
        before = await async_amount(tx, "a")
        while moves:
            moves.pop()
            await manager_of(other).run(lambda another: async_transfer(another, "a", "b", 30))
        views.append((before, await async_amount(tx, "b"), await async_amount(tx, "a")))
        return views[-1]

    last = await manager_of(store).run(adds_up, read_only=read_only)
    assert {(a + b, again - a) for a, b, again in views} == {(200, 0)}
    assert last in {(100, 100, 100), (70, 130, 70)}


async def test_no_write_is_skewed(place):
    """Two doctors on call who each leave only if the other one stays do not both leave."""
    store, other = place.store(), place.store()
    await async_open_accounts(other, a=1, b=1)
    rivals = ["b"]

    async def leaves(tx, name):
        on_call = await async_amount(tx, "a") + await async_amount(tx, "b")
        while name == "a" and rivals:
            rivals.pop()
            await manager_of(other).run(lambda another: leaves(another, "b"))
        if on_call == 2:
            await async_put(tx, name, 0)
        return on_call

    assert await manager_of(store).run(lambda tx: leaves(tx, "a")) == 1
    assert await async_amounts(other, "a", "b") == [1, 0]


async def test_a_long_transaction_keeps_nobody_waiting(place):
    """While its body runs others read and write what it has read and written; then it begins anew."""
    store, other = await async_bank(place)
    seen: list[int] = []

    async def takes_long(tx):
        found = await async_amount(tx, "a")
        await async_put(tx, "a", found + 1)
        while len(seen) < 20:
            await other.save_state(BANK, "a", {"n": len(seen)}, timeout=10)
            await manager_of(other).run(lambda another: async_transfer(another, "b", "c", 1), timeout=10)
            seen.extend(await async_amounts(other, "a"))
        return found

    assert await manager_of(store).run(takes_long) == 19
    assert seen == list(range(20))
    assert await async_amounts(other, "a", "b", "c") == [20, 80, 120]


async def test_a_long_unit_of_work_is_refused_rather_than_waited_for(place):
    """What it rests on has changed by its end, and nothing of it is written."""
    store, other = await async_bank(place)

    async def block():
        async with manager_of(store).begin() as tx:
            await async_put(tx, "b", await async_amount(tx, "a"))
            await other.save_state(BANK, "a", {"n": 1}, timeout=10)

    with pytest.raises(StaleReadError):
        await block()
    assert await async_amounts(other, "a", "b") == [1, 100]
