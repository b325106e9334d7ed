"""The worker: what is due is done once, not before its time, and nothing else is read."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    ConfigurationError,
    Machine,
    PersistenceConfig,
    RetryPolicy,
    StoreClosedError,
    StoreUnavailableError,
    Transition,
)
from tai_state._platform.tasks import async_gather
from tai_state.documents import Put
from tai_state.due import AsyncDueWorker, Timeout
from tai_state.testing import ManualClock
from tests._async.due.timed import BOOT, MOVES, PATHS, SERVER, async_kinds_of, async_status_of
from tests._async.stores import (
    TIMEOUT,
    AsyncCountingBackend,
    AsyncUnreachableBackend,
    async_alter,
    async_document_at,
    async_plant,
)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def memory(clock):
    """A store in memory whose clock stands still."""
    return AsyncMemoryStore(clock=clock, actor="tester")


@pytest.fixture
async def server(memory):
    """A persister, and a state in ``boot``."""
    persister = AsyncStateMachinePersister(memory, SERVER)
    await persister.start("g", "s", {"n": 0})
    return persister


def beside(memory, clock, machine=SERVER, **options):
    """Return the persister of another process over the same place."""
    store = AsyncBackendStore(memory.runtime.access.backend, clock=clock, actor="worker")
    return AsyncStateMachinePersister(store, machine, **options)


async def test_a_timeout_is_done_when_it_is_due(server, clock):
    """Not a second before, and then by an event that says why; a second look finds nothing."""
    worker = AsyncDueWorker(server)
    clock.advance(29)
    assert await worker.run_once() == 0
    assert await async_status_of(server) == "boot"
    clock.advance(1.001)
    assert await worker.run_once() == 1
    assert await worker.run_once() == 0
    events = [event async for event in server.history("g", "s")]
    assert [(event.kind, event.action) for event in events] == [("start", "start"), ("transition", "fail")]
    assert events[-1].metadata.changed_by == "tester"
    assert events[-1].metadata.reason == f"due at {events[0].due_at}"
    assert events[-1].due_at is None


async def test_what_is_due_is_done_on_every_backend(store):
    """By the engine's own clock, a schedule and a timeout alike, in any governor."""
    persister = AsyncStateMachinePersister(store, SERVER)
    await persister.start("g", "s", {})
    await persister.start("h", "s/1", {})
    await persister.start("h", "later", {})
    await persister.schedule("g", "s", "fail", after=timedelta(0))
    await persister.schedule("h", "s/1", "run", at=datetime(2020, 1, 1, tzinfo=UTC))
    worker = AsyncDueWorker(persister)
    assert await worker.run_once() == 2
    assert (await persister.load_state("g", "s")).snapshot.status == "failed"
    assert (await persister.load_state("h", "s/1")).snapshot.status == "running"
    assert (await persister.load_state("h", "later")).snapshot.status == "boot"
    assert await worker.run_once() == 0


async def test_a_chain_of_timeouts_goes_on(server, clock):
    """Each status that is entered arms its own."""
    await server.transition("g", "s", "run")
    worker = AsyncDueWorker(server)
    clock.advance(301)
    assert await worker.run_once() == 1
    assert await async_status_of(server) == "stopped"


async def test_what_is_not_allowed_is_recorded_once(server, clock):
    """As an event of its own; the state stays, and nobody tries again."""
    await server.schedule("g", "s", "refuse", after=timedelta(seconds=1))
    worker = AsyncDueWorker(server)
    clock.advance(2)
    assert await worker.run_once() == 0
    kinds = await async_kinds_of(server)
    assert kinds[2:] == [("refused", "refuse")]
    shown = (await server.load_state("g", "s")).snapshot
    assert (shown.status, shown.due_at, shown.version) == ("boot", None, 3)
    clock.advance(1000)
    assert await worker.run_once() == 0
    assert await async_kinds_of(server) == kinds


async def test_a_guard_that_raises_is_tried_later_and_later_and_refused_in_the_end(server, clock):
    """Five times, by a mark that is no event; the reason is kept, and others are not held up."""
    await server.schedule("g", "s", "break", after=timedelta(seconds=1))
    await server.start("g", "other", {})
    worker = AsyncDueWorker(server)
    clock.advance(2)
    tries = []
    for _ in range(400):
        await worker.run_once()
        fields = (await async_document_at(server.store, PATHS.state)).fields
        tries.append(fields.get("due_tries", 0))
        clock.advance(1)
    assert sorted(set(tries)) == [0, 1, 2, 3, 4]
    assert tries.count(4) > tries.count(2) > 0
    kinds = await async_kinds_of(server)
    assert kinds == [("start", "start"), ("schedule", "schedule"), ("refused", "break")]
    *_, last = [event async for event in server.history("g", "s")]
    assert last.payload["reason"] == "RuntimeError: the guard is broken"
    assert await async_status_of(server, "other") == "failed"
    assert (await server.validate_consistency("g")).is_consistent


async def test_a_newer_definition_is_stepped_past(memory, clock, server):
    """A worker of yesterday leaves it to one of today, and does the rest."""
    newer = beside(memory, clock, Machine("server", "boot", MOVES, version=2, timeouts={"boot": Timeout(BOOT, "fail")}))
    await newer.start("g", "new", {})
    clock.advance(31)
    old = AsyncDueWorker(server)
    assert await old.run_once() == 1
    assert await old.run_once() == 0
    assert await async_kinds_of(newer, "new") == [("start", "start")]
    assert await AsyncDueWorker(newer).run_once() == 1
    assert await async_status_of(newer, "new") == "failed"


async def test_damage_is_stepped_past_and_comes_again(server, clock):
    """Once it is mended, it is done."""
    await server.start("g", "other", {})
    sound = (await async_document_at(server.store, PATHS.state)).fields
    await async_plant(server.store, PATHS.state, status="elsewhere")
    clock.advance(31)
    worker = AsyncDueWorker(server)
    assert await worker.run_once() == 1
    await server.store.runtime.access.backend.commit([Put(PATHS.state, sound)], timeout=TIMEOUT)
    assert await worker.run_once() == 0
    clock.advance(10)
    assert await worker.run_once() == 1


async def test_ten_workers_do_each_once(memory, clock, server):
    """Whoever is faster; nobody else counts it."""
    for number in range(40):
        await server.start("g", f"s{number}", {})
    clock.advance(31)
    workers = [AsyncDueWorker(beside(memory, clock)) for _ in range(10)]
    counts = await async_gather([worker.run_once for worker in workers])
    assert sum(counts) == 41
    for number in range(40):
        assert (await async_kinds_of(server, f"s{number}"))[1:] == [("transition", "fail")]


async def test_more_than_one_batch_is_done_by_one_look(server, clock):
    """A batch bounds what is held, not what is done."""
    for number in range(25):
        await server.start("g", f"s{number}", {})
    clock.advance(31)
    assert await AsyncDueWorker(server, batch=4).run_once() == 26


async def test_an_idle_worker_costs_one_query_a_look(memory, clock, server):
    """And reads nothing of what is not due; the store's id and time are asked for once."""
    backend = AsyncCountingBackend(memory.runtime.access.backend)
    store = AsyncBackendStore(backend, clock=clock)
    worker = AsyncDueWorker(AsyncStateMachinePersister(store, SERVER))
    await worker.run_once()
    backend.taken()
    for _ in range(5):
        clock.advance(5)
        await worker.run_once()
    assert backend.taken() == ["query"] * 5


async def test_one_that_is_due_costs_one_read_and_one_commit(memory, clock, server):
    """Beside the query that found it."""
    backend = AsyncCountingBackend(memory.runtime.access.backend)
    worker = AsyncDueWorker(AsyncStateMachinePersister(AsyncBackendStore(backend, clock=clock), SERVER))
    await worker.run_once()
    clock.advance(31)
    backend.taken()
    assert await worker.run_once() == 1
    assert backend.taken() == ["query", "get_many", "commit"]


async def test_clocks_of_hosts_that_differ_change_nothing(memory, clock, server):
    """A worker whose wall clock is five minutes ahead does nothing early, one behind nothing late."""
    for offset in (300.0, -300.0):
        skewed = ManualClock(clock.now() + timedelta(seconds=offset), monotonic=77.0)
        worker = AsyncDueWorker(beside(memory, skewed))
        assert await worker.run_once() == 0
    clock.advance(30.001)
    behind = ManualClock(clock.now() - timedelta(seconds=300))
    assert await AsyncDueWorker(beside(memory, behind)).run_once() == 1


async def test_a_commit_that_came_late_does_nothing_early(memory, clock):
    """The delay counts from the commit, however long that was under way; a look before leaves it."""
    persister = beside(memory, clock)
    await persister.start("g", "s", {})
    clock.advance(100)
    # As if that commit had been held up for so long.
    await async_alter(memory, PATHS, due_tries=1)
    await async_plant(memory, PATHS.event(1), committed_at=clock.now())
    worker = AsyncDueWorker(persister)
    assert await worker.run_once() == 0
    clock.advance(29)
    assert await worker.run_once() == 0
    clock.advance(2)
    assert await worker.run_once() == 1


async def test_a_delay_counts_from_the_change_that_set_it(server, clock):
    """Moves within the status keep the time, and do not put it off."""
    await server.transition("g", "s", "run")
    worker = AsyncDueWorker(server)
    for _ in range(10):
        clock.advance(29)
        await server.transition("g", "s", "beat")
        assert await worker.run_once() == 0
    clock.advance(11)
    assert await worker.run_once() == 1
    assert await async_status_of(server) == "stopped"


async def test_what_was_overlooked_is_found_within_a_minute(memory, clock, server):
    """A due time long before the last look, as an import brings it: each minute everything is looked at."""
    worker = AsyncDueWorker(server)
    clock.advance(1000)
    assert await worker.run_once() == 1
    await server.transition("g", "s", "retry")
    fields = (await async_document_at(memory, PATHS.state)).fields
    old = {"due_event_at": fields["due_at"], "due_at": fields["due_at"] - timedelta(days=1)}
    await async_alter(memory, PATHS, **old)
    server.store.runtime.writer.heads.drop(PATHS.state)
    assert await worker.run_once() == 0
    clock.advance(60)
    assert await worker.run_once() == 1


async def test_all_shards_are_looked_at(memory, clock):
    """One query each."""
    config = PersistenceConfig(due_shards=3)
    persister = AsyncStateMachinePersister(memory, SERVER, config)
    for number in range(20):
        await persister.start("g", f"s{number}", {})
    clock.advance(31)
    backend = AsyncCountingBackend(memory.runtime.access.backend)
    store = AsyncBackendStore(backend, clock=clock)
    worker = AsyncDueWorker(AsyncStateMachinePersister(store, SERVER, config))
    assert await worker.run_once() == 20
    backend.taken()
    await worker.run_once()
    assert backend.taken() == ["query"] * 3


async def test_the_other_machines_of_a_persister_are_served(memory, clock):
    """By their own definitions."""
    other = Machine("other", "a", [Transition("go", "a", "b")], timeouts={"a": Timeout(BOOT, "go")})
    persister = beside(memory, clock, SERVER, machines=[other])
    others = beside(memory, clock, other)
    await others.start("g", "o", {})
    await persister.start("g", "s", {})
    clock.advance(31)
    assert await AsyncDueWorker(persister).run_once() == 2
    assert await async_status_of(others, "o") == "b"


async def test_a_store_that_nobody_changed_has_nothing_due(clock, memory):
    """It has no id to look by."""
    assert await AsyncDueWorker(AsyncStateMachinePersister(memory, SERVER)).run_once() == 0


async def test_a_store_that_does_not_answer_is_told(memory, clock, server):
    """And what is due stays due."""
    backend = AsyncUnreachableBackend(memory.runtime.access.backend)
    store = AsyncBackendStore(backend, clock=clock, retry=RetryPolicy(attempts=1))
    worker = AsyncDueWorker(AsyncStateMachinePersister(store, SERVER))
    await worker.run_once()
    clock.advance(31)
    backend.is_cut = True
    with pytest.raises(Exception, match="given up") as told:
        await worker.run_once()
    assert isinstance(told.value.__cause__ or told.value, StoreUnavailableError)
    backend.is_cut = False
    assert await worker.run_once() == 1


async def test_a_clock_that_is_far_off_is_told_once(memory, clock, server, caplog):
    """As of a file that a host with a wrong clock wrote: what is due at a time of day is done by the store's."""
    skewed = ManualClock(clock.now() - timedelta(hours=2))
    worker = AsyncDueWorker(beside(memory, skewed))
    for _ in range(2):
        await worker.run_once()
    told = [record for record in caplog.records if getattr(record, "event", None) == "clock_skew"]
    assert [round(record.seconds) for record in told] == [7200]
    caplog.clear()
    await AsyncDueWorker(server).run_once()
    assert caplog.records == []


@pytest.mark.parametrize("options", [{"poll": 0}, {"poll": -1}, {"batch": 0}, {"poll": "x"}])
async def test_what_cannot_be_is_refused(server, options):
    """By name."""
    with pytest.raises(ConfigurationError):
        AsyncDueWorker(server, **options)


async def test_a_worker_needs_a_machine(memory):
    """And the persister of its own colour."""
    with pytest.raises(ConfigurationError):
        AsyncDueWorker(AsyncStateMachinePersister(memory))
    with pytest.raises(ConfigurationError):
        AsyncDueWorker(memory)


async def test_a_drained_worker_makes_no_more_moves(server, clock):
    """Nor does one of a store that is drained; what is due is left."""
    clock.advance(31)
    worker, other = AsyncDueWorker(server), AsyncDueWorker(server)
    assert await worker.drain()
    with pytest.raises(StoreClosedError):
        await worker.run_once()
    await server.store.drain()
    with pytest.raises(StoreClosedError):
        await other.run_once()
