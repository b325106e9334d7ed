"""Everything that the package asks a backend for and writes to it, seen by a backend that notes it."""

import ast
import sys
import threading
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tai_state
from tai_state import (
    BackendStore,
    HistoryPolicy,
    LockConfig,
    LockManager,
    LockTimeoutError,
    Machine,
    MemoryStore,
    PersistenceConfig,
    StateMachinePersister,
    TransactionManager,
    Transition,
    lock_owner,
    recover,
)
from tai_state.causality import LastWriteWins
from tai_state.distributed import DistributedTransaction, settle
from tai_state.documents import UPDATE_TIME, Put, Query
from tai_state.due import DueWorker, Timeout
from tai_state.jobs import JobQueue
from tai_state.layout import state_layout
from tai_state.replicas import sync
from tai_state.rules.records.feeding import Discovery
from tests._sync.machines import COUNTER
from tests._sync.stores import WrappedBackend, plant

PACKAGE = Path(tai_state.__file__).parent


class NotingBackend(WrappedBackend):
    """Notes each query, and each document that is put."""

    def __init__(self, inner):
        super().__init__(inner)
        self.queries: list[Query] = []
        self.puts: dict[str, set[str]] = {}
        """The names of the fields of all documents, by the last part of their collection's path."""
        self.paths: set[str] = set()
        """The paths of the collections that were written to."""

    def query(self, query, *, limit=None, timeout):
        # What is asked by the time of the last change is asked of engines that need no index to be declared.
        if query.within is None or query.within.name != UPDATE_TIME:
            self.queries.append(query)
        return super().query(query, limit=limit, timeout=timeout)

    def count(self, query, *, timeout):
        self.queries.append(query)
        return super().count(query, timeout=timeout)

    def commit(self, writes, *, timeout):
        for write in writes:
            if isinstance(write, Put):
                self.paths.add(write.path.collection)
                self.puts.setdefault(write.path.collection.rpartition("/")[2], set()).update(write.fields)
        return super().commit(writes, timeout=timeout)


def query_sites() -> set[tuple[str, int]]:
    """Return where the package makes a query: file and line of each call of ``Query``, in the sync colour."""
    found = set()
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).parts
        if parts[0] in {"testing", "_async"}:
            continue
        text = file.read_text(encoding="utf-8")
        # Most files speak of none: they need not be taken apart.
        for node in ast.walk(ast.parse(text if "Query(" in text else "")):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Query":
                found.add((str(file), node.lineno))
    return found


@cache
def walked() -> tuple[NotingBackend, set[tuple[str, int]]]:
    """Return a backend that saw all that the package does, and the places in the package that made a query."""
    sites: set[tuple[str, int]] = set()
    made = Query.__post_init__

    def noted(query):
        # The caller of the __init__ that the dataclass made.
        frame = sys._getframe(2)
        if PACKAGE in Path(frame.f_code.co_filename).parents:  # one that is made of another is made by dataclasses
            sites.add((frame.f_code.co_filename, frame.f_lineno))
        made(query)

    backend = NotingBackend(MemoryStore().runtime.access.backend)
    with pytest.MonkeyPatch.context() as patch, BackendStore(backend, actor="walker") as store:
        patch.setattr(Query, "__post_init__", noted)
        _change(store)
        _look(store)
        _lock(store)
        _keep_up(store)
        _work(store)
        _wait(store)
        _feed(store)
        _distribute(store)
    return backend, sites


def _change(store):
    config = PersistenceConfig(snapshot_interval=2, segment_events=2)
    persister = StateMachinePersister(store, COUNTER, config)
    persister.start("g", "s", {"n": 0}, labels={"of": "walk"}, idempotency_key="first")
    for number in range(6):
        persister.transition("g", "s", "add", number)
    persister.transition("g", "s", "shut")
    TransactionManager(store).run(lambda tx: tx.save_state("g", "t", {"n": 1}), idempotency_key="second")


def _wait(store):
    """What is due, and when it is not."""
    timed = Machine("timed", "on", [Transition("go", "on", "off")], timeouts={"on": Timeout(timedelta(days=1), "go")})
    persister = StateMachinePersister(store, timed)
    persister.start("g", "timed", {})
    worker = DueWorker(persister)
    for _ in range(2):
        worker.run_once()
    worker.pending()


def _distribute(store):
    """A transaction over two stores, of which this one decides, and a look for what was left."""
    with MemoryStore() as another:

        def body(dtx):
            for one in dtx:
                dtx[one].save_state("g", "both", {})

        DistributedTransaction(store, {"one": store, "two": another}).run(body)
    settle(store)


def _work(store):
    """A job from its beginning to its end."""
    queue = JobQueue(store, "walk")
    queue.enqueue({"n": 1}, priority=1)
    job = queue.claim()
    assert job is not None
    job.heartbeat()
    job.complete()
    queue.counts()


def _feed(store):
    """What has changed, on an engine that finds it by itself, and on one that does not."""
    for discovery in (Discovery(), Discovery(("walk:0",))):
        for query in discovery.queries(datetime(2026, 1, 1, tzinfo=UTC)):
            list(store.runtime.access.query(query))


def _look(store):
    """Every way to find states and events, with every choice of what it is asked for."""
    persister = StateMachinePersister(store, COUNTER)
    for status in (None, "open"):
        for is_whole in (False, True):
            for limit in (None, 5):
                for find in (store.list_states, persister.list_states):
                    list(find("g", status=status, include_deleted=is_whole, limit=limit))
    choices: list[dict[str, Any]] = [{}, {"status": "open"}]
    for asked in choices:
        list(store.list_states("g", descending=True, **asked))
        list(persister.list_states("g", descending=True, **asked))
        list(store.find(governor_id="g", descending=True, **asked))
        for machine in (None, "counter"):
            for whose in ({}, {"governor_id": "g"}, {"labels": {"of": "walk"}}):
                list(store.find(machine=machine, **whose, **asked))
                store.count(machine=machine, **whose, **asked)
    list(store.find(labels={"of": "walk"}, descending=True))
    list(store.get_events("g", "s", descending=True))
    list(store.find_events("g", action="add"))
    assert store.finds_all_events("g")
    store.stats("g")
    store.usage("g")
    list(store.list_governors())


def _lock(store):
    """A lock that is waited for by somebody who has another one, and one that is broken."""
    locks = LockManager(store, LockConfig(ttl=5.0))
    with lock_owner("one"):
        held = locks.acquire("a", heartbeat=False)

    def wait():
        with lock_owner("two"):
            locks.acquire("b", heartbeat=False)
            with pytest.raises(LockTimeoutError):
                locks.acquire("a", timeout=0.2)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()
    locks.break_lock("a", held.fencing_token, "walked on")


def _keep_up(store):
    persister = StateMachinePersister(store, COUNTER)
    persister.gc(history=HistoryPolicy(compact_after=timedelta(0)))
    newer = PersistenceConfig(schema_version=2, upcasters={1: lambda data: data})
    for machine in (None, COUNTER):
        StateMachinePersister(store, machine, newer).migrate("g", dry_run=True)
    plant(store, state_layout("g", "t").event(1), action="forged")
    list(recover(store))
    with MemoryStore() as other:
        other.save_state("g", "s", {"n": -1})
        sync(store, other, "g", resolver=LastWriteWins())
    store.erase_state("g", "s", reason="walked on")
