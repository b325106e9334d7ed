"""A store that a host with a wrong clock has lifted into the future comes back with a restore that sets its clock."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state import (
    AsyncSqliteStore,
    AsyncStateMachinePersister,
    Machine,
    SystemClock,
    Transition,
    async_examine,
    async_verify,
)
from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state.documents import DocumentPath, Put
from tai_state.due import Timeout
from tai_state.testing import ManualClock
from tests._async.feeds.watched import ONE_BY_ONE, AsyncSeen
from tests._async.stores import TIMEOUT

AHEAD = datetime(2099, 1, 1, tzinfo=UTC)
BOOT = Machine(
    "boot",
    "booting",
    [Transition("run", "booting", "on"), Transition("fail", "booting", "dead")],
    timeouts={"booting": Timeout(timedelta(seconds=30), "fail")},
)


@pytest.fixture
async def lifted(tmp_path):
    """The path of a store whose clock stands in 2099, and what a subscription was told there: all but the last two."""
    path, seen = tmp_path / "store.db", AsyncSeen()
    async with AsyncSqliteStore(path, actor="tester") as store:
        await store.save_state("g", "right", {"n": 1})
    async with AsyncSqliteStore(path, actor="tester", clock=ManualClock(AHEAD)) as store:
        for number in range(3):
            await store.save_state("g", "wrong", {"n": number}, idempotency_key=f"k{number}")
        await AsyncStateMachinePersister(store, BOOT).start("g", "boots")
        await AsyncStateMachinePersister(store, BOOT).schedule("g", "boots", "fail", at=AHEAD + timedelta(days=1))
        await AsyncSubscription(store, "mail", seen, config=ONE_BY_ONE).run_once()
        await AsyncStateMachinePersister(store, BOOT).start("g", "late")
        await store.save_state("g", "right", {"n": 2})
    assert seen.versions == [("right", 1), ("wrong", 1), ("wrong", 2), ("wrong", 3), ("boots", 1), ("boots", 2)]
    return path


async def async_time(store):
    """Return the store's time."""
    access = store.runtime.access
    return await access.server_time(access.begin(None))


async def async_clock_line(store):
    """Return what the doctor says of the clock."""
    (line,) = [line async for line in async_examine(store) if line.check == "clock"]
    return line


async def test_a_restore_sets_the_clock_of_a_store_that_stands_in_the_future(lifted, tmp_path):
    """What was committed keeps its order, behind what was right; nothing is lost, and all that comes is on time."""
    target = tmp_path / "mended.db"
    async with AsyncSqliteStore(lifted, actor="tester") as store:
        assert await async_time(store) > AHEAD
        line = await async_clock_line(store)
        assert (line.status, "restore FILE --set-clock" in line.mend) == ("problem", True)
        await store.backup(tmp_path / "copy.db")
        before = [one async for one in store.list_states("g")]
    await AsyncSqliteStore.restore(tmp_path / "copy.db", target, set_clock=True, actor="tester")
    async with AsyncSqliteStore(target, actor="tester") as store:
        now = SystemClock().now()
        assert abs(await async_time(store) - now) < timedelta(minutes=1)
        assert (await async_clock_line(store)).status == "ok"
        assert [report.is_consistent async for report in async_verify(store)] == [True, True]
        assert [(one.state_id, one.version, one.data) async for one in store.list_states("g")] == [
            (one.state_id, one.version, one.data) for one in before
        ]
        times = [event.committed_at or AHEAD async for event in store.get_events("g", "wrong")]
        assert times == sorted(set(times))
        assert times[-1] <= now
        assert await store.save_state("g", "wrong", {"n": 2}, idempotency_key="k2") == 3
        assert await store.save_state("g", "wrong", {"n": 3}) == 4


async def test_what_is_due_is_due_again_and_what_was_set_for_a_time_stays(lifted, tmp_path):
    """A timeout counts from the restore on."""
    target = tmp_path / "mended.db"
    await AsyncSqliteStore.restore(lifted, target, set_clock=True, actor="tester")
    async with AsyncSqliteStore(target, actor="tester") as store:
        (late, _), (boots, _) = await store.get_state("g", "late"), await store.get_state("g", "boots")
        assert late.due_at is not None
        assert timedelta(0) < late.due_at - SystemClock().now() < timedelta(seconds=31), late.due_at
        assert boots.due_at == AHEAD + timedelta(days=1)


async def test_a_subscription_goes_on_where_it_was(lifted, tmp_path):
    """It is told what it was not, and nothing twice."""
    target, seen = tmp_path / "mended.db", AsyncSeen()
    await AsyncSqliteStore.restore(lifted, target, set_clock=True, actor="tester")
    async with AsyncSqliteStore(target, actor="tester") as store:
        await store.save_state("g", "new", {})
        assert await AsyncSubscription(store, "mail", seen).run_once() == 3
        assert sorted(seen.versions) == [("late", 1), ("new", 1), ("right", 2)]


@pytest.mark.parametrize("set_clock", [False, True])
@pytest.mark.parametrize("path", ["governors/a b/states/x", "governors/g/states/a b"])
async def test_what_somebody_else_wrote_keeps_no_store_from_being_restored(lifted, tmp_path, path, set_clock):
    """It is in the copy as it was, and the check tells of it."""
    collection, _, document_id = path.rpartition("/")
    async with AsyncSqliteStore(lifted, actor="tester") as store:
        put = Put(DocumentPath(collection, document_id), {"due_at": AHEAD})
        await store.runtime.access.backend.commit([put], timeout=TIMEOUT)
    await AsyncSqliteStore.restore(lifted, tmp_path / "mended.db", set_clock=set_clock, actor="tester")
    async with AsyncSqliteStore(tmp_path / "mended.db", actor="tester") as store:
        found = [one.kind async for report in async_verify(store) for one in report.problems]
        assert "foreign_document" in found, found
        assert await store.save_state("g", "right", {"n": 3}) == 3


async def test_a_store_that_is_on_time_is_left_as_it_is(tmp_path):
    """There is nothing to bring back."""
    async with AsyncSqliteStore(tmp_path / "store.db", actor="tester") as store:
        await store.save_state("g", "s", {})
        events = [event async for event in store.get_events("g", "s")]
    await AsyncSqliteStore.restore(tmp_path / "store.db", tmp_path / "other.db", set_clock=True, actor="tester")
    async with AsyncSqliteStore(tmp_path / "other.db", actor="tester") as store:
        assert [event async for event in store.get_events("g", "s")] == events
