"""What a transaction sends to Firestore: reads and one Commit, and never a transaction of the server's."""

import asyncio

import pytest

from tai_state import (
    AsyncFirestoreStore,
    AsyncTransactionManager,
    FirestoreStore,
    LockManager,
    StateMachinePersister,
    TransactionManager,
)
from tests._sync.machines import COUNTER
from tests.integration.backends.firestore_loopback import HOST, Loopback


@pytest.fixture
def server(monkeypatch):
    """A server that knows neither BeginTransaction nor Rollback, and notes what it is asked."""
    loopback = Loopback()
    monkeypatch.setenv(HOST, loopback.host)
    yield loopback
    loopback.stop()


def run_sync(**options):
    def body(tx):
        tx.batch_get_states("g", ["a", "b", "c"])
        if not options.get("read_only"):
            tx.save_state("g", "a", {"n": 1})
            tx.save_state("g", "b", {"n": 2})

    with FirestoreStore("p", actor="tester") as store:
        TransactionManager(store).run(body, **options)


def run_async(**options):
    async def body(tx):
        await tx.batch_get_states("g", ["a", "b", "c"])
        if not options.get("read_only"):
            await tx.save_state("g", "a", {"n": 1})
            await tx.save_state("g", "b", {"n": 2})

    async def main():
        async with AsyncFirestoreStore("p", actor="tester") as store:
            await AsyncTransactionManager(store).run(body, **options)

    asyncio.run(main())


READS = ["BatchGetDocuments"] * 2
"""Of states that are missing: their documents, and whether there ever were any."""


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_a_writing_transaction_is_its_reads_and_one_commit(server, run):
    """And none of it is part of a transaction of the server's."""
    run()
    assert server.rpcs() == [*READS, "Commit"]
    *reads, (_, _, commit) = server.calls
    assert reads[0][2].WhichOneof("consistency_selector") is None
    assert not commit.transaction


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_a_read_only_transaction_only_reads(server, run):
    """Nothing but BatchGets; on an emulator one of them asks for the time."""
    run(read_only=True)
    assert server.rpcs() == [*READS, "BatchGetDocuments"]
    assert all(call[2].WhichOneof("consistency_selector") in {None, "read_time"} for call in server.calls)


@pytest.mark.parametrize("run", [run_sync, run_async])
def test_a_keyed_transaction_asks_for_its_record_first(server, run):
    """One RPC more."""
    run(idempotency_key="k")
    assert server.rpcs() == ["BatchGetDocuments", *READS, "Commit"]


def test_nothing_ever_locks_on_the_server(server):
    """A client that dies leaves nothing there that others would wait for: no request is part of a transaction."""
    with FirestoreStore("p", actor="tester") as store:
        persister = StateMachinePersister(store, COUNTER)
        persister.start("g", "s", {"n": 0})
        with LockManager(store).hold("r") as lock:
            lock.renew()
            persister.transition("g", "s", "add", 1, lock=lock)
            TransactionManager(store).run(lambda tx: tx.save_state("g", "t", {"n": 1}), lock=lock)
    assert set(server.rpcs()) == {"BatchGetDocuments", "Commit"}
    for rpc, _, request in server.calls:
        assert not request.transaction
        assert rpc == "Commit" or not request.HasField("new_transaction")
