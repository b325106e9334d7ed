"""Removing what has expired from an SQLite file: by an index, in old files too, safe among processes and failures."""

import shutil
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import tai_state.backends.sqlite.expiry as removal
from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.backends.sqlite import applying, group
from tai_state.documents import DocumentPath, Put
from tai_state.testing.clock import ManualClock

FORMAT_1 = Path(__file__).parents[2] / "data" / "format1" / "store.db"
BETWEEN = 5
TTL = 10.0
OLD_UPDATE = "UPDATE documents SET update_time = ?, body = ? WHERE id = 'r'"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Every fifth commit removes, counted from the first: a random one might do so before its time."""
    monkeypatch.setattr(removal, "COMMITS_BETWEEN", BETWEEN)
    monkeypatch.setattr(group, "commits_until_first", lambda: BETWEEN)


@pytest.fixture
def backend(path, clock):
    backend = SqliteBackend(path, clock=clock)
    yield backend
    backend.close()


def receipt(clock, ttl=TTL):
    return {"tai_expires_at": clock.now() + timedelta(seconds=ttl), "ttl_seconds": ttl}


def put(backend, collection, fields, id_="r"):
    return backend.commit([Put(DocumentPath(collection, id_), fields)], timeout=5)


def pass_turns(backend):
    for number in range(BETWEEN):
        put(backend, "others", {"n": number}, "o")


def rows(path, question="SELECT collection, id, expires_at FROM documents"):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def test_it_costs_no_scan(backend, path):
    """What is due is found by an index that holds nothing else."""
    put(backend, "others", {"n": 1})
    connection = sqlite3.connect(path)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {removal.DUE}", (1, 1)).fetchall()
    connection.close()
    assert [row[3] for row in plan] == ["SEARCH documents USING INDEX documents_expiry (expires_at<?)"]


def test_a_file_of_an_earlier_release_gets_it(path):
    """Receipts that were written before the column was are removed, once; nothing else changes."""
    shutil.copy(FORMAT_1, path)
    everything = "SELECT collection, id, create_time, update_time, body FROM documents ORDER BY 1, 2"
    before = rows(path, everything.replace("body", "fields"))
    receipts = [row for row in before if b"tai_expires_at" in row[4]]
    assert {row[0] for row in receipts} >= {"governors/shop/receipts"}
    for _ in range(2):
        backend = SqliteBackend(path)
        backend.get(DocumentPath("others", "o"), timeout=5)
        backend.close()
    assert rows(path, everything) == before
    hinted = {row[1] for row in rows(path) if row[2] == 0}
    assert hinted >= {row[1] for row in receipts}
    clock = ManualClock()
    clock.step_wall(100 * 366 * 86_400)
    late = SqliteBackend(path, clock=clock)
    pass_turns(late)
    late.close()
    assert [row for row in rows(path, everything) if row[0] != "others"] == [
        row for row in before if row not in receipts
    ]


def test_a_receipt_of_an_earlier_release_that_lives_stays(path):
    """The old file's receipts are judged by what they say, and looked at again when their time is over."""
    shutil.copy(FORMAT_1, path)
    ((newest,),) = rows(path, "SELECT max(update_time) FROM documents")
    clock = ManualClock()
    clock.step_wall(newest / 1_000_000 - clock.now().timestamp() + 1)
    backend = SqliteBackend(path, clock=clock)
    pass_turns(backend)
    backend.close()
    hints = [hint for collection, _, hint in rows(path) if collection.endswith("/receipts")]
    assert hints
    assert all(hint > newest for hint in hints)


def test_what_an_older_build_wrote_over_is_judged_anew(backend, path, clock):
    """Such a build leaves the hint as it was: the receipt that it renewed lives by its own time."""
    put(backend, "receipts", receipt(clock))
    ((_, _, hint),) = rows(path)
    clock.advance(2 * TTL)
    later = put(backend, "later", receipt(clock))
    ((body, update_us),) = rows(path, "SELECT body, update_time FROM documents WHERE collection = 'later'")
    connection = sqlite3.connect(path)
    connection.execute(OLD_UPDATE + " AND collection = 'receipts'", (update_us, body))
    connection.commit()
    connection.close()
    del later
    pass_turns(backend)
    hints = {collection: found for collection, _, found in rows(path)}
    assert hint is not None
    assert hints["receipts"] == hints["later"] > hint
    clock.advance(2 * TTL)
    pass_turns(backend)
    assert {collection for collection, _, _ in rows(path)} == {"others"}


def test_damage_keeps_nothing_else(backend, path, clock):
    """What cannot be read stays where it is, and is not looked at for ever."""
    for collection in ("damaged", "receipts"):
        put(backend, collection, receipt(clock))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE documents SET body = x'FF7B' WHERE collection = 'damaged'")
    connection.commit()
    connection.close()
    clock.advance(2 * TTL)
    pass_turns(backend)
    assert rows(path) == [("damaged", "r", None), ("others", "o", None)]


@pytest.mark.parametrize("spoiled", ["body = 5", "body = 1.5", "body = x''", "update_time = 'x'"])
def test_a_row_that_no_release_wrote_fails_no_change(backend, path, clock, spoiled):
    """It is damage, which stays; every commit beside it is told as done, and what is over goes."""
    for collection in ("damaged", "receipts"):
        put(backend, collection, receipt(clock))
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE documents SET {spoiled} WHERE collection = 'damaged'")
    connection.commit()
    connection.close()
    clock.advance(2 * TTL)
    pass_turns(backend)
    assert rows(path) == [("damaged", "r", None), ("others", "o", None)]


def test_any_error_of_a_removal_fails_no_change(backend, path, clock, monkeypatch):
    """One of ours, too: the commits before it are durable, and a caller who is told otherwise doubles his change."""

    def fail(cursor, now_us):
        del cursor, now_us
        raise TypeError

    with monkeypatch.context() as context:
        context.setattr(applying, "remove_expired", fail)
        pass_turns(backend)
        pass_turns(backend)
    assert rows(path) == [("others", "o", None)]


@pytest.mark.parametrize("bound", ["DOCUMENTS_MAX", "BYTES_MAX"])
def test_what_is_more_than_one_removal_takes_does_not_pile_up(backend, path, clock, monkeypatch, bound):
    """The next part goes soon, not with the next turn."""
    monkeypatch.setattr(removal, bound, 1)
    monkeypatch.setattr(removal, "COMMITS_BETWEEN_PARTS", 1)
    backend.commit([Put(DocumentPath("receipts", f"{n}"), receipt(clock)) for n in range(4)], timeout=5)
    clock.advance(2 * TTL)
    pass_turns(backend)
    for number in range(4):
        put(backend, "others", {"n": -number}, "o")
    assert rows(path) == [("others", "o", None)]


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("disk I/O error"), sqlite3.DatabaseError("malformed")], ids=["io", "damage"]
)
def test_a_removal_that_fails_fails_no_change(backend, path, clock, monkeypatch, error):
    """Every commit is acknowledged and there; the next turn tries again."""
    put(backend, "receipts", receipt(clock))
    clock.advance(2 * TTL)
    tries = []

    def fail(cursor, now_us):
        cursor.execute("DELETE FROM documents")
        tries.append(now_us)
        raise error

    with monkeypatch.context() as context:
        context.setattr(applying, "remove_expired", fail)
        pass_turns(backend)
        pass_turns(backend)
    assert len(tries) == 2
    assert {collection for collection, _, _ in rows(path)} == {"receipts", "others"}
    pass_turns(backend)
    assert {collection for collection, _, _ in rows(path)} == {"others"}


def test_an_interrupted_removal_leaves_no_transaction(backend, path, clock, monkeypatch):
    """The change stands, and the next one finds the file free."""

    def interrupt(cursor, now_us):
        del now_us
        cursor.execute("DELETE FROM documents")
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(applying, "remove_expired", interrupt)
        with pytest.raises(KeyboardInterrupt):
            pass_turns(backend)
    put(backend, "after", {"n": 1})
    assert {collection for collection, _, _ in rows(path)} == {"others", "after"}


def test_another_writer_is_not_waited_for(backend, path, clock, monkeypatch):
    """A removal that finds the file locked comes behind the next commit instead."""
    put(backend, "receipts", receipt(clock))
    clock.advance(2 * TTL)
    begin = applying.GroupApplier.begin
    others = sqlite3.connect(path, isolation_level=None)
    remove = applying.GroupApplier.remove_expired

    def behind_another(applier):
        others.execute("BEGIN IMMEDIATE")
        try:
            remove(applier)
        finally:
            others.execute("ROLLBACK")

    with monkeypatch.context() as context:
        context.setattr(applying.GroupApplier, "remove_expired", behind_another)
        pass_turns(backend)
    others.close()
    assert applying.GroupApplier.begin is begin
    assert len(rows(path)) == 2
    put(backend, "others", {"n": -1}, "o")
    assert rows(path) == [("others", "o", None)]


KEYED = """
import sys
from tai_state.backends.sqlite import expiry
expiry.COMMITS_BETWEEN = 7
from datetime import timedelta
from tai_state import SqliteStore
path, name = sys.argv[1:]
short = SqliteStore(path, synchronous="NORMAL", receipt_ttl=timedelta(milliseconds=1))
long = SqliteStore(path, synchronous="NORMAL", receipt_ttl=timedelta(days=1))
for number in range(60):
    short.save_state("short", name, {"n": number}, idempotency_key=f"{number}")
    for _ in range(2):
        assert long.save_state("long", name, {"n": number}, idempotency_key=f"{number}") == number + 1
short.close()
long.close()
"""


def test_several_processes_remove_at_once(path):
    """What lives is known by its key whoever removes what is over, and of that nothing is left."""
    racers = [subprocess.Popen([sys.executable, "-c", KEYED, str(path), name]) for name in ("a", "b")]
    assert [racer.wait() for racer in racers] == [0, 0]
    after = SqliteBackend(path)
    pass_turns(after)
    after.close()
    counted = "SELECT collection, count(*) FROM documents WHERE collection GLOB '*/*s' GROUP BY 1"
    counts = dict(rows(path, counted))
    assert {name: counts[f"governors/{name}/events"] for name in ("short", "long")} == {"short": 120, "long": 120}
    assert counts["governors/long/receipts"] == 120
    assert "governors/short/receipts" not in counts


def test_processes_of_few_commits_remove_too(monkeypatch):
    """Of a thousand processes that commit once, about as many remove as one that commits a thousand times."""
    monkeypatch.setattr(removal, "COMMITS_BETWEEN", 100)
    due = sum(removal.commits_until_first() == 1 for _ in range(10_000))
    assert 50 <= due <= 150
