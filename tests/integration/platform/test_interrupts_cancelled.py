"""Cancellation at every await of an async call: what was begun is settled, and a retry makes one event."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    CommitAmbiguousError,
)
from tests._async.machines import COUNTER
from tests._async.stores import AsyncPlace, AsyncWrappedBackend
from tests.waits import SECONDS_MAX

LONG = 60.0
AWAITS_MAX = 500


class Strikes:
    """Cancels a task at one of its moments: where it waits, and where the backend begins or has done something."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = 0
        self.task: asyncio.Task[Any] | None = None

    def notice(self) -> None:
        if self.task is None or self.task.done():
            return
        self.seen += 1
        if self.seen == self.at:
            self.task.cancel()


class StrikingBackend(AsyncWrappedBackend):
    """Has a moment before and behind each read and each commit."""

    def __init__(self, inner, strikes: Strikes) -> None:
        super().__init__(inner)
        self.strikes = strikes

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.strikes.notice()
        found = await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)
        self.strikes.notice()
        return found

    async def commit(self, writes, *, timeout):
        self.strikes.notice()
        result = await super().commit(writes, timeout=timeout)
        self.strikes.notice()
        return result


class Stepped:
    """Awaits a coroutine, and has a moment at each of its waits."""

    def __init__(self, call: Awaitable[Any], strikes: Strikes) -> None:
        self.call = call
        self.strikes = strikes

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self.call.__await__()
        failed: BaseException | None = None
        while True:
            try:
                waited_for = next(steps) if failed is None else steps.throw(failed)
            except StopIteration as end:
                return end.value
            failed = None
            self.strikes.notice()
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001 - it belongs to the coroutine
                failed = error


async def struck(call: Awaitable[Any], strikes: Strikes) -> bool:
    """Make the call as a task of its own; return whether it was cancelled."""

    async def run() -> None:
        await Stepped(call, strikes)

    strikes.task = asyncio.create_task(run())
    await asyncio.wait([strikes.task], timeout=LONG)
    assert strikes.task.done(), f"it does not end, cancelled at moment {strikes.at}"
    return strikes.task.cancelled() or strikes.task.result() is not None


def persister(store):
    return AsyncStateMachinePersister(store, COUNTER)


async def two_moves(tx):
    await tx.save_state("g", "s", {"n": (await tx.get_state("g", "s"))[1]})
    await tx.save_state("g", "t", {})


async def guarded(store):
    async with AsyncLockManager(store).hold("r", owner="a") as lock:
        await persister(store).transition("g", "s", "add", 1, idempotency_key="k", lock=lock)


async def hold(store):
    async with AsyncLockManager(store).hold("r", owner="a") as lock:
        await lock.renew()


async def hold_many(store):
    async with await AsyncLockManager(store).acquire_many(["r", "r2"], owner="a") as locks:
        await locks.renew()


CHANGES: dict[str, Callable[[AsyncBackendStore], Awaitable[Any]]] = {
    "transition": lambda store: persister(store).transition("g", "s", "add", 1, idempotency_key="k"),
    "start": lambda store: persister(store).start("g", "new", idempotency_key="k"),
    "rollback": lambda store: persister(store).rollback("g", "s", 1, idempotency_key="k"),
    "delete": lambda store: store.delete_state("g", "s", idempotency_key="k"),
    "transaction": lambda store: AsyncTransactionManager(store).run(two_moves, idempotency_key="k"),
    "guarded transition": guarded,
}
LOCKS = {"hold": hold, "many": hold_many}


@pytest.fixture
async def place_of(tmp_path, request):
    """Makes places of a kind, each empty; closed behind the test."""
    places: list[AsyncPlace] = []

    def make(kind: str) -> AsyncPlace:
        project = request.getfixturevalue("tai_state_project") if kind == "firestore" else None
        place = AsyncPlace(kind, path=tmp_path / f"{len(places)}.db", project=project and f"{project}-{len(places)}")
        places.append(place)
        return place

    yield make
    for place in places:
        await place.close()


def striking(place: AsyncPlace, at: int) -> tuple[AsyncBackendStore, Strikes]:
    strikes = Strikes(at)
    return AsyncBackendStore(StrikingBackend(place.store().runtime.access.backend, strikes), actor="tester"), strikes


async def left_by(store: AsyncBackendStore) -> list[str]:
    """Return what calls that have ended left behind, which should be nothing."""
    # gRPC ends a cancelled request in a task of its own, which takes a few turns of the loop.
    ending = asyncio.all_tasks() - {asyncio.current_task()}
    if ending:
        await asyncio.wait(ending, timeout=SECONDS_MAX)
    traces = {
        "a task": asyncio.all_tasks() != {asyncio.current_task()},
        "a call under way": bool(store.runtime.inflight.doors[0].calls),
        "a turn": bool(store.runtime.writer.lines._lines),
        "a line": bool(store.runtime.locks.lines._lines),
        "a lock": bool(store.runtime.locks.held()),
    }
    return [name for name, is_there in traces.items() if is_there]


async def check_change(place, make, at) -> bool:
    await persister(place.store()).start("g", "s")
    store, strikes = striking(place, at)
    was_cancelled = await struck(make(store), strikes)
    assert await left_by(store) == [], f"cancelled at moment {at}"
    await asyncio.wait_for(make(store), LONG)
    events = [len([one async for one in place.store().get_events("g", name)]) for name in ("s", "t", "new")]
    assert events in ([2, 0, 0], [2, 1, 0], [1, 0, 1]), f"cancelled at moment {at}"
    assert (await persister(place.store()).validate_consistency("g")).is_consistent, f"cancelled at moment {at}"
    return was_cancelled


async def at_every_moment(place_of, kind, check, make) -> int:
    """Cancel fresh calls, each one moment later, until the call ends first; return how many were cancelled."""
    for at in range(1, AWAITS_MAX):
        if not await check(place_of(kind), make, at):
            return at - 1
    pytest.fail("it goes on and on")


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("name", CHANGES)
async def test_a_cancelled_change_that_is_made_again_makes_one_event(place_of, kind, name):
    """Wherever the cancellation struck, what was begun was brought to its end first."""
    assert await at_every_moment(place_of, kind, check_change, CHANGES[name]) >= 4


@pytest.mark.emulator
@pytest.mark.parametrize("name", ["transition", "guarded transition"])
async def test_a_cancelled_change_on_firestore_makes_one_event(place_of, name):
    """Over a real channel as well."""
    assert await at_every_moment(place_of, "firestore", check_change, CHANGES[name]) >= 4


async def check_locks(place, make, at) -> bool:
    await AsyncLockManager(place.store()).acquire("taken", owner="b", heartbeat=False)
    store, strikes = striking(place, at)
    was_cancelled = await struck(make(store), strikes)
    assert await left_by(store) == [], f"cancelled at moment {at}"
    held = [one.resource async for one in AsyncLockManager(place.store()).list() if one.held]
    assert held == ["taken"], f"cancelled at moment {at}"
    return was_cancelled


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("name", LOCKS)
async def test_a_cancelled_caller_holds_no_lock(place_of, kind, name):
    """Another one gets it at once, well before the ttl."""
    assert await at_every_moment(place_of, kind, check_locks, LOCKS[name]) >= 6


class SlowBackend(AsyncWrappedBackend):
    """Takes a while for each commit, and may lose the reply of the first one."""

    loses_a_reply = False

    async def commit(self, writes, *, timeout):
        await asyncio.sleep(0.1)
        result = await super().commit(writes, timeout=timeout)
        if self.loses_a_reply:
            self.loses_a_reply = False
            raise CommitAmbiguousError("no reply")
        return result


@pytest.mark.parametrize("loses_a_reply", [False, True])
async def test_a_timeout_of_the_callers_comes_behind_the_outcome(loses_a_reply):
    """``asyncio.timeout`` fires in the middle of the commit, which is made, and settled where its reply was lost."""
    inner = AsyncMemoryStore()
    await persister(inner).start("g", "s")
    backend = SlowBackend(inner.runtime.access.backend)
    backend.loses_a_reply = loses_a_reply
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await persister(AsyncBackendStore(backend)).transition("g", "s", "add", 1)
    assert (await inner.get_state("g", "s"))[1] == 2
    assert [event.version async for event in inner.get_events("g", "s")] == [1, 2]


def test_a_loop_that_ends_lets_commits_of_other_tasks_end_first():
    """``asyncio.run`` cancels all tasks at its end, and those in a commit are waited for."""
    inner = AsyncMemoryStore()

    async def main():
        await persister(inner).start("g", "s")
        moving = persister(AsyncBackendStore(SlowBackend(inner.runtime.access.backend))).transition("g", "s", "add", 1)
        task = asyncio.create_task(moving)
        await asyncio.sleep(0.02)
        return task

    assert asyncio.run(main()).cancelled()
    assert asyncio.run(inner.get_state("g", "s"))[1] == 2
