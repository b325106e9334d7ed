"""What is due of a state: armed, kept and ended by every change there is."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    Machine,
    PersistenceConfig,
    Transition,
)
from tai_state.documents import Delete
from tai_state.due import Timeout
from tai_state.layout import state_layout
from tai_state.testing import ManualClock
from tests._async.due.timed import BOOT, MOVES, PATHS, RUN, SERVER
from tests._async.stores import TIMEOUT, async_document_at


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def timed(clock):
    """A store in memory whose clock stands still."""
    return AsyncMemoryStore(clock=clock, actor="tester")


@pytest.fixture
async def server(timed):
    """A persister, and a state in ``boot``."""
    persister = AsyncStateMachinePersister(timed, SERVER)
    await persister.start("g", "s", {"n": 0})
    return persister


async def async_due(persister, state_id="s"):
    """Return what is due of a state, and when, as its users see it."""
    shown = (await persister.load_state("g", state_id)).snapshot
    return shown.due_action, in_time(shown.due_at)


def in_time(moment):
    """Return *moment* without the microseconds by which the clock of a store in memory runs ahead."""
    return None if moment is None else moment.replace(microsecond=moment.microsecond // 1000 * 1000)


async def test_entering_a_status_arms_its_timeout(server, clock):
    """By a start and by a transition, from the time of the change on."""
    assert await async_due(server) == ("fail", clock.now() + BOOT)
    clock.advance(10)
    moved = await server.transition("g", "s", "run")
    assert (moved.event.due_action, in_time(moved.event.due_at)) == ("stop", clock.now() + RUN)
    assert await async_due(server) == ("stop", clock.now() + RUN)


async def test_a_move_within_a_status_keeps_what_is_due(server, clock):
    """A timeout is of the status, not of the last change."""
    await server.transition("g", "s", "run")
    armed = await async_due(server)
    clock.advance(10)
    await server.transition("g", "s", "beat")
    await server.log_transition("g", "s", "note", to_status="running", data={"n": 2})
    await server.store.save_state("g", "s", {"n": 3})
    assert await async_due(server) == armed


async def test_leaving_a_status_ends_what_is_due(server):
    """And leaves no field of it in the document, where workers look."""
    await server.transition("g", "s", "fail")
    assert await async_due(server) == (None, None)
    fields = (await async_document_at(server.store, PATHS.state)).fields
    assert not [name for name in fields if name.startswith("due_")]


async def test_a_delete_ends_what_is_due(server):
    """A tombstone is moved by nobody."""
    await server.store.delete_state("g", "s")
    assert (await server.store.runtime.record(PATHS, None)).due is None
    await server.start("g", "s", {"n": 0})
    assert (await async_due(server))[0] == "fail"


async def test_every_change_of_status_arms(server, clock):
    """What was logged or rolled back, too; and the way back enters the status anew."""
    await server.log_transition("g", "s", "ran", to_status="running", data={})
    assert await async_due(server) == ("stop", clock.now() + RUN)
    clock.advance(60)
    await server.rollback("g", "s", 1)
    assert await async_due(server) == ("fail", clock.now() + BOOT)
    clock.advance(10)
    await server.rollback("g", "s", 1)
    assert await async_due(server) == ("fail", clock.now() + BOOT)


async def test_a_transaction_arms(server, clock):
    """As any other change does."""

    async def body(tx):
        await tx.transition(server, "g", "s", "run")

    await AsyncTransactionManager(server.store).run(body)
    assert await async_due(server) == ("stop", clock.now() + RUN)


async def test_a_reaction_arms_the_timeout_of_a_machine_that_is_known(timed, clock):
    """Of the dependent's machine, where the persister that moved the cause knows it."""
    follower = Machine(
        "follower",
        "idle",
        [Transition("go", "idle", "busy"), Transition("end", "busy", "done")],
        on_dependency={"running": "go"},
        timeouts={"busy": Timeout(BOOT, "end")},
    )
    persister = AsyncStateMachinePersister(timed, SERVER, machines=[follower])
    followers = AsyncStateMachinePersister(timed, follower)
    await persister.start("g", "s", {})
    await followers.start("g", "f", {}, depends_on=["s"])
    await persister.transition("g", "s", "run")
    assert await async_due(followers, "f") == ("end", clock.now() + BOOT)


async def test_a_machine_without_timeouts_leaves_no_trace(timed):
    """No field is there where nothing is due."""
    persister = AsyncStateMachinePersister(timed, Machine("server", "boot", MOVES))
    await persister.start("g", "s", {})
    for path in (PATHS.state, PATHS.event(1)):
        document = await async_document_at(timed, path)
        assert document.fields["format"] == 2
        assert not [name for name in document.fields if name.startswith("due")]


async def test_a_due_time_is_by_the_stores_clock(timed, clock):
    """A host whose wall clock is hours ahead arms no later than another one."""
    skewed = ManualClock(clock.now() + timedelta(hours=5))
    persister = AsyncStateMachinePersister(AsyncBackendStore(timed.runtime.access.backend, clock=skewed), SERVER)
    await persister.start("g", "other", {})
    clock.advance(7)
    skewed.advance(7)
    await persister.start("g", "s", {})
    assert await async_due(persister) == ("fail", clock.now() + BOOT)


async def test_it_is_looked_for_by_store_machine_and_shard(place):
    """In the document, on every backend; the event has none of it."""
    store = place.store()
    persister = AsyncStateMachinePersister(store, SERVER, PersistenceConfig(due_shards=4))
    keys = set()
    for number in range(20):
        await persister.start("g", f"s{number}", {})
        paths = state_layout("g", f"s{number}")
        fields = (await async_document_at(store, paths.state)).fields
        keys.add(fields["due_key"])
        event = (await async_document_at(store, paths.event(1))).fields
        assert (event["due_at"], event["due_action"], event["due_after"]) == (fields["due_at"], "fail", 30.0)
        assert "due_key" not in event
    store_id = store.runtime.writer.origin
    assert keys == {f"{store_id}:server:{shard}" for shard in range(4)}


async def test_what_is_due_is_rebuilt_from_the_log(server):
    """The next change of a state that lost its document writes where it is looked for again."""
    before = await async_due(server)
    await server.store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    server.store.runtime.writer.heads.drop(PATHS.state)
    assert await async_due(server) == before
    await server.log_transition("g", "s", "note", to_status="boot", data={})
    fields = (await async_document_at(server.store, PATHS.state)).fields
    assert fields["due_key"] == f"{server.store.runtime.writer.origin}:server:0"


async def test_a_migration_arms_what_a_definition_gained(timed, clock):
    """Once, and only where the definition that moved the state had no such timeout."""
    old = AsyncStateMachinePersister(timed, Machine("server", "boot", MOVES))
    await old.start("g", "s", {})
    new = AsyncStateMachinePersister(timed, SERVER)
    await new.start("g", "own", {})
    await new.unschedule("g", "own")
    clock.advance(100)
    report = await new.migrate("g")
    assert (report.checked, report.migrated) == (2, 1)
    assert await async_due(new) == ("fail", clock.now() + BOOT)
    assert await async_due(new, "own") == (None, None)
    assert (await new.migrate("g")).migrated == 0
