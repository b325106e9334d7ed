# Generated from tests/_async/due/test_arming.py by .ci/generate_sync.py; do not edit.
"""What is due of a state: armed, kept and ended by every change there is."""
from datetime import timedelta

import pytest

from tai_state import (
    BackendStore,
    MemoryStore,
    StateMachinePersister,
    TransactionManager,
    Machine,
    PersistenceConfig,
    Transition,
)
from tai_state.documents import Delete
from tai_state.due import Timeout
from tai_state.layout import state_layout
from tai_state.testing import ManualClock
from tests._sync.due.timed import BOOT, MOVES, PATHS, RUN, SERVER
from tests._sync.stores import TIMEOUT, document_at


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def timed(clock):
    """A store in memory whose clock stands still."""
    return MemoryStore(clock=clock, actor="tester")


@pytest.fixture
def server(timed):
    """A persister, and a state in ``boot``."""
    persister = StateMachinePersister(timed, SERVER)
    persister.start("g", "s", {"n": 0})
    return persister


def due(persister, state_id="s"):
    """Return what is due of a state, and when, as its users see it."""
    shown = (persister.load_state("g", state_id)).snapshot
    return shown.due_action, in_time(shown.due_at)


def in_time(moment):
    """Return *moment* without the microseconds by which the clock of a store in memory runs ahead."""
    return None if moment is None else moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_entering_a_status_arms_its_timeout(server, clock):
    """By a start and by a transition, from the time of the change on."""
    assert due(server) == ("fail", clock.now() + BOOT)
    clock.advance(10)
    moved = server.transition("g", "s", "run")
    assert (moved.event.due_action, in_time(moved.event.due_at)) == ("stop", clock.now() + RUN)
    assert due(server) == ("stop", clock.now() + RUN)


def test_a_move_within_a_status_keeps_what_is_due(server, clock):
    """A timeout is of the status, not of the last change."""
    server.transition("g", "s", "run")
    armed = due(server)
    clock.advance(10)
    server.transition("g", "s", "beat")
    server.log_transition("g", "s", "note", to_status="running", data={"n": 2})
    server.store.save_state("g", "s", {"n": 3})
    assert due(server) == armed


def test_leaving_a_status_ends_what_is_due(server):
    """And leaves no field of it in the document, where workers look."""
    server.transition("g", "s", "fail")
    assert due(server) == (None, None)
    fields = (document_at(server.store, PATHS.state)).fields
    assert not [name for name in fields if name.startswith("due_")]


def test_a_delete_ends_what_is_due(server):
    """A tombstone is moved by nobody."""
    server.store.delete_state("g", "s")
    assert (server.store.runtime.record(PATHS, None)).due is None
    server.start("g", "s", {"n": 0})
    assert (due(server))[0] == "fail"


def test_every_change_of_status_arms(server, clock):
    """What was logged or rolled back, too; and the way back enters the status anew."""
    server.log_transition("g", "s", "ran", to_status="running", data={})
    assert due(server) == ("stop", clock.now() + RUN)
    clock.advance(60)
    server.rollback("g", "s", 1)
    assert due(server) == ("fail", clock.now() + BOOT)
    clock.advance(10)
    server.rollback("g", "s", 1)
    assert due(server) == ("fail", clock.now() + BOOT)


def test_a_transaction_arms(server, clock):
    """As any other change does."""

    def body(tx):
        tx.transition(server, "g", "s", "run")

    TransactionManager(server.store).run(body)
    assert due(server) == ("stop", clock.now() + RUN)


def test_a_reaction_arms_the_timeout_of_a_machine_that_is_known(timed, clock):
    """Of the dependent's machine, where the persister that moved the cause knows it."""
    follower = Machine(
        "follower",
        "idle",
        [Transition("go", "idle", "busy"), Transition("end", "busy", "done")],
        on_dependency={"running": "go"},
        timeouts={"busy": Timeout(BOOT, "end")},
    )
    persister = StateMachinePersister(timed, SERVER, machines=[follower])
    followers = StateMachinePersister(timed, follower)
    persister.start("g", "s", {})
    followers.start("g", "f", {}, depends_on=["s"])
    persister.transition("g", "s", "run")
    assert due(followers, "f") == ("end", clock.now() + BOOT)


def test_a_machine_without_timeouts_leaves_no_trace(timed):
    """No field is there where nothing is due."""
    persister = StateMachinePersister(timed, Machine("server", "boot", MOVES))
    persister.start("g", "s", {})
    for path in (PATHS.state, PATHS.event(1)):
        document = document_at(timed, path)
        assert document.fields["format"] == 2
        assert not [name for name in document.fields if name.startswith("due")]


def test_a_due_time_is_by_the_stores_clock(timed, clock):
    """A host whose wall clock is hours ahead arms no later than another one."""
    skewed = ManualClock(clock.now() + timedelta(hours=5))
    persister = StateMachinePersister(BackendStore(timed.runtime.access.backend, clock=skewed), SERVER)
    persister.start("g", "other", {})
    clock.advance(7)
    skewed.advance(7)
    persister.start("g", "s", {})
    assert due(persister) == ("fail", clock.now() + BOOT)


def test_it_is_looked_for_by_store_machine_and_shard(place):
    """In the document, on every backend; the event has none of it."""
    store = place.store()
    persister = StateMachinePersister(store, SERVER, PersistenceConfig(due_shards=4))
    keys = set()
    for number in range(20):
        persister.start("g", f"s{number}", {})
        paths = state_layout("g", f"s{number}")
        fields = (document_at(store, paths.state)).fields
        keys.add(fields["due_key"])
        event = (document_at(store, paths.event(1))).fields
        assert (event["due_at"], event["due_action"], event["due_after"]) == (fields["due_at"], "fail", 30.0)
        assert "due_key" not in event
    store_id = store.runtime.writer.origin
    assert keys == {f"{store_id}:server:{shard}" for shard in range(4)}


def test_what_is_due_is_rebuilt_from_the_log(server):
    """The next change of a state that lost its document writes where it is looked for again."""
    before = due(server)
    server.store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    server.store.runtime.writer.heads.drop(PATHS.state)
    assert due(server) == before
    server.log_transition("g", "s", "note", to_status="boot", data={})
    fields = (document_at(server.store, PATHS.state)).fields
    assert fields["due_key"] == f"{server.store.runtime.writer.origin}:server:0"


def test_a_migration_arms_what_a_definition_gained(timed, clock):
    """Once, and only where the definition that moved the state had no such timeout."""
    old = StateMachinePersister(timed, Machine("server", "boot", MOVES))
    old.start("g", "s", {})
    new = StateMachinePersister(timed, SERVER)
    new.start("g", "own", {})
    new.unschedule("g", "own")
    clock.advance(100)
    report = new.migrate("g")
    assert (report.checked, report.migrated) == (2, 1)
    assert due(new) == ("fail", clock.now() + BOOT)
    assert due(new, "own") == (None, None)
    assert (new.migrate("g")).migrated == 0
