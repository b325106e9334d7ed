"""A file of format 1 is lifted by who opens it to write, and read as it is by who only reads; nothing of it is lost."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tai_state import Machine, SqliteStore, StateMachinePersister, Transition
from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.backends.sqlite import schema
from tai_state.backends.sqlite.packing import plain
from tai_state.backends.sqlite.querying import place_of, spell
from tai_state.documents import DocumentPath, FieldEquals, FieldRange, Query
from tai_state.errors import SchemaVersionError, StoreUnavailableError

DATA = Path(__file__).parents[2] / "data"
OLD = [DATA / "format1" / "store.db", DATA / "layout1" / "store.db"]
"""The file of the first release, and that of the last one which had its columns and indexes."""

ORDERS = Machine("order", "new", [Transition("pay", "new", "paid"), Transition("late", "new", "lost")])
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


def asked(path, *questions):
    connection = sqlite3.connect(path)
    connection.create_function("plain", 1, plain, deterministic=True)
    try:
        return [connection.execute(*question).fetchall() for question in questions]
    finally:
        connection.close()


def documents_of(path, **options):
    """Return all that a store holds, collection by collection."""
    ((names,),) = (asked(path, ("SELECT group_concat(DISTINCT collection) FROM documents",))[0],)
    backend = SqliteBackend(path, **options)
    found = {name: list(backend.scan(name, timeout=5)) for name in names[0].split(",")}
    backend.close()
    return found


@pytest.mark.parametrize("old", OLD, ids=lambda old: old.parent.name)
def test_a_file_that_is_lifted_holds_what_it_held(path, old):
    """Every document as it was, times included, for who only reads it before and for everybody after."""
    shutil.copy(old, path)
    content = path.read_bytes()
    before = documents_of(path, read_only=True)
    assert path.read_bytes() == content
    assert sum(map(len, before.values())) > 10
    assert documents_of(path) == before
    ((version,),), ((schema_version,),) = asked(path, ("PRAGMA user_version",), ("PRAGMA schema_version",))
    assert version == schema.FORMAT
    assert documents_of(path) == before
    # It is lifted once.
    assert asked(path, ("PRAGMA schema_version",)) == [[(schema_version,)]]


def test_who_reads_a_file_that_is_lifted_meanwhile_reads_on(path):
    """He opens it again: one that only watches a store runs for longer than the release of those who write."""
    shutil.copy(OLD[0], path)
    with SqliteStore(path, read_only=True) as reader:
        before = [one.state_id for one in reader.list_states("shop")]
        with SqliteStore(path) as writer:
            writer.save_state("shop", "new", {"n": 1})
            assert [one.state_id for one in reader.list_states("shop")] == sorted([*before, "new"])
            assert reader.get_state("shop", "new")[0].data == {"n": 1}


def found_in(store):
    """Return what is looked for in a store of ``layout1``: by status, by time, by label and by what is due."""
    due = FieldRange("due_at", SINCE)
    key = Query(collection="states", within=due, equal=(FieldEquals("due_key", due_key(store)),), is_group=True)
    return (
        [one.state_id for one in store.list_states("shop", status="paid")],
        [(one.state_id, one.version) for one in store.find_events("shop", since=SINCE)],
        [one.state_id for one in store.find(labels={"customer": "vip"})],
        sorted(one.path.id for one in store.runtime.access.backend.query(key, timeout=5)),
    )


def due_key(store):
    backend = store.runtime.access.backend
    path = DocumentPath("governors/shop/states", "o0")
    return backend.get(path, timeout=5).documents[path].fields["due_key"]


def test_what_is_looked_for_is_found_in_old_documents_and_new_ones(path):
    """In one order, by the indexes that the lifted file gets."""
    shutil.copy(OLD[1], path)
    with SqliteStore(path, read_only=True) as store:
        before = found_in(store)
    events = [(f"o{n}", 1) for n in range(4)] + [("o1", 2), ("o2", 2)]
    assert before[:3] == (["o1", "o2"], events, ["o1", "o3"])
    with SqliteStore(path) as store:
        assert found_in(store) == before
        StateMachinePersister(store, ORDERS).transition("shop", "o3", "pay")
        paid, told, vips, _ = found_in(store)
        assert (paid, told, vips) == (["o1", "o2", "o3"], [*events, ("o3", 2)], ["o1", "o3"])
    by_status = Query(collection="governors/shop/states", equal=(FieldEquals("status", "paid"),))
    by_time = Query(collection="governors/shop/events", within=FieldRange("timestamp", SINCE))
    for query, name in ((by_status, "documents_states_status"), (by_time, "documents_events_timestamp")):
        statement, arguments = spell(query, place_of(query), 10)
        (plan,) = asked(path, (f"EXPLAIN QUERY PLAN {statement}", arguments))
        assert [f"USING INDEX {name}" in row[3] for row in plan] == [True]


def test_an_earlier_release_beside_it_is_refused(path):
    """What had the file open finds its column gone, and whoever opens it later reads the number."""
    shutil.copy(OLD[1], path)
    earlier = sqlite3.connect(path)
    read, write = "SELECT fields FROM documents", "UPDATE documents SET update_time = 1, fields = x'7b7d', terms = NULL"
    assert earlier.execute(read).fetchone()
    backend = SqliteBackend(path)
    backend.server_time(timeout=5)
    backend.close()
    for statement in (read, write):
        with pytest.raises(sqlite3.OperationalError, match="no such column: fields"):
            earlier.execute(statement)
    earlier.close()


def test_a_file_that_somebody_writes_is_lifted_once_he_is_done(path):
    """It waits for its turn, and says so when its time is over; nothing of it is done then."""
    shutil.copy(OLD[1], path)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    backend = SqliteBackend(path)
    with pytest.raises(StoreUnavailableError):
        backend.server_time(timeout=0.2)
    assert asked(path, ("PRAGMA user_version",)) == [[(1,)]]
    writer.execute("ROLLBACK")
    assert backend.server_time(timeout=5)
    assert asked(path, ("PRAGMA user_version",)) == [[(schema.FORMAT,)]]
    backend.close()
    writer.close()


def test_a_release_that_knows_format_1_alone_refuses_the_file(path, monkeypatch):
    """As every one does that meets a later number."""
    shutil.copy(OLD[1], path)
    backend = SqliteBackend(path)
    backend.server_time(timeout=5)
    backend.close()
    monkeypatch.setattr(schema, "FORMAT", 1)
    with pytest.raises(SchemaVersionError):
        SqliteBackend(path).server_time(timeout=5)
