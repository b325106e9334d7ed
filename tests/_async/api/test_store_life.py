"""A store's deadlines, its health, and its end."""

import math
from datetime import timedelta

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncStateMachinePersister,
    Capability,
    ConfigurationError,
    DeadlineExceededError,
    Machine,
    RetriesExhaustedError,
    RetryPolicy,
    StoreClosedError,
    StoreUnavailableError,
    Transition,
)
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.testing.clock import ManualClock
from tests._async.stores import NO_WAIT, AsyncWrappedBackend, in_memory

SWITCH = Machine("switch", "off", [Transition("turn_on", "off", "on"), Transition("turn_off", "on", "off")])

CALLS = {
    "save": lambda store, **options: store.save_state("g", "s", {}, **options),
    "update": lambda store, **options: store.update_state("g", "s", {}, 1, **options),
    "delete": lambda store, **options: store.delete_state("g", "s", **options),
    "get": lambda store, **options: store.get_state("g", "s", **options),
    "find": lambda store, **options: store.find_state("g", "s", **options),
    "exists": lambda store, **options: store.exists("g", "s", **options),
    "batch": lambda store, **options: store.batch_get_states("g", ["s", "t"], **options),
    "stats": lambda store, **options: store.stats("g", **options),
    "start": lambda store, **options: persisted(store).start("g", "s", **options),
    "transition": lambda store, **options: persisted(store).transition("g", "s", "turn_on", **options),
    "log": lambda store, **options: persisted(store).log_transition("g", "s", "a", to_status="b", data={}, **options),
    "rollback": lambda store, **options: persisted(store).rollback("g", "s", 1, **options),
    "load": lambda store, **options: persisted(store).load_state("g", "s", **options),
    "replay": lambda store, **options: persisted(store).replay("g", "s", **options),
    "check": lambda store, **options: persisted(store).validate_consistency("g", **options),
    "snapshot": lambda store, **options: persisted(store).create_snapshot("g", "s", **options),
}
ITERATORS = {
    "list states": lambda store, **options: store.list_states("g", **options),
    "list governors": lambda store, **options: store.list_governors(**options),
    "events": lambda store, **options: store.get_events("g", "s", **options),
    "history": lambda store, **options: persisted(store).history("g", "s", **options),
    "snapshots": lambda store, **options: persisted(store).list_snapshots("g", "s", **options),
}


def persisted(store):
    return AsyncStateMachinePersister(store, SWITCH)


async def async_call(store, name, **options):
    """Make a call by its name; an iterator is read to its end."""
    if name in CALLS:
        return await CALLS[name](store, **options)
    return [one async for one in ITERATORS[name](store, **options)]


every_call = pytest.mark.parametrize("name", [*CALLS, *ITERATORS])


@in_memory
@every_call
async def test_a_timeout_that_is_none_is_refused(place, name):
    """Zero, negative, endless or no number of seconds: refused before anything is asked."""
    store, backend = place.counting()
    for timeout in (0, -1, 0.0, timedelta(0), timedelta(seconds=-1), math.inf, math.nan, True, "1"):
        with pytest.raises(ConfigurationError, match="timeout"):
            await async_call(store, name, timeout=timeout)
    assert backend.calls == []


async def test_a_timedelta_is_a_timeout(store):
    """As are whole and broken seconds."""
    await store.save_state("g", "s", {"n": 1}, timeout=timedelta(seconds=20))
    await store.save_state("g", "s", {"n": 2}, timeout=20)
    assert (await store.get_state("g", "s", timeout=20.5))[1] == 2


class AsyncDownBackend(AsyncWrappedBackend):
    """Answers nothing, and takes its time for that on its ``clock``."""

    def __init__(self, inner):
        super().__init__(inner)
        self.tried = 0
        self.clock = ManualClock()

    def _fail(self):
        self.tried += 1
        self.clock.advance(0.01)
        return StoreUnavailableError("down")

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        raise self._fail()

    async def commit(self, writes, *, timeout):
        raise self._fail()

    async def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        nothing: tuple[object, ...] = ()
        for one in nothing:
            yield one
        raise self._fail()


async def test_a_store_that_does_not_answer_is_tried_until_the_deadline(store):
    """Then DeadlineExceededError says so, from the last failure."""
    backend = AsyncDownBackend(store.runtime.access.backend)
    down = AsyncBackendStore(backend, clock=backend.clock, retry=NO_WAIT)
    for name in ("save", "get", "events"):
        backend.tried = 0
        with pytest.raises(DeadlineExceededError) as caught:
            await async_call(down, name, timeout=0.1)
        assert backend.tried >= 10
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.retryable


async def test_attempts_are_bounded_where_the_policy_bounds_them(store):
    """Then RetriesExhaustedError counts them, from the last failure."""
    backend = AsyncDownBackend(store.runtime.access.backend)
    down = AsyncBackendStore(backend, retry=RetryPolicy(attempts=3, wait_initial=0, wait_max=0))
    with pytest.raises(RetriesExhaustedError) as caught:
        await down.get_state("g", "s")
    assert (caught.value.attempts, backend.tried) == (3, 3)
    assert isinstance(caught.value.__cause__, StoreUnavailableError)


async def test_health_of_a_store_that_answers(store, backend_kind):
    """ok, named as people name it, and measured; nothing is written."""
    health = await store.health()
    assert health.ok
    # What outlives a Redis server depends on its settings.
    kept = "what was acknowledged outlives the server and its machine (appendfsync always)"
    assert health.message == (kept if backend_kind == "redis" else "")
    names = {"memory": "Memory", "sqlite": "SQLite", "firestore": "Firestore", "redis": "Redis"}
    assert health.backend == names[backend_kind]
    assert 0 <= health.latency_seconds < 30


async def test_health_of_a_store_that_does_not(store):
    """Said, not raised."""
    health = await AsyncBackendStore(AsyncDownBackend(store.runtime.access.backend)).health()
    assert (health.ok, health.message) == (False, "down")


async def test_capabilities_are_the_backends(place):
    """What is declared is handed through."""
    store = place.store()
    assert store.capabilities == store.runtime.access.backend.capabilities
    assert (Capability.SHARED in store.capabilities) is (place.kind != "memory")


@every_call
async def test_a_closed_store_is_used_no_more(place, name):
    """Whatever is called."""
    store = place.store()
    await persisted(store).start("g", "s")
    await store.close()
    with pytest.raises(StoreClosedError, match="closed"):
        await async_call(store, name)


@in_memory
@every_call
async def test_a_drained_store_takes_no_new_calls(store, name):
    """Though its backend is still open."""
    await persisted(store).start("g", "s")
    assert await store.drain()
    with pytest.raises(StoreClosedError, match="closed"):
        await async_call(store, name)


async def test_health_of_a_closed_store(store):
    """It is not well, and says so."""
    await store.close()
    assert not (await store.health()).ok


async def test_closing_twice_is_fine(store):
    """The second does nothing."""
    await store.save_state("g", "s", {})
    await store.close()
    await store.close()


async def test_closing_what_was_never_used_is_fine(store):
    """Nothing was opened."""
    async with store as same:
        assert same is store


async def test_what_was_saved_is_there_for_the_next_store(place):
    """Closing loses nothing."""
    async with place.store() as store:
        await store.save_state("g", "s", {"n": 1})
    if place.kind != "memory":
        assert (await place.store().get_state("g", "s"))[0].data == {"n": 1}


class AsyncSlowBackend(AsyncWrappedBackend):
    """Keeps every call of one kind waiting until it is let go."""

    def __init__(self, inner, kind):
        super().__init__(inner)
        self.kind = kind
        self.waiting = False
        self.open = False

    async def _pass(self, kind):
        while kind == self.kind and not self.open:
            self.waiting = True
            await async_sleep(0.001)

    async def commit(self, writes, *, timeout):
        await self._pass("commit")
        return await super().commit(writes, timeout=timeout)

    async def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        await self._pass("scan")
        async for document in super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout):
            yield document

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        await self._pass("get_many")
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("save", "commit"),
        ("get", "get_many"),
        ("batch", "get_many"),
        ("load", "get_many"),
        ("replay", "scan"),
        ("check", "scan"),
        ("stats", "scan"),
        ("list states", "scan"),
        ("events", "scan"),
        ("history", "scan"),
    ],
)
async def test_draining_waits_for_the_calls_under_way(store, name, kind):
    """A call that was let in is counted, and ends as if nothing had happened."""
    await persisted(store).start("g", "s")
    backend = AsyncSlowBackend(store.runtime.access.backend, kind)
    slow = AsyncBackendStore(backend, actor="tester", retry=NO_WAIT)

    async def leave():
        while not backend.waiting:
            await async_sleep(0.001)
        early = await slow.drain(timeout=0.02)
        backend.open = True
        return early, await slow.drain()

    _, drained = await async_together([lambda: async_call(slow, name), leave])
    assert drained == (False, True)
