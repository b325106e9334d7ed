# Generated from tests/_async/due/test_elsewhere.py by .ci/generate_sync.py; do not edit.
"""Where what is due is looked for follows the store: behind a repair, an import, and in a copy with its own id."""
from datetime import timedelta

import pytest

from tai_state import (
    SqliteStore,
    StateMachinePersister,
    Machine,
    PersistenceConfig,
    Transition,
    export_store,
    import_store,
)
from tai_state.documents import Delete
from tai_state.due import Timeout
from tai_state.layout import META, state_layout
from tests._sync.stores import TIMEOUT, Place, document_at, plant

BOOT = timedelta(minutes=1)
SERVER = Machine(
    "server",
    "boot",
    [Transition("run", "boot", "running"), Transition("fail", "boot", "failed")],
    timeouts={"boot": Timeout(BOOT, "fail")},
)
PATHS = state_layout("g", "s")


@pytest.fixture
def server(store):
    """A persister that looks under several keys, and a state that is due."""
    persister = StateMachinePersister(store, SERVER, PersistenceConfig(due_shards=8))
    persister.start("g", "s", {"n": 0})
    return persister


def key(store):
    """Return under which key a state is looked for."""
    return (document_at(store, PATHS.state)).fields["due_key"]


def id(store):
    """Return a store's id."""
    return (document_at(store, META)).fields["store_id"]


@pytest.mark.parametrize("damage", ["missing", "damaged", "another status"])
def test_a_repair_writes_where_it_is_looked_for(server, damage):
    """Under the first key, which every worker looks at."""
    store, before = server.store, (server.load_state("g", "s")).snapshot
    if damage == "missing":
        store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    elif damage == "damaged":
        plant(store, PATHS.state, version="x")
    else:
        plant(store, PATHS.state, status="elsewhere", due_at=None)
    report = server.recover("g")
    assert report.unresolved == []
    assert (server.load_state("g", "s")).snapshot == before
    assert key(store) == f"{id(store)}:server:0"


def test_a_snapshot_of_a_state_that_lost_its_document_is_kept(server):
    """It writes the state again as it is, and so must say where it is looked for."""
    server.store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    server.create_snapshot("g", "s")
    assert key(server.store) == f"{id(server.store)}:server:0"


def test_an_import_writes_where_it_is_looked_for_there(server, tmp_path):
    """Under the id of the store that it is brought to, which is given one where it had none."""
    file = str(tmp_path / "store.jsonl")
    export_store(server.store, file)
    assert "due_key" not in (tmp_path / "store.jsonl").read_text(encoding="utf-8")
    place = Place("sqlite", path=tmp_path / "other.db")
    other = place.store()
    import_store(other, file)
    assert id(other) != id(server.store)
    assert key(other) == f"{id(other)}:server:0"
    there = StateMachinePersister(other, SERVER)
    shown = (there.load_state("g", "s")).snapshot
    assert shown.due_at == (server.load_state("g", "s")).snapshot.due_at
    assert (there.validate_consistency("g")).is_consistent
    moved = there.transition("g", "s", "run")
    assert moved.event.origin == id(other)
    place.close()


def test_a_copy_with_an_id_of_its_own_looks_under_that(tmp_path):
    """Many states, more than one commit writes; the store that it was copied from goes on."""
    with SqliteStore(tmp_path / "a.db", actor="tester") as store:
        persister = StateMachinePersister(store, SERVER)
        for number in range(60):
            persister.start("g", f"s{number}", {})
        store.save_state("g", "plain", {})
        store.backup(tmp_path / "copy.db")
    SqliteStore.restore(tmp_path / "copy.db", tmp_path / "b.db")
    with SqliteStore(tmp_path / "b.db") as copy:
        keys = set()
        for number in range(60):
            keys.add((document_at(copy, state_layout("g", f"s{number}").state)).fields["due_key"])
        assert keys == {f"{id(copy)}:server:0"}
        assert (StateMachinePersister(copy, SERVER).validate_consistency("g")).is_consistent
