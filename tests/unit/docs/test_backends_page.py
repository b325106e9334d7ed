"""docs/backends.md against the code: what each backend declares, and what each operation costs."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from docs.examples.dict_backend import DictBackend
from tai_state import (
    BackendStore,
    Capability,
    FirestoreStore,
    LockManager,
    Machine,
    MemoryStore,
    RedisStore,
    SqliteStore,
    StateMachinePersister,
    TransactionManager,
    Transition,
    TransitionNotAllowedError,
    VersionConflictError,
)
from tai_state.clock import SystemClock
from tests.unit.docs.pages import page, rows, sections

PAGE = page("backends.md")
COSTS = {name: tuple(map(int, counts)) for name, *counts in rows(sections(PAGE)["What an operation costs"])}
MACHINE = Machine(
    "job",
    "on",
    [Transition("go", "on", "on"), Transition("fail", "on", "failed"), Transition("block", "on", "blocked")],
    on_dependency={"failed": "block"},
)


def declared(store):
    return {f"`{one.name}`": "yes" if one in store.capabilities else "no" for one in Capability}


def test_the_table_tells_what_each_backend_declares(tmp_path, monkeypatch):
    """Capability by capability; what Firestore declares in production alone is said so."""
    table = {row[0]: row[1:] for row in rows(PAGE.partition("## ")[0])}
    stores = [MemoryStore(), SqliteStore(tmp_path / "store.db")]
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    production = declared(FirestoreStore("p"))
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "localhost:1")
    emulator = declared(FirestoreStore("p"))
    for name, said in production.items():
        firestore = said if said == emulator[name] else "in production"
        redis = declared(RedisStore())[name]
        assert table[name] == [*(declared(store)[name] for store in stores), firestore, redis], name


class CountingBackend(DictBackend):
    """Counts reads, documents read, commits and documents written."""

    def __init__(self):
        super().__init__(SystemClock().now)
        self.counts = [0, 0, 0, 0]

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.counts[0] += 1
        self.counts[1] += len(paths)
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def commit(self, writes, *, timeout):
        self.counts[2] += 1
        self.counts[3] += len(writes)
        return super().commit(writes, timeout=timeout)


class World:
    """One place, in which a process has started two states and knows their heads."""

    def __init__(self):
        self.backend = CountingBackend()
        self.here = self.process()
        self.first = self.cost(lambda: self.here.start("g", "a"))
        self.here.start("g", "b")

    def process(self):
        return StateMachinePersister(BackendStore(self.backend, actor="tester"), MACHINE)

    def cost(self, call):
        before = list(self.backend.counts)
        call()
        return tuple(after - known for after, known in zip(self.backend.counts, before, strict=True))


def go(persister, state_id="a", **options):
    return lambda: persister.transition("g", state_id, "go", **options)


def refused(world):
    def call():
        with pytest.raises(TransitionNotAllowedError):
            world.here.transition("g", "a", "no such action")

    return world.cost(call)


def repeated(world):
    go(world.here, idempotency_key="k")()
    return world.cost(go(world.process(), idempotency_key="k"))


def said_to_be_new(state_id):
    def measure(world):
        there = world.process()
        go(there, "b")()

        def call():
            with suppress(VersionConflictError):
                there.store.save_state("g", state_id, {}, expected_version=0)

        return world.cost(call)

    return measure


def elsewhere(world):
    there = world.process()
    go(there)()
    return world.cost(go(there, "b"))


def at_version(version):
    def measure(world):
        for _ in range(version - 2):
            go(world.here)()
        return world.cost(go(world.here))

    return measure


def sealed_elsewhere(world):
    at_version(100)(world)
    there = world.process()
    go(there, "b")()
    return world.cost(go(there))


def cascade(world):
    world.here.start("g", "c", depends_on=["a"])
    return world.cost(lambda: world.here.transition("g", "a", "fail"))


def with_lock(use):
    def measure(world):
        lock = LockManager(world.here.store).acquire("r", heartbeat=False)
        cost = world.cost(lambda: use(world, lock))
        if lock.held:
            lock.release()
        return cost

    return measure


def renewed_or_released(world):
    renewed, released = with_lock(lambda _, lock: lock.renew()), with_lock(lambda _, lock: lock.release())
    assert renewed(world) == released(world)
    return renewed(world)


def acquired(world):
    locks = []
    cost = world.cost(lambda: locks.append(LockManager(world.here.store).acquire("r", heartbeat=False)))
    locks[0].release()
    return cost


def transaction(*changed, **options):
    def body(tx):
        tx.batch_get_states("g", ["a", "b"])
        for state_id in changed:
            tx.save_state("g", state_id, {})

    return lambda world: world.cost(lambda: TransactionManager(world.here.store).run(body, **options))


def read(world):
    got, loaded = (world.cost(lambda read=read: read("g", "a")) for read in (world.here.store.get_state, load(world)))
    assert got == loaded
    return got


def load(world):
    return world.here.load_state


MEASURES: dict[str, Callable[[World], tuple[int, ...]]] = {
    "`get_state`, `load_state`": read,
    "`start`": lambda world: world.cost(lambda: world.here.start("g", "c")),
    "`start`, the first change of the whole store": lambda world: world.first,
    "`save_state` with `expected_version=0`": said_to_be_new("c"),
    "the same, where there is such a state": said_to_be_new("a"),
    "`transition`, head known": lambda world: world.cost(go(world.here)),
    "`transition`, head known, under a key": lambda world: world.cost(go(world.here, idempotency_key="k")),
    "`transition`, head known, guarded by a lock": with_lock(lambda world, lock: go(world.here, lock=lock)()),
    "`transition`, another state of a process that has the store's id": elsewhere,
    "`transition`, the first call of a process": lambda world: world.cost(go(world.process())),
    "`transition`, the first call of a process, under a key": lambda world: world.cost(
        go(world.process(), idempotency_key="k")
    ),
    "`transition` that is refused": refused,
    "`transition` repeated under its key, by another process": repeated,
    "`transition` that reaches a snapshot, fewer than five kept": at_version(100),
    "`transition` that reaches a snapshot, the oldest goes": at_version(600),
    "`transition` that seals a segment of 100 events that its process made": at_version(101),
    "`transition` that seals a segment of 100 events of another process": sealed_elsewhere,
    "`transition` to which one dependent reacts": cascade,
    "`acquire` of a free lock": acquired,
    "`renew`, `release`": renewed_or_released,
    "a transaction that reads two states in one go and changes both": transaction("a", "b"),
    "a transaction that reads two states in one go and changes one": transaction("a"),
    "the same under a key": transaction("a", idempotency_key="k"),
    "the same, `read_only=True` and no change": transaction(read_only=True),
}


def test_every_cost_is_measured():
    """No row without a measure, and no measure without a row."""
    assert list(COSTS) == list(MEASURES)


@pytest.mark.parametrize("operation", MEASURES)
def test_an_operation_costs_what_the_table_says(operation):
    """Reads, documents read, commits, documents written."""
    assert MEASURES[operation](World()) == COSTS[operation]
