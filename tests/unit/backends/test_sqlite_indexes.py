"""SQLite finds what queries ask for by an index, which the first who asks makes."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.backends.sqlite.packing import plain
from tai_state.backends.sqlite.querying import LATE_INDEXES, Index, Place, place_of, spell, spell_count
from tai_state.documents import Cursor, DocumentPath, FieldEquals, FieldRange, Put, Query

TIMEOUT = 10.0
STATES = "governors/g/states"
OPEN = (FieldEquals("status", "open"),)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def connection(path):
    """The file of a store with a few states, as SQLite opens it."""
    backend = SqliteBackend(path)
    puts = [Put(DocumentPath(STATES, f"{n:03}"), {"status": "open", "deleted": False}) for n in range(50)]
    backend.commit(puts, timeout=TIMEOUT)
    backend.close()
    connection = sqlite3.connect(path)
    # As ours have it.
    connection.create_function("plain", 1, plain, deterministic=True)
    yield connection
    connection.close()


def plan_of(connection, query, after=None):
    """Return how SQLite goes about a page of *query*, in one text."""
    statement, arguments = spell(query, after or place_of(query), 10)
    return "; ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", arguments))


@pytest.mark.parametrize(
    "equal", [OPEN, (*OPEN, FieldEquals("deleted", value=False)), (FieldEquals("deleted", value=False), *OPEN)], ids=str
)
@pytest.mark.parametrize("after", [None, Cursor(DocumentPath(STATES, "007"))], ids=str)
def test_states_of_a_status_are_found_by_an_index(connection, equal, after):
    """Neither are others looked at nor is anything sorted, also from a cursor on."""
    connection.execute(LATE_INDEXES[0].statement)
    plan = plan_of(connection, Query(collection=STATES, equal=equal, after=after))
    assert "USING INDEX documents_states_status (collection=? AND <expr>=?" in plan
    assert "TEMP B-TREE" not in plan
    assert ("AND id>?" in plan) is (after is not None)


@pytest.mark.parametrize("after", [None, Place(1_772_323_200_000_000, "x")], ids=str)
def test_events_of_a_time_are_found_by_an_index(connection, after):
    """In the order of their time, also from a place on."""
    connection.execute(LATE_INDEXES[1].statement)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    query = Query(collection="governors/g/events", within=FieldRange("timestamp", since))
    plan = plan_of(connection, query, after)
    assert "USING INDEX documents_events_timestamp (collection=? AND <expr>>" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("is_group", [False, True])
@pytest.mark.parametrize("after", [None, Place(5, "x")], ids=str)
def test_a_range_is_read_in_the_order_of_its_index(connection, is_descending, is_group, after):
    """A field that is indexed, of a collection or of a group, is neither scanned for nor sorted, in either order."""
    index = Index("due", "at", is_group)
    connection.execute(index.statement)
    query = Query(
        collection="due" if is_group else "governors/g/due",
        within=FieldRange("at", 1, 9),
        is_group=is_group,
        is_descending=is_descending,
    )
    plan = plan_of(connection, query, after)
    of = "<expr>>? AND <expr><?" if is_group else "collection=? AND <expr>>? AND <expr><?"
    assert f"USING INDEX {index.name} ({of})" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("after", [None, Place('{"$time":"2026-03-01T00:00:00Z"}', "x")], ids=str)
def test_what_is_due_is_found_by_an_index_of_that_alone(connection, path, after):
    """In the order of time, of one key; where nothing is due, nothing is in it. The first who asks makes it."""
    index = LATE_INDEXES[3]
    connection.execute(index.statement)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    query = Query(
        collection="states",
        equal=(FieldEquals("due_key", "a:m:0"),),
        within=FieldRange("due_at", since, since + timedelta(days=1)),
        is_group=True,
    )
    plan = plan_of(connection, query, after)
    assert f"USING INDEX {index.name} (<expr>=? AND <expr>>? AND <expr><?)" in plan
    assert "TEMP B-TREE" not in plan
    connection.execute(f"DROP INDEX {index.name}")
    connection.commit()
    backend = SqliteBackend(path)
    due = {"due_key": "a:m:0", "due_at": since}
    backend.commit([Put(DocumentPath(STATES, "due"), due)], timeout=TIMEOUT)
    assert [one.path.id for one in backend.query(query, timeout=TIMEOUT)] == ["due"]
    backend.close()
    assert connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", [index.name]).fetchall()


def test_the_first_who_asks_for_a_status_makes_its_index(connection, path):
    """Over documents that are damaged, too; where nobody asks, there is none, and no commit pays for it."""
    assert not index_names(connection)
    connection.execute("UPDATE documents SET body = x'7b' WHERE id = '001'")
    connection.commit()
    backend = SqliteBackend(path)
    found = [one.path.id for one in backend.query(Query(collection=STATES, equal=OPEN), limit=3, timeout=TIMEOUT)]
    backend.close()
    assert found == ["000", "002", "003"]
    assert index_names(connection) == ["documents_states_status"]
    assert "documents_states_status" in plan_of(connection, Query(collection=STATES, equal=OPEN))


def index_names(connection):
    """Return the indexes of documents by what they hold."""
    named = "SELECT name FROM sqlite_schema WHERE name GLOB 'documents_states*' OR name GLOB 'documents_events*'"
    return [name for (name,) in connection.execute(named)]


def test_a_file_that_is_busy_is_used_without_its_indexes(connection, path):
    """An index only saves time: while somebody else writes for long, a file is read without."""
    connection.execute("BEGIN IMMEDIATE")
    backend = SqliteBackend(path)
    found = [one.path.id for one in backend.query(Query(collection=STATES, equal=OPEN), limit=1, timeout=1.0)]
    backend.close()
    assert found == ["000"]


def test_a_document_that_is_damaged_can_be_written_over(connection, path):
    """What a file holds of damaged JSON is in no index, and in nobody's way."""
    connection.execute("UPDATE documents SET body = x'7b22' WHERE id = '004'")
    connection.commit()
    backend = SqliteBackend(path)
    backend.commit([Put(DocumentPath(STATES, "004"), {"status": "closed"})], timeout=TIMEOUT)
    query = Query(collection=STATES, equal=(FieldEquals("status", "closed"),))
    found = [one.path.id for one in backend.query(query, timeout=TIMEOUT)]
    backend.close()
    assert found == ["004"]


def test_what_is_looked_for_costs_no_look_into_the_json(connection, path):
    """A state that is changed is found by what stands beside its document, as an event is by its time."""
    backend = SqliteBackend(path)
    moment = datetime(2026, 5, 1, 12, 30, 59, 999_999, tzinfo=UTC)
    event = {"timestamp": moment, "to_state": {"text": "x" * 600}}
    backend.commit([Put(DocumentPath("governors/g/events", "e"), event)], timeout=TIMEOUT)
    sought = connection.execute("SELECT id, sought FROM documents WHERE id IN ('000', 'e') ORDER BY id").fetchall()
    assert sought == [("000", "open"), ("e", 1_777_638_659_999_999)]
    since = FieldRange("timestamp", moment, moment + timedelta(microseconds=1))
    query = Query(collection="governors/g/events", within=since)
    assert [one.fields for one in backend.query(query, timeout=TIMEOUT)] == [event]
    later = FieldRange("timestamp", moment + timedelta(microseconds=1))
    assert not list(backend.query(Query(collection="governors/g/events", within=later), timeout=TIMEOUT))
    backend.close()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(collection="governors/g/events", equal=(FieldEquals("kind", "a"),)), ["1", "2"]),
        (Query(collection="governors/g/events", equal=(FieldEquals("n", 2),)), ["2"]),
        (Query(collection="events", is_group=True, within=FieldRange("n", 1, 9)), ["3", "2", "1"]),
    ],
    ids=str,
)
def test_events_are_looked_through_by_any_field(path, query, found):
    """What is compressed is as any other document to a query, and is counted as it."""
    backend = SqliteBackend(path)
    for n, kind in ((3, "a"), (2, "a"), (1, "b")):
        event = {"n": n, "kind": kind, "to_state": {"text": "x" * 600}}
        backend.commit([Put(DocumentPath("governors/g/events", str(4 - n)), event)], timeout=TIMEOUT)
    assert [one.path.id for one in backend.query(query, timeout=TIMEOUT)] == found
    assert backend.count(query, timeout=TIMEOUT) == len(found)
    counting = spell_count(query)
    assert (counting is None) is (query.within is not None)
    backend.close()
