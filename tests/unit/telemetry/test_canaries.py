"""A run at DEBUG level over all operations: no data, payload, key or reason of it is in a log, a span or an error."""

import logging
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

import tai_state
from tai_state import (
    ChangeMetadata,
    ConflictResolutionError,
    LockManager,
    Machine,
    MemoryStore,
    OutcomeUnknownError,
    PersistenceConfig,
    RetryPolicy,
    SqliteStore,
    StateMachinePersister,
    TransactionManager,
    Transition,
    TransitionRequest,
    examine,
    export_store,
    import_store,
    recover,
    verify,
)
from tai_state.causality import Custom, MergeFields
from tai_state.distributed import DistributedTransaction, Participant, force, settle
from tai_state.documents import Put
from tai_state.due import DueWorker
from tai_state.feeds import Positions, StateContainer, Subscription
from tai_state.jobs import JobQueue
from tai_state.replicas import ReadLevel, ReplicaStore, sync
from tai_state.sagas import Saga, SagaRunner, Step
from tai_state.telemetry import Monitor, Observer, observe
from tai_state.telemetry.logs import CloudLoggingFormatter

CANARY = "canary-4a1f"
KEY = "a-key-4a1f"
MARKED = ChangeMetadata(changed_by="tester", reason=f"{CANARY}-reason", context={"note": f"{CANARY}-context"})
ONCE = RetryPolicy(attempts=1)
DATA = {"note": f"{CANARY}-data", "n": 0}
CHANGE = {"metadata": MARKED, "idempotency_key": KEY}


class Order(BaseModel):
    """What the strict machine's data has to be."""

    note: int


def refuse(data, payload):
    message = f"the guard says {data} {payload}"
    raise RuntimeError(message)


def refuse_upcast(data):
    raise ValueError(str(data))


MACHINE = Machine(
    "m",
    "on",
    [Transition("go", "on", "on"), Transition("off", "on", "off"), Transition("burst", "on", "off", guard=refuse)],
)
STRICT = Machine("m", "on", [Transition("go", "on", "on")], data_type=Order)


class Told(Observer):
    """Everything that an observer can see, as text."""

    def __init__(self):
        self.names = set()
        self.text = ""

    def operation_ended(self, operation):
        self.names.add(operation.name)
        self.text += f"{operation}\n"

    def request_ended(self, request, operation):
        self.text += f"{request}\n"

    def lock_ended(self, lock):
        self.text += f"{lock}\n"


class Run:
    """Calls, and what the errors of those that fail say; a user's own error is the user's."""

    def __init__(self):
        self.said = []
        self.told = Told()
        self.records = []
        self.counted = self.plain = ""

    def attempt(self, call, *arguments, **options):
        try:
            result = call(*arguments, **options)
            # Outcomes of many moves are errors that nobody raised.
            for one in list(result) if hasattr(result, "__iter__") else ():
                self.note(one if isinstance(one, Exception) else None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
            self.note(error)

    def note(self, error):
        while error is not None:
            if type(error).__module__.startswith("tai_state"):
                self.said.append(str(error))
            error = error.__cause__ or error.__context__


def change(run, store, persister):
    """Every way to change a state, well and not."""
    do = run.attempt
    do(persister.start, "g", "s", DATA, **CHANGE)
    do(persister.start, "g", "s", DATA, **CHANGE)
    do(persister.start, "g", "s", DATA)
    do(persister.transition, "g", "s", "go", {"note": f"{CANARY}-payload"}, error=f"{CANARY}-error", metadata=MARKED)
    do(persister.transition, "g", "s", "go", {"other": CANARY}, **CHANGE)
    do(persister.transition, "g", "s", "burst", {"note": CANARY})
    do(persister.transition, "g", "s", "go", {"bad": {CANARY}})
    do(persister.transition, "g", "s", "go", expected_version=99)
    do(persister.update_status, "g", "s", "nowhere", payload=CANARY)
    do(persister.log_transition, "g", "s", "seen", to_status="on", data=DATA, payload=CANARY, metadata=MARKED)
    do(
        persister.transition_many,
        [TransitionRequest("g", "s", "go", CANARY), TransitionRequest("g", "s", "burst", CANARY)],
    )
    do(persister.rollback, "g", "s", 1, MARKED)
    newer = PersistenceConfig(schema_version=2, upcasters={1: refuse_upcast})
    do(StateMachinePersister(store, MACHINE, newer).load_state, "g", "s")
    do(StateMachinePersister(store, MACHINE, newer).migrate, "g")
    do(StateMachinePersister(store, STRICT).transition, "g", "s", "go")
    do(StateMachinePersister(store, STRICT).load_state, "g", "s")
    do(store.save_state, "g", "t", DATA, MARKED, idempotency_key=KEY)
    do(store.save_state, "g", "t", {"changed": CANARY}, MARKED, idempotency_key=KEY)
    do(store.save_state, "g", "t", {"note": [CANARY, float("nan")]})
    do(store.save_state, "g", "t", {"large": os.urandom(1_200_000).hex() + CANARY})
    do(store.update_state, "g", "t", DATA, 9)
    do(store.delete_state, "g", "t", metadata=MARKED)


def look(run, store, persister):
    """Every way to read."""
    do = run.attempt
    for call in (store.get_state, store.find_state, store.exists, persister.load_state, persister.replay):
        do(call, "g", "s")
    do(store.batch_get_states, "g", ["s", "t"])
    do(store.dependents_of, "g", "s")
    for call in (store.get_events, persister.history, persister.export_history, persister.list_snapshots):
        do(call, "g", "s")
    for call in (
        store.list_states,
        persister.list_states,
        store.find_events,
        store.stats,
        store.usage,
        store.finds_all_events,
    ):
        do(call, "g")
    do(store.list_governors)
    do(persister.create_snapshot, "g", "s")
    do(persister.get_snapshot, "g", "s", 1)
    do(persister.result_of, "g", "s", KEY)
    do(persister.outcome, OutcomeUnknownError("t", "g", "s", 1))
    do(persister.validate_consistency, "g")
    do(next, store.follow("g", "s"))
    do(store.health)


def wait(run, persister):
    """What is due: done, not allowed, and with a guard that says too much."""
    for action in ("go", "burst"):
        run.attempt(persister.start, "g", action, DATA)
        run.attempt(persister.schedule, "g", action, action, after=timedelta(0), metadata=MARKED)
    run.attempt(persister.schedule, "g", "go", "dance", after=timedelta(0))
    run.attempt(DueWorker(persister).run_once)
    run.attempt(DueWorker(persister).pending)
    run.attempt(persister.unschedule, "g", "burst")


def find(run, store):
    """What is found by labels, and work that is handed out."""
    run.attempt(store.save_state, "g", "v", DATA, MARKED, labels={"of": f"{CANARY}-label"})
    run.attempt(store.find, labels={"of": f"{CANARY}-label"})
    run.attempt(store.count, labels={"of": f"{CANARY}-label"})
    queue = JobQueue(store, "mail")
    run.attempt(queue.enqueue, DATA, job_id="j")
    job = queue.claim()
    assert job is not None
    run.attempt(job.fail, f"{CANARY}-error", retry=False)
    run.attempt(queue.sweep)
    run.attempt(queue.counts)


def undo(run, store):
    """A saga whose step fails, as its compensation does."""
    runner = SagaRunner(
        store, [Saga("order", [Step("pay", fail_step, fail_step, retry=ONCE), Step("ship", fail_step)])]
    )
    run.attempt(runner.start, "g", "o", "order", DATA, metadata=MARKED)
    run.attempt(runner.run_due)
    run.attempt(lambda: list(runner.list_sagas("g")))


def replicate(run, store):
    """Two stores that have changed one state under one key, a resolver that says too much, and a merge."""

    def refuse(*_):
        raise ConflictResolutionError("g", "r", f"{CANARY}-why")

    with MemoryStore(actor=CANARY) as other:
        for one in (store, other):
            run.attempt(one.save_state, "g", "r", {**DATA, "by": one is store}, MARKED, idempotency_key=KEY)
        for resolver in (Custom(refuse), MergeFields()):
            run.attempt(sync, store, other, "g", resolver=resolver)
        run.attempt(lambda: list(store.get_events("g", "r", branches=True)))
        replica = ReplicaStore(store, other)
        run.attempt(other.save_state, "g", "r", {**DATA, "by": "other"}, MARKED)
        run.attempt(replica.detect_stale_read, "g", "r", raises=True)
        for level in (ReadLevel.eventual, ReadLevel.bounded(1), ReadLevel.strong):
            run.attempt(replica.read, "g", "r", level=level)


class Loud(Participant):
    """Takes part, and says too much where it fails."""

    def prepare(self, transaction_id):
        """Have nothing to prepare."""

    def commit(self, transaction_id):
        """Fail."""
        raise RuntimeError(CANARY)

    def abort(self, transaction_id):
        """Fail as well."""
        raise RuntimeError(CANARY)

    def recover(self):
        """Know of nothing."""
        return []


def distribute(run, store):
    """Two stores and one decision, with a participant that fails; and all that may be asked of it."""
    with MemoryStore(actor=CANARY) as other:
        stores = {"one": store, "other": other}
        both = DistributedTransaction(store, stores, participants={"loud": Loud()})

        def body(dtx):
            for name in stores:
                dtx[name].save_state("g", "both", DATA, MARKED)

        def fail(dtx):
            body(dtx)
            raise RuntimeError(CANARY)

        run.attempt(both.run, body)
        run.attempt(both.run, fail)
        run.attempt(both.outcome, "nobody's")
        run.attempt(both.recover)
        run.attempt(settle, store)
        run.attempt(force, store, "nobody's", commit=True, reason=CANARY)


def fail_step(ctx):
    """Fail, but for the first one's action."""
    if ctx.outcome is not None or ctx.step != "pay":
        raise RuntimeError(str(ctx.data))


def transact(run, store):
    """Transactions and locks."""
    manager, locks = TransactionManager(store), LockManager(store)

    def body(tx):
        tx.save_state("g", "u", DATA, MARKED)
        return CANARY

    run.attempt(manager.run, body, idempotency_key=KEY)
    run.attempt(manager.run, body, idempotency_key=KEY)
    run.attempt(manager.list_transactions)
    run.attempt(manager.get_transaction, "nobody's")
    with manager.begin() as tx:
        tx.save_state("g", "u", DATA)
    lock = locks.acquire("r", heartbeat=False, idempotency_key=KEY)
    run.attempt(locks.acquire, "r", timeout=0)
    run.attempt(locks.attach, lock.ticket, heartbeat=False)
    run.attempt(locks.inspect, "r")
    run.attempt(locks.list)
    run.attempt(locks.waits)
    run.attempt(locks.break_lock, "r", lock.fencing_token, f"{CANARY}-reason")
    run.attempt(lock.release)


def tell(run, store):
    """Listeners, subscriptions and containers, whose callbacks fail."""

    def fail(_):
        raise ValueError(f"{CANARY}-handler")

    with store.on_change(fail):
        store.save_state("g", "v", DATA, MARKED)
    subscription = Subscription(store, "mail", fail, max_attempts=2)
    for _ in range(3):
        run.attempt(subscription.run_once)
    run.attempt(subscription.lag)
    (letter, *_) = subscription.dead_letters()
    run.attempt(subscription.retry, letter)
    positions = Positions(store)
    run.attempt(positions.run_once)
    run.attempt(lambda: list(positions.events()))
    refusing = StateContainer(store, "g", "v", validate=lambda _: False)
    run.attempt(refusing.set, DATA)
    run.attempt(StateContainer(store, "g", "v", Order).get)


def maintain(run, store, persister, folder):
    """What operators do, also with a state that is damaged."""
    do = run.attempt
    with SqliteStore(folder / "other.db") as other:
        do(export_store, store, folder / "all.jsonl")
        do(import_store, other, folder / "all.jsonl")
    do(import_store, store, folder / "all.jsonl")
    do(store.backup, folder / "copy.db")
    do(store.copied_at)
    damage(store)
    for call in (verify, recover):
        do(call, store, "g")
    do(examine, store)
    do(persister.recover, "g")
    do(persister.gc, "g")
    do(persister.trim, "g", "s", before_version=3)
    do(persister.migrate, "g")
    do(store.erase_state, "g", "u", reason=f"{CANARY}-reason")
    do(store.erase_governor, "g", reason=f"{CANARY}-reason")


def damage(store):
    """Alter a state behind the package's back."""
    access = store.runtime.access
    (document, *_) = list(access.scan("governors/g/states"))
    fields = {**document.fields, "version": f"{CANARY}-version", "hash": CANARY}
    access.backend.commit([Put(document.path, fields)], timeout=5)


@pytest.fixture
def run(tmp_path, caplog):
    """All of it, under observation."""
    run = Run()
    with caplog.at_level(logging.DEBUG), SqliteStore(tmp_path / "store.db") as store, observe(store, run.told):
        monitor = Monitor(store)
        persister = StateMachinePersister(store, MACHINE, PersistenceConfig(snapshot_interval=2))
        change(run, store, persister)
        look(run, store, persister)
        find(run, store)
        undo(run, store)
        replicate(run, store)
        distribute(run, store)
        transact(run, store)
        wait(run, persister)
        tell(run, store)
        maintain(run, store, persister, tmp_path)
        run.counted = f"{monitor.as_dict()} {monitor.as_prometheus()}"
    run.records = [CloudLoggingFormatter().format(record) for record in caplog.records]
    run.plain = caplog.text
    return run


NAMED = re.compile(r'\.(?:(?:one|begin)\(|reading\([^"]*)"(\w+)"')


def operations():
    """Return what the package's code calls its operations, kinds of changes apart."""
    files = (Path(tai_state.__file__).parent / "_sync").rglob("*.py")
    return {name for path in files for name in NAMED.findall(path.read_text(encoding="utf-8"))}


def test_no_canary_gets_out(run):
    """Neither in a record at any level, nor in what observers and monitors hold, nor in an error's text."""
    assert len(operations()) > 40
    assert operations() - run.told.names == set(), "what the run leaves out is not looked at"
    assert len(run.records) > 10
    assert len(run.said) > 10
    places = {"records": "\n".join(run.records), "log": run.plain, "observer": run.told.text, "monitor": run.counted}
    places |= {f"error {index}": text for index, text in enumerate(run.said)}
    assert {place: text for place, text in places.items() if CANARY in text} == {}
    # A key is told to the caller alone, who gave it.
    assert [place for place, text in places.items() if KEY in text and not place.startswith("error")] == []
