"""SQLite finds what a list holds, and what changed since, by an index that nobody pays for who asks for neither."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.backends.sqlite.querying import LATE_INDEXES, Place, place_of, spell, spell_count
from tai_state.documents import (
    UPDATE_TIME,
    Cursor,
    Delete,
    DocumentPath,
    FieldContains,
    FieldEquals,
    FieldRange,
    Put,
    Query,
)

FORMAT_1 = Path(__file__).parents[2] / "data" / "format1" / "store.db"
TIMEOUT = 10.0
STATES = "governors/g/states"
VIP = FieldContains("labels", "customer=vip")
GROUP = Query(collection="states", contains=VIP, is_group=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def backend(path):
    backend = SqliteBackend(path)
    yield backend
    backend.close()


@pytest.fixture
def connection(path, backend):
    """The file, as SQLite opens it, of a store that holds a state without labels."""
    put(backend, "plain", {"n": 1})
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def put(backend, id_, fields):
    return backend.commit([Put(DocumentPath(STATES, id_), fields)], timeout=TIMEOUT)


def changed_since(moment, **options):
    return Query(collection="states", within=FieldRange(UPDATE_TIME, moment), is_group=True, **options)


def found(backend, query):
    return [one.path.id for one in backend.query(query, timeout=TIMEOUT)]


def names(connection):
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


def terms(connection):
    return connection.execute("SELECT term, id FROM terms ORDER BY term, place").fetchall()


def plan_of(connection, spelled):
    statement, arguments = spelled
    return "; ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", arguments))


@pytest.mark.parametrize(
    "query",
    [
        GROUP,
        Query(collection=STATES, contains=VIP),
        Query(collection=STATES, contains=VIP, after=Cursor(DocumentPath(STATES, "m"))),
        Query(collection="states", contains=VIP, is_group=True, equal=(FieldEquals("status", "open"),)),
    ],
    ids=str,
)
def test_a_list_is_found_by_the_table_of_terms(backend, connection, query):
    """Neither are states without the term looked at nor is anything sorted, also from a cursor on, or to count."""
    put(backend, "a", {"labels": ["customer=vip"]})
    for spelled in (spell(query, place_of(query), 10), spell_count(query)):
        plan = plan_of(connection, spelled)
        assert "SEARCH terms USING PRIMARY KEY (term=?" in plan
        assert "SEARCH documents USING" in plan
        assert "TEMP B-TREE" not in plan
        assert "SCAN" not in plan


def test_the_table_is_made_with_the_first_list(backend, connection):
    """A store whose states have none has no trigger that each of its commits would meet."""
    assert not {name for name in names(connection) if "terms" in name}
    assert found(backend, GROUP) == []
    assert backend.count(GROUP, timeout=TIMEOUT) == 0
    put(backend, "a", {"labels": ["customer=vip"]})
    assert {"terms", "terms_of_new", "terms_of_changed", "terms_of_removed"} <= names(connection)
    assert found(backend, GROUP) == ["a"]


def test_the_table_holds_what_the_lists_hold(backend, connection):
    """Nothing of a term stays once no list has it: it may be somebody's name."""
    for id_ in "abc":
        put(backend, id_, {"labels": ["customer=vip", "x=1"]})
    put(backend, "a", {"labels": ["x=1", "odd=\0"]})
    put(backend, "b", {"n": 1})
    backend.commit([Delete(DocumentPath(STATES, "c"))], timeout=TIMEOUT)
    assert terms(connection) == [("x=1", "a")]


def test_a_list_of_another_collection_is_in_no_table(backend, connection):
    """What is looked for are states; elsewhere the field is one like any other."""
    backend.commit([Put(DocumentPath("governors/g/events", "s@1"), {"labels": ["x=1"]})], timeout=TIMEOUT)
    assert "terms" not in names(connection)


def test_a_refused_commit_leaves_no_term(backend, connection):
    """The table is written in the document's own transaction."""
    put(backend, "a", {"labels": ["x=1"]})
    with pytest.raises(Exception, match="a value cannot be stored"):
        put(backend, "b", {"labels": ["x=2"], "bad": object()})
    assert terms(connection) == [("x=1", "a")]


def test_a_file_of_an_earlier_release_gets_the_column(tmp_path):
    """One that was made before there were any lists."""
    shutil.copy(FORMAT_1, tmp_path / "old.db")
    later = SqliteBackend(tmp_path / "old.db")
    put(later, "a", {"labels": ["customer=vip"]})
    assert found(later, GROUP) == ["a"]
    later.close()


def test_a_file_that_is_only_read_need_not_have_the_column(tmp_path):
    """Nothing can have been written into the lists that are looked for."""
    shutil.copy(FORMAT_1, tmp_path / "old.db")
    reader = SqliteBackend(tmp_path / "old.db", read_only=True)
    assert found(reader, GROUP) == []
    assert found(reader, changed_since(reader.server_time(timeout=TIMEOUT))) == []
    reader.close()


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("after", [None, Place(5, "x")], ids=str)
def test_what_changed_is_found_by_an_index_that_is_made_when_it_is_asked_for(backend, connection, is_descending, after):
    """In the order of the changes, without a sort; before anybody asks, no change of a state pays for it."""
    index = LATE_INDEXES[2]
    assert index.name not in names(connection)
    query = changed_since(backend.server_time(timeout=TIMEOUT), is_descending=is_descending)
    assert found(backend, query) == []
    assert index.name in names(connection)
    connection.execute("SELECT 1 FROM documents LIMIT 1").fetchall()
    plan = plan_of(connection, spell(query, after, 10))
    assert f"USING INDEX {index.name} (update_time>?" in plan
    assert "TEMP B-TREE" not in plan
    assert f"USING INDEX {index.name}" in plan_of(connection, spell_count(query))


@pytest.mark.parametrize("after", [None, Place(5, "x")], ids=str)
def test_what_changed_of_one_governor_is_found_by_an_index_of_its_own(backend, connection, after):
    """Neither are all of its states looked at, nor those of others, which may be many more."""
    index = LATE_INDEXES[4]
    since = backend.server_time(timeout=TIMEOUT)
    query = Query(collection="governors/g/states", within=FieldRange(UPDATE_TIME, at_least=since))
    assert found(backend, query) == []
    assert index.name in names(connection)
    connection.execute("SELECT 1 FROM documents LIMIT 1").fetchall()
    plan = plan_of(connection, spell(query, after, 10))
    assert f"USING INDEX {index.name} (collection=? AND update_time>?" in plan
    assert "TEMP B-TREE" not in plan


def test_while_somebody_writes_what_changed_is_found_without_an_index(path, backend, connection):
    """An index only saves time; the next one who asks makes it."""
    index = LATE_INDEXES[2]
    began = backend.server_time(timeout=TIMEOUT)
    put(backend, "a", {"n": 2})
    connection.execute("BEGIN IMMEDIATE")
    assert [one.path.id for one in backend.query(changed_since(began), timeout=0.5)] == ["a"]
    connection.rollback()
    assert index.name not in names(connection)
    assert found(backend, changed_since(began)) == ["a"]
    assert index.name in names(connection)
