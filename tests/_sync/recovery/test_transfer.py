# Generated from tests/_async/recovery/test_transfer.py by .ci/generate_sync.py; do not edit.
"""Export and import: nothing is lost between any two engines, work goes on, and no token is ever valid again."""
from datetime import timedelta

import pytest

from tai_state import (
    LockManager,
    MemoryStore,
    SqliteStore,
    StateMachinePersister,
    TransactionManager,
    IdempotencyMismatchError,
    LockLostError,
    export_store,
    import_store,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.testing import ManualClock
from tests._sync.machines import COUNTER
from tests._sync.recovery.moving import (
    CONFIG,
    PATHS,
    fill,
    filled_file,
    keyed,
    problems,
    comparable,
    in_small_pieces,
    lines_of,
)
from tests._sync.stores import TIMEOUT, document_at, plant, in_memory

DAYS = timedelta(days=1)
COLLECTIONS = {
    "locks",
    "transactions",
    "audit",
    *(f"governors/g/{kind}" for kind in ("states", "events", "segments", "snapshots", "receipts", "audit")),
    *(f"governors/h/{kind}" for kind in ("states", "events", "quarantine")),
}


@pytest.fixture
def source():
    """A store with something of everything."""
    source = MemoryStore(actor="tester")
    fill(source)
    return source


@pytest.fixture
def file(tmp_path):
    """The export of such a store."""
    return filled_file(tmp_path)


def test_a_copy_holds_what_the_store_held(store, tmp_path):
    """From SQLite to any engine; exported again, the files are equal but for headers and the counters of locks."""
    file = tmp_path / "source.jsonl"
    with SqliteStore(tmp_path / "source.db", actor="tester") as source:
        fill(source)
        report = export_store(source, file)
        found_there = problems(source)
    assert {line["path"].rpartition("/")[0] for line in lines_of(file)[1:-1]} == COLLECTIONS
    found = import_store(store, file)
    assert (found.documents, found.written, found.present) == (report.documents, report.documents, 0)
    assert (found.governors, found.states, found.events) == (2, 5, 13)
    assert [one.governor_id for one in found.reports] == ["h"]
    again = export_store(store, tmp_path / "copy.jsonl")
    assert (again.states, again.events, again.left_out) == (5, 13, [])
    assert comparable(tmp_path / "copy.jsonl") == comparable(file)
    assert problems(store) == found_there == ["corrupt_event"]


@in_memory
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_is_compressed_as_its_name_says(source, store, tmp_path, suffix):
    """And read whatever its name says."""
    report = export_store(source, tmp_path / f"moved{suffix}")
    magic = (tmp_path / f"moved{suffix}").read_bytes()[:2]
    assert magic == {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5"}[suffix]
    (tmp_path / f"moved{suffix}").rename(tmp_path / "moved")
    assert (import_store(store, tmp_path / "moved")).documents == report.documents


def test_what_users_read_is_the_same(source, store, tmp_path):
    """States, and events with the times at which they were committed; a transaction's record, too."""
    export_store(source, tmp_path / "a.jsonl")
    import_store(store, tmp_path / "a.jsonl")
    for one in ("s", "b", "état/1"):
        assert store.get_state("g", one) == source.get_state("g", one)
        theirs = [event for event in source.get_events("g", one)]
        assert [event for event in store.get_events("g", one)] == theirs
    records = [record for record in TransactionManager(source).list_transactions()]
    assert len(records) == 1
    assert [record for record in TransactionManager(store).list_transactions()] == records


def test_what_is_mended_in_a_copy_keeps_its_times(source, store, tmp_path):
    """An event that is put together again was committed when it was, not when it was imported."""
    export_store(source, tmp_path / "a.jsonl")
    import_store(store, tmp_path / "a.jsonl")
    plant(store, PATHS.event(8), action="forged")
    persister = StateMachinePersister(store, COUNTER, CONFIG)
    assert [one.kind for one in (persister.recover("g")).repaired] == ["corrupt_event"]
    theirs = [event for event in source.get_events("g", "s")]
    assert [event for event in store.get_events("g", "s")] == theirs


def test_work_goes_on_in_a_copy(file, store):
    """Under the keys, the locks and the machine of before, on the chain of before."""
    import_store(store, file)
    persister = StateMachinePersister(store, COUNTER, CONFIG)
    again = persister.transition("g", "s", "add", 7, idempotency_key="k7")
    assert (again.replayed, again.version) == (True, 7)
    with pytest.raises(IdempotencyMismatchError):
        persister.transition("g", "s", "add", 8, idempotency_key="k7")
    assert keyed(store) == "done"
    with LockManager(store).hold("r") as lock:
        assert (persister.transition("g", "s", "add", 9, lock=lock)).version == 9
    assert (persister.replay("g", "s")).version == 9
    assert (persister.validate_consistency("g")).problems == []
    assert (store.get_events("g", "s", after=8).__next__()).origin != (
        document_at(store, PATHS.event(8))
    ).fields["origin"]


def test_a_key_expires_when_it_would_have(tmp_path):
    """Neither sooner nor later, though its receipt was written anew."""
    clock = ManualClock()
    source, store = (MemoryStore(clock=clock, receipt_ttl=7 * DAYS) for _ in range(2))
    persister = StateMachinePersister(source, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.transition("g", "s", "add", 1, idempotency_key="k")
    clock.advance(5 * DAYS.total_seconds())
    export_store(source, tmp_path / "a.jsonl")
    import_store(store, tmp_path / "a.jsonl")
    copied = StateMachinePersister(store, COUNTER)
    clock.advance(1.9 * DAYS.total_seconds())
    assert (copied.transition("g", "s", "add", 1, idempotency_key="k")).replayed
    clock.advance(0.2 * DAYS.total_seconds())
    assert not (copied.transition("g", "s", "add", 1, idempotency_key="k")).replayed


def test_no_token_of_before_is_valid_again(store, tmp_path):
    """The counter goes on far above, and whoever held the lock does not hold it in the copy."""
    source = MemoryStore(actor="tester")
    held = LockManager(source).acquire("r", heartbeat=False)
    export_store(source, tmp_path / "a.jsonl")
    import_store(store, tmp_path / "a.jsonl")
    import_store(store, tmp_path / "a.jsonl")
    locks = LockManager(store)
    lock = locks.acquire("r", timeout=0)
    assert lock.fencing_token == held.fencing_token + 2**20 + 1
    assert (import_store(store, tmp_path / "a.jsonl")).present == 1
    lock.renew()


def test_a_holder_loses_a_lock_whose_counter_is_raised(store, tmp_path):
    """What was given out in the store itself before is valid no more."""
    locks = LockManager(store)
    held = locks.acquire("r", heartbeat=False)
    export_store(store, tmp_path / "a.jsonl")
    import_store(store, tmp_path / "a.jsonl")
    with pytest.raises(LockLostError):
        held.renew()
    assert (locks.acquire("r", timeout=0)).fencing_token == held.fencing_token + 2**20 + 1


def test_one_governor_goes_with_the_counters_of_its_locks(source, store, tmp_path):
    """Those under which its states were written: else nobody could go on under them."""
    report = export_store(source, tmp_path / "g.jsonl.gz", "g")
    found = import_store(store, tmp_path / "g.jsonl.gz")
    assert (found.governor_id, found.governors, found.documents) == ("g", 1, report.documents)
    assert [one for one in store.list_governors()] == ["g"]
    locks = LockManager(store)
    assert [one.resource for one in locks.list()] == ["r"]
    with locks.hold("r") as lock:
        moved = StateMachinePersister(store, COUNTER, CONFIG).transition("g", "s", "add", 9, lock=lock)
    assert moved.version == 9


def test_an_import_beside_other_governors_leaves_them_alone(file, store):
    """What the file does not name is not touched, and not checked."""
    store.save_state("mine", "s", {"n": 1})
    plant(store, state_layout("mine", "s").event(1), hash="broken")
    assert [one.governor_id for one in (import_store(store, file)).reports] == ["h"]
    assert (store.get_state("mine", "s"))[1] == 1


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_an_ambiguous_commit_is_settled(file, place, fault, monkeypatch, tmp_path):
    """What was written is passed over, what was not is written."""
    in_small_pieces(monkeypatch)
    store, backend = place.faulty("fine", fault, "fine", fault)
    found = import_store(store, file)
    assert not backend.faults
    assert found.documents == len(lines_of(file)) - 2
    export_store(store, tmp_path / "copy.jsonl")
    assert comparable(tmp_path / "copy.jsonl") == comparable(file)


def test_what_is_left_of_a_lost_state_is_carried(source, store, tmp_path):
    """As it is: the check behind the import tells of it, and a recovery brings the state back."""
    source.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    export_store(source, tmp_path / "a.jsonl", "g")
    found = import_store(store, tmp_path / "a.jsonl")
    assert [one.kind for report in found.reports for one in report.problems] == ["state_missing"]
    persister = StateMachinePersister(store, COUNTER, CONFIG)
    assert (persister.recover("g")).unresolved == []
    assert (store.get_state("g", "s"))[1] == 8


def test_what_cannot_be_carried_is_told(source, store, tmp_path):
    """Somebody else's document among ours is left out, and so is a lock that cannot be read."""
    governor = PATHS.governor
    strange = type(PATHS.state)
    plant(source, strange(governor.states, "a.b"), x=1)
    plant(source, strange(governor.receipts, "mine"), x=1)
    plant(source, strange("locks", "r"), fencing_token="many")
    report = export_store(source, tmp_path / "a.jsonl")
    assert sorted(one.path for one in report.left_out) == [
        "governors/g/receipts/mine",
        "governors/g/states/a.b",
        "locks/r",
    ]
    assert (import_store(store, tmp_path / "a.jsonl")).documents == report.documents
