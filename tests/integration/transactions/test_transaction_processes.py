"""A process that dies inside a transaction: nobody waits for it, and nothing of it is left."""

import subprocess
import sys
from pathlib import Path

import pytest

import tai_state
from tai_state import LockConfig, LockManager, SystemClock, TransactionManager, connect
from tests._sync.accounts import BANK, amounts, open_accounts, transfer

ROOT = Path(tai_state.__file__).parents[1]
TTL = 2.0
LONG = 60.0
AT_ONCE = 15.0
"""Seconds in which a busy machine makes a transfer; a server's own transaction would keep others out for 50."""

monotonic = SystemClock().monotonic

# Takes the lock, moves money, and stands still inside the transaction until it is killed.
VICTIM = """
import sys
from tai_state import LockConfig, LockManager, TransactionManager, connect
from tests._sync.accounts import transfer
url, moment, ttl = sys.argv[1], sys.argv[2], float(sys.argv[3])
store = connect(url, actor="victim")
def stand():
    print("inside", flush=True)
    sys.stdin.readline()
commit = store.runtime.access.backend.commit
def standing(writes, *, timeout):
    if moment == "before its commit":
        stand()
    result = commit(writes, timeout=timeout)
    stand()
    return result
def body(tx):
    transfer(tx, "a", "b", 10)
    if moment == "in its body":
        stand()
lock = LockManager(store, LockConfig(ttl=ttl)).acquire("bank", owner="victim", heartbeat=False)
if moment != "in its body":
    store.runtime.access.backend.commit = standing
TransactionManager(store).run(body, lock=lock)
"""


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def url(request):
    """The URL of an empty place that processes share."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}"
    return f"firestore://{request.getfixturevalue('tai_state_project')}"


def kill_inside(url, moment):
    """Let a process die at *moment* of a transaction."""
    process = subprocess.Popen(
        [sys.executable, "-c", VICTIM, url, moment, str(TTL)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "inside\n"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.mark.parametrize(
    ("moment", "made"), [("in its body", 0), ("before its commit", 0), ("before the reply", 1)], ids=str
)
def test_a_killed_transaction_keeps_nobody_waiting(url, moment, made):
    """Others change the same documents at once, its lock is free after its ttl; it was made or it was not."""
    with connect(url, actor="tester") as store:
        open_accounts(store, a=100, b=0)
        kill_inside(url, moment)
        died = monotonic()
        manager = TransactionManager(store)
        manager.run(lambda tx: transfer(tx, "a", "b", 1))
        assert monotonic() - died < AT_ONCE
        with LockManager(store, LockConfig(ttl=TTL)).hold("bank", timeout=LONG) as lock:
            assert monotonic() - died < TTL + AT_ONCE
            manager.run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
        assert amounts(store, "a", "b") == [98 - 10 * made, 2 + 10 * made]
        assert sum(1 for _ in manager.list_transactions()) == 2 + made
        assert store.stats(BANK).events == 2 + 2 * (2 + made)
