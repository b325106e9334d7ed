"""Who looks on at a store hears of each operation what it was, what it cost and how it ended, in nobody's way."""

import signal

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    Machine,
    StateNotFoundError,
    Transition,
)
from tai_state.keys import AsyncKeys
from tai_state.telemetry import Monitor, Observer, observe
from tai_state.testing import ManualClock
from tests._async.stores import AsyncWrappedBackend, in_memory

COUNTER = Machine("counter", "on", [Transition("add", "on", "on", apply=lambda data, _: {"n": data["n"] + 1})])


class Heard(Observer):
    """Keeps all that it is told."""

    def __init__(self):
        self.operations = []
        self.requests = []
        self.background = []
        self.locks = []

    def operation_ended(self, operation):
        self.operations.append(operation)

    def request_ended(self, request, operation):
        self.requests.append(request)
        if operation is None:
            self.background.append(request)

    def lock_ended(self, lock):
        self.locks.append(lock)

    def names(self):
        return [operation.name for operation in self.operations]


@pytest.fixture
def heard(store):
    """What is heard of the test's store."""
    heard = Heard()
    with observe(store, heard):
        yield heard


async def test_an_operation_is_told_with_what_it_cost(store, heard):
    """As docs/backends.md says it; what was asked of no state names none."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await persister.transition("g", "s", "add")
    await persister.load_state("g", "s")
    told = [(one.name, one.documents_read, one.commits, one.documents_written) for one in heard.operations]
    assert told == [("start", 2, 1, 4), ("transition", 0, 1, 2), ("load_state", 1, 0, 0)]
    assert {(one.governor_id, one.state_id, one.error) for one in heard.operations} == {("g", "s", None)}
    assert all(one.seconds > 0 for one in heard.operations)
    assert heard.operations[1].bytes_written > 100


async def test_an_iteration_is_one_operation(store, heard):
    """However many pages it has."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await persister.transition("g", "s", "add")
    heard.operations.clear()
    assert [event.version async for event in persister.history("g", "s")] == [1, 2]
    assert heard.names() == ["history"]
    assert heard.operations[0].documents_read >= 2


@in_memory
async def test_an_iteration_whose_reader_stops_early_is_one_operation(store, heard):
    """It ended well, and there."""
    await store.save_state("g", "s", {})
    heard.operations.clear()
    runtime = store.runtime
    found = runtime.inflight.reading(runtime.access.scan("governors/g/states"), "list_states", "g")
    await anext(found)
    await found.aclose()
    assert [(one.name, one.error, one.documents_read) for one in heard.operations] == [("list_states", None, 1)]


@in_memory
async def test_of_an_iteration_under_way_nothing_is_told(store):
    """Who begins to look on in the middle of it does not take each of its items for an operation."""
    for state in "abc":
        await store.save_state("g", state, {})
    listed = store.list_states("g")
    await anext(listed)
    heard = Heard()
    with observe(store, heard):
        assert len([state async for state in listed]) == 2
    assert heard.operations == []


class Stop(BaseException):
    """What ends a program, or a task."""


class Torn(AsyncWrappedBackend):
    """Gives one document of a listing, and then ends what goes on."""

    async def scan(self, collection, **options):
        async for document in super().scan(collection, **options):
            yield document
            raise Stop


@in_memory
async def test_an_iteration_that_is_ended_from_outside_did_not_end_well(place):
    """As when its task is cancelled; what it read before is billed."""
    store = place.store()
    await store.save_state("g", "s", {})
    torn = AsyncBackendStore(Torn(store.runtime.access.backend))
    heard = Heard()
    with observe(torn, heard), pytest.raises(Stop):
        _ = [state async for state in torn.list_states("g")]
    assert [(one.name, one.error, one.documents_read) for one in heard.operations] == [("list_states", "Stop", 1)]
    assert [(one.kind, one.error) for one in heard.requests] == [("scan", "Stop")]


@in_memory
async def test_a_listing_whose_reader_stops_early_ended_well(store, heard):
    """What it gave is billed."""
    for state in "abc":
        await store.save_state("g", state, {})
    heard.requests.clear()
    listing = store.runtime.access.backend.scan("governors/g/states", timeout=5)
    await anext(listing)
    await listing.aclose()
    assert [(one.kind, one.error, one.billed.documents_read) for one in heard.requests] == [("scan", None, 1)]


LISTS = {
    "states": lambda store: store.list_states("g", limit=2),
    "from the end": lambda store: store.list_states("g", limit=2, descending=True),
    "found": lambda store: store.find(governor_id="g", limit=2),
    "found by label": lambda store: store.find(labels={"a": "b"}, status="", limit=2),
    "governors": lambda store: store.list_governors(limit=2),
    "events": lambda store: store.find_events("g", limit=2),
    "a state's events": lambda store: store.get_events("g", "a", limit=2),
    "its newest events": lambda store: store.get_events("g", "a", limit=2, descending=True),
    "keys": lambda store: AsyncKeys(store, "k").keys(limit=2),
    "items": lambda store: AsyncKeys(store, "k").items(limit=2),
}


@pytest.mark.parametrize("listed", LISTS.values(), ids=LISTS)
async def test_a_list_that_ends_with_its_limit_is_told_by_then(store, heard, listed):
    """All that it read, as a part of it: who counts what he asks for need not wait until its memory is freed."""
    for state in "abc":
        await store.save_state("g", state, {}, labels={"a": "b"})
        await store.save_state(f"g{state}", state, {})
        await store.save_state("g", "a", {})
        await AsyncKeys(store, "k").set(state, 1)
    heard.requests.clear()
    heard.operations.clear()
    heard.background.clear()
    assert len([one async for one in listed(store)]) == 2
    told = sum(one.documents_read for one in heard.operations)
    assert told == sum(one.billed.documents_read for one in heard.requests) >= 2
    assert heard.background == []


async def test_a_count_is_one_request(store, heard):
    """Billed by the thousand, on every backend: what one reads that has no count of its own is a part of it."""
    for state in "abc":
        await store.save_state("g", state, {})
    heard.requests.clear()
    assert await store.count(governor_id="g") == 3
    assert [(one.kind, one.billed.documents_read) for one in heard.requests] == [("count", 1)]


async def test_what_failed_is_told_by_its_code(store, heard):
    """Never by its text."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    with pytest.raises(StateNotFoundError):
        await persister.transition("g", "s", "add")
    assert [(one.name, one.error) for one in heard.operations] == [("transition", "state_not_found")]


async def test_a_conflict_is_counted(place):
    """Of the caller who met it, with both of its attempts."""
    here, there = place.store(), place.store()
    await AsyncStateMachinePersister(here, COUNTER).start("g", "s", {"n": 0})
    with Monitor(here) as monitor:
        await AsyncStateMachinePersister(there, COUNTER).transition("g", "s", "add")
        await AsyncStateMachinePersister(here, COUNTER).transition("g", "s", "add")
    counted = monitor.as_dict()
    told = counted["operations"]["transition"]
    assert (told["commits"], told["conflicts"], told["ambiguous"]) == (2, 1, 0)
    assert counted["contended"] == [{"governor_id": "g", "state_id": "s", "count": 1}]


async def test_a_lost_reply_that_is_settled_is_counted_as_that(place):
    """And is no conflict: the refusal of the second attempt is the doing of the first."""
    store, _ = place.faulty("reply lost")
    heard = Heard()
    with observe(store, heard):
        await AsyncStateMachinePersister(store, COUNTER).start("g", "s", {"n": 0})
    (start,) = heard.operations
    assert (start.commits, start.ambiguous, start.ambiguous_resolved, start.conflicts) == (2, 1, 1, 0)


async def test_a_lock_is_told_with_how_long_it_was_held(store, heard):
    """And the wait for it is the operation that acquires it; its release is in the background."""
    lock = await AsyncLockManager(store).acquire("r", heartbeat=False)
    await lock.release()
    assert heard.names() == ["acquire"]
    assert [request.kind for request in heard.background] == ["commit"]
    assert [(held.resource, held.is_lost) for held in heard.locks] == [("r", False)]
    assert heard.locks[0].seconds > 0


async def test_how_long_a_lock_was_held_is_counted_from_its_grant():
    """In seconds of the store's clock."""
    clock, heard = ManualClock(), Heard()
    store = AsyncMemoryStore(clock=clock)
    clock.advance(1000)
    with observe(store, heard):
        lock = await AsyncLockManager(store).acquire("r", heartbeat=False)
        clock.advance(5)
        await lock.release()
    assert [held.seconds for held in heard.locks] == [5.0]


async def test_a_transaction_is_one_operation(store, heard):
    """In both of its forms; what its function asks of the store is a part of it."""
    manager = AsyncTransactionManager(store)

    async def body(tx):
        await store.find_state("g", "s")
        await tx.save_state("g", "s", {"n": 1})

    await manager.run(body)
    async with manager.begin() as tx:
        await tx.save_state("g", "s", {"n": 2})
    assert heard.names() == ["transaction", "transaction"]
    assert [one.commits for one in heard.operations] == [1, 1]
    assert heard.background == []


@in_memory
async def test_who_looks_on_no_more_hears_nothing(store):
    """And the backend is as it was before, with what somebody else had put on it."""
    backend = store.runtime.access.backend
    vars(backend)["commit"] = backend.commit
    before = dict(vars(backend))
    heard, other = Heard(), Heard()
    first, second = observe(store, heard), observe(store, other)
    first.close()
    first.close()
    await store.find_state("g", "s")
    assert (heard.names(), other.names()) == ([], ["get_state"])
    second.close()
    assert vars(backend) == before


@in_memory
async def test_stores_over_one_backend_are_told_each_its_own(place):
    """In whatever order they begin and end to be looked on at, and nothing twice."""
    here, there = place.store(), place.store()
    assert here.runtime.access.backend is there.runtime.access.backend
    first, second = Heard(), Heard()
    begun, beside = observe(here, first), observe(there, second)
    begun.close()
    begun = observe(here, first)
    await here.save_state("g", "s", {})
    beside.close()
    await here.save_state("g", "s", {})
    begun.close()
    assert [one.commits for one in first.operations] == [1, 1]
    assert (second.operations, second.background) == ([], [])
    assert "commit" not in vars(here.runtime.access.backend)


@in_memory
async def test_a_second_close_ends_no_other_look(store):
    """The same observer may look on anew, or twice."""
    heard = Heard()
    first = observe(store, heard)
    first.close()
    with observe(store, heard):
        first.close()
        await store.find_state("g", "s")
    assert heard.names() == ["get_state"]


class Broken(Observer):
    """Fails at whatever it is told."""

    def operation_began(self, operation):
        raise RuntimeError("secret")

    operation_ended = operation_began

    def request_ended(self, request, operation):
        raise RuntimeError("secret")


@in_memory
async def test_an_observer_that_fails_disturbs_nobody(store, caplog):
    """It is logged by its name and the kind of its error."""
    with observe(store, Broken()):
        assert await store.save_state("g", "s", {}) == 1
    assert "observer Broken raised RuntimeError" in caplog.text
    assert "secret" not in caplog.text


class Ending(Observer):
    """Ends the program when an operation begins, or ends."""

    def __init__(self, moment):
        setattr(self, moment, self.leave)

    def leave(self, _):
        raise SystemExit


@in_memory
@pytest.mark.parametrize("moment", ["operation_began", "operation_ended"])
async def test_an_observer_that_ends_the_program_leaves_no_call_under_way(store, moment):
    """A drain waits for nothing, neither a call nor a transaction, and Ctrl-C ends the program as before."""
    before = signal.getsignal(signal.SIGINT)
    with observe(store, Ending(moment)):
        with pytest.raises(SystemExit):
            await store.find_state("g", "s")
        with pytest.raises(SystemExit):
            async with AsyncTransactionManager(store).begin():
                pass
    assert store.runtime.inflight.doors[0].calls == {}
    assert signal.getsignal(signal.SIGINT) is before
