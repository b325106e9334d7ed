"""Replies that are lost, and commits that come late: what is decided is done once, and what is told is so."""

import pytest

from tai_state.distributed import async_settle
from tai_state.errors import PreconditionFailedError
from tai_state.testing.faults import SimulatedCrash
from tests._async.distributed.pair import (
    AT_ONCE,
    CALLS,
    ITEM,
    ORDER,
    Death,
    async_order,
    async_outcome_of,
    transaction,
)
from tests._async.stores import in_memory

COMMITS = [5, 2]
"""How many commits a transaction makes in the store of the orders, which decides, and in that of the stock."""

each_commit = pytest.mark.parametrize(
    ("which", "at"), [(which, at) for which, commits in enumerate(COMMITS) for at in range(commits)]
)


@in_memory
async def test_the_commits_are_counted(pair):
    """All of them: a commit that is added is tried, too."""
    for which, commits in enumerate(COMMITS):
        stores, backend = pair.faulty(which, 99, "fine")
        await transaction(*stores).run(async_order)
        assert len(backend.sent) == commits
        await stores[0].delete_state(*ORDER)


@each_commit
@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
async def test_what_is_lost_at_any_commit_changes_nothing(pair, which, at, fault):
    """The transaction is decided once, and both stores have it once."""
    stores, backend = pair.faulty(which, at, fault)
    assert await transaction(*stores).run(async_order) == 4
    assert not backend.faults
    assert await async_outcome_of(*pair.opened())


@in_memory
@each_commit
async def test_a_commit_that_comes_when_all_is_over_changes_nothing(pair, which, at):
    """Its request was sent again as it is; that of the first one comes behind all that followed, and is refused."""
    stores, backend = pair.faulty(which, at, "late")
    await transaction(*stores).run(async_order)
    late = backend.sent[at]
    with pytest.raises(PreconditionFailedError):
        await backend.inner.commit(late, timeout=5.0)
    others = pair.opened()
    assert await async_settle(others[0]) == await async_settle(others[1], coordinator=others[0]) == 0
    assert await async_outcome_of(*others)


@in_memory
@pytest.mark.parametrize("settles", [False, True], ids=["at once", "behind a settlement"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
async def test_a_commit_of_a_dead_process_may_come_late(pair, at, settles):
    """Both stores agree, whether it arrives before others settle, or behind that; what was settled stays so."""
    death = Death(at)
    with pytest.raises(SimulatedCrash):
        await transaction(*pair.dying(death), lease=AT_ONCE).run(async_order)
    if death.unsent is None:
        return
    others = pair.opened()
    before = None
    if settles:
        await transaction(*others).recover()
        before = await async_outcome_of(*others)
    await death.deliver()
    await transaction(*others).recover()
    assert await async_outcome_of(*others) in ({False, True} if before is None else {before})


@in_memory
async def test_a_prepare_that_comes_behind_the_abort_is_refused(pair):
    """All of its states were absent, and are again: the part that was closed refuses it."""

    async def body(dtx):
        await dtx["orders"].save_state(*ORDER, {})
        await dtx["stock"].save_state("shop", "new", {})

    calls = 0
    while True:
        calls += 1
        death = Death(calls)
        with pytest.raises(SimulatedCrash):
            await transaction(*pair.dying(death), lease=AT_ONCE).run(body)
        if death.unsent is not None and any(write.path.collection == "prepared" for write in death.unsent[1]):
            break
    others = pair.opened()
    await transaction(*others).recover()
    assert not await death.deliver()
    for store, name in zip(others, (ORDER[1], "new"), strict=True):
        assert await store.find_state("shop", name) is None
        assert await store.save_state("shop", name, {}) == 1
    assert (await others[1].get_state(*ITEM))[1] == 1
