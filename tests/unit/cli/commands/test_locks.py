"""``locks``."""

import json
import os

import pytest
from click.testing import CliRunner

from tai_state import LockManager, SqliteStore
from tai_state.cli import main
from tai_state.documents import DocumentPath, Put
from tai_state.layout import AUDIT, WAITS
from tai_state.rules.locking.deadlocks import Edge, Wait, wait_write
from tai_state.rules.locking.leases import lease_path, read_lease
from tai_state.rules.locking.owners import Owner

TIMEOUT = 10.0


@pytest.fixture
def store(tmp_path):
    """A store in which ann has a lock, bob waits for it, and another lock is free; she does not renew it."""
    with SqliteStore(tmp_path / "locks.db", actor="ann") as store:
        locks = LockManager(store)
        locks.acquire("free", owner="ann").release()
        locks.acquire("front", owner="ann", ttl=60, heartbeat=False)
        access = store.runtime.access
        path = lease_path("front")
        lease = read_lease(access.backend.get(path, timeout=TIMEOUT).documents[path])
        waiter = Owner("bob", "pi-7-0123456789abcdef/task-1")
        write = wait_write(Wait(owner=waiter, nonce="n", edges=(Edge.to(lease),)), now=access.clock.now())
        access.backend.commit([write], timeout=TIMEOUT)
        yield store


@pytest.fixture
def locks(store, tmp_path):
    """Run a command of the group on it, and expect its exit code."""
    url = f"sqlite:///{tmp_path / 'locks.db'}"

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, ["--store", url, "--actor", "eve", "locks", *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def is_held(store):
    found = LockManager(store).inspect("front")
    return found is not None and found.held


def test_who_has_a_lock_and_who_waits_for_it_is_told(locks):
    """On which host and in which process, since when, until when by the store's clock."""
    (row,) = [json.loads(line) for line in locks("list", "--json").stdout.splitlines()]
    assert (row["resource"], row["held"], row["holder"], row["fencing_token"]) == ("front", True, "ann", 1)
    assert (row["holder_host"], row["holder_pid"]) == (os.uname().nodename, os.getpid())
    assert 0 < row["remaining_seconds"] <= 60
    assert row["since"] < row["expires_at"]
    (wait,) = row["waiters"]
    assert (wait["owner"], wait["host"], wait["pid"], wait["fencing_token"]) == ("bob", "pi", 7, 1)


def test_a_person_reads_a_row_for_each_lock(locks):
    """Those that are free with --all only."""
    (row,) = locks("list").stdout.splitlines()[1:]
    assert row.split()[:4] == ["front", "held", "1", "ann"]
    assert row.endswith("bob (pi:7)")
    assert [line.split()[:2] for line in locks("list", "--all").stdout.splitlines()[1:]] == [
        ["free", "free"],
        ["front", "held"],
    ]


def test_a_damaged_wait_hides_no_lock(store, locks):
    """It is named behind them, and the exit code says that something is left."""
    stranger = DocumentPath(WAITS, "x")
    store.runtime.access.backend.commit([Put(stranger, {"a": 1})], timeout=TIMEOUT)
    result = locks("list", code=1)
    assert "bob (pi:7)" in result.stdout
    assert "document waits/x is no wait" in result.stderr


def test_one_lock_is_inspected(locks):
    """A line for each thing that is known of it."""
    lines = dict(line.split(maxsplit=1) for line in locks("inspect", "front").stdout.splitlines()[:4])
    assert lines == {"resource": "front", "status": "held", "token": "1", "holder": "ann"}


@pytest.mark.parametrize("arguments", [("inspect", "never"), ("break", "never", "--token", "1", "--reason", "x")])
def test_a_lock_that_was_never_taken_is_not_found(locks, arguments):
    """One line says so."""
    result = locks("--json", *arguments, code=1)
    assert json.loads(result.stderr)["error"] == "lock_not_found"


def test_a_lock_is_broken_under_its_token_for_a_reason(store, locks):
    """It is free then, and the record says who did it, why, and to whom."""
    result = locks("break", "front", "--token", "1", "--reason", "its host is gone")
    assert "was held by  ann" in result.stdout
    assert not is_held(store)
    (record,) = [one.fields for one in store.runtime.access.scan(AUDIT)]
    assert (record["changed_by"], record["reason"], record["holder"]) == ("eve", "its host is gone", "ann")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("front", "--token", "2", "--reason", "x"), 1, "is held by 'ann' under token 1; nothing was done"),
        (("free", "--token", "1", "--reason", "x"), 1, "is free since token 1; nothing was done"),
        (("front", "--token", "1"), 2, "for a reason only"),
        (("front", "--token", "1", "--reason", " "), 2, "for a reason only"),
        (("front", "--reason", "x"), 2, "--token"),
        (("tai_state:x", "--token", "0", "--reason", "x"), 2, "--token"),
    ],
)
def test_nobody_elses_lock_is_broken(store, locks, arguments, code, said):
    """Another token, or no reason: it is told how the lock stands, and nothing is written."""
    assert said in locks("break", *arguments, code=code).stderr
    assert is_held(store)
    assert list(store.runtime.access.scan(AUDIT)) == []


def test_a_store_without_locks_says_so(run):
    """No row, no error."""
    assert "nobody has a lock" in run("locks", "list").stderr
