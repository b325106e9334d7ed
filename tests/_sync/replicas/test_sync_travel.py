# Generated from tests/_async/replicas/test_sync_travel.py by .ci/generate_sync.py; do not edit.
"""What travels between two stores, and what is each store's own; erasures; interruptions; what is found of damage."""
from datetime import timedelta

import pytest

from tai_state import (
    LockManager,
    MemoryStore,
    StateMachinePersister,
    InvalidDataError,
    Machine,
    Transition,
    export_store,
    import_store,
    verify,
)
from tai_state.causality import LastWriteWins, MergeFields
from tai_state.due import DueWorker, Timeout
from tai_state.layout import state_layout
from tai_state.replicas import sync
from tests._sync.machines import COUNTER
from tests._sync.replicas.syncing import (
    LATER,
    DyingBackend,
    KilledError,
    data,
    diverged,
    events,
    say_the_same,
    synced,
    counts,
)
from tests._sync.stores import TIMEOUT, in_memory

S = state_layout("g", "s")
BOOTING = Machine(
    "booting",
    "boot",
    [Transition("fail", "boot", "failed"), Transition("touch", "boot", "boot"), Transition("go", "boot", "up")],
    timeouts={"boot": Timeout(timedelta(microseconds=1), "fail")},
)


def test_due_times_stay_where_they_are(ours, theirs):
    """In the other store nothing is due, until it is changed there."""
    mine, other = (StateMachinePersister(store, BOOTING) for store in (ours, theirs))
    mine.start("g", "s", {})
    synced(ours, theirs)
    assert (ours.get_state("g", "s"))[0].due_action == "fail"
    assert (theirs.get_state("g", "s"))[0].due_at is None
    assert DueWorker(other).run_once() == 0
    assert DueWorker(mine).run_once() == 1
    synced(ours, theirs)
    assert (theirs.get_state("g", "s"))[0].status == "failed"


def test_a_due_time_that_is_here_stays_through_a_merge_into_the_same_status(ours, theirs):
    """Into another one it ends."""
    mine, other = (StateMachinePersister(store, BOOTING) for store in (ours, theirs))
    mine.start("g", "s", {})
    synced(ours, theirs)
    mine.transition("g", "s", "touch")
    other.transition("g", "s", "touch")
    synced(ours, theirs)
    assert (ours.get_state("g", "s"))[0].due_action == "fail"
    other.transition("g", "s", "go")
    synced(ours, theirs)
    snapshot = (ours.get_state("g", "s"))[0]
    assert (snapshot.status, snapshot.due_at) == ("up", None)


def test_fences_stay_where_they_are(ours, theirs):
    """A token of one store's lock counts in no other: a lower one there is valid."""
    mine, other = (StateMachinePersister(store, COUNTER) for store in (ours, theirs))
    locks = LockManager(ours)
    for _ in range(3):
        with locks.hold("r"):
            pass
    with locks.hold("r") as lock:
        mine.start("g", "s", {"n": 0})
        mine.transition("g", "s", "add", lock=lock)
    synced(ours, theirs)
    with LockManager(theirs).hold("r") as lock:
        assert lock.fencing_token == 1
        other.transition("g", "s", "add", lock=lock)
    synced(ours, theirs)
    assert say_the_same(ours, theirs)


def test_what_a_state_depends_on_stays_where_it_is(ours, theirs):
    """There its dependencies move nothing."""
    persister = StateMachinePersister(ours, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.start("g", "t", {"n": 0}, depends_on=["s"])
    synced(ours, theirs)
    assert (ours.get_state("g", "t"))[0].depends_on == ("s",)
    assert (theirs.get_state("g", "t"))[0].depends_on == ()


def test_receipts_stay_where_they_are(ours, theirs):
    """A key of one store is no key of the other: what is repeated there is a change of its own."""
    ours.save_state("g", "s", {"n": 1}, idempotency_key="k")
    synced(ours, theirs)
    assert theirs.save_state("g", "s", {"n": 1}, idempotency_key="k") == 2


# Erasures


def texts(store):
    """Return all documents of the governor, as text."""
    found = []
    for kind in ("states", "events", "segments", "snapshots", "branches", "receipts"):
        scan = store.runtime.access.backend.scan(f"governors/g/{kind}", timeout=TIMEOUT)
        found += [str(document.fields) for document in scan]
    return "\n".join(found)


def test_what_was_erased_on_one_side_is_erased_on_both(ours, theirs):
    """In lines and branches, whoever has changed it meanwhile; and so it stays."""
    ours.save_state("g", "s", {"name": "secret-1"})
    synced(ours, theirs)
    ours.save_state("g", "s", {"name": "secret-2"})
    theirs.save_state("g", "s", {"name": "secret-3"})
    synced(ours, theirs)
    theirs.save_state("g", "s", {"name": "secret-4"})
    ours.erase_state("g", "s", reason="they asked")
    assert "secret" not in texts(ours)
    synced(ours, theirs)
    for store in (ours, theirs):
        assert "secret" not in texts(store)
        assert data(store) is None
    assert say_the_same(ours, theirs)
    assert counts(synced(theirs, ours)) == (0, 0, 0)


def test_what_does_not_know_of_an_erasure_is_erased_however_late_it_is(ours, theirs):
    """It makes no live state of it either, whatever the resolver would say."""
    ours.save_state("g", "s", {"name": "secret-1"})
    synced(ours, theirs)
    ours.erase_state("g", "s", reason="they asked")
    theirs.save_state("g", "s", {"name": "secret-2"}, status="live")
    report = synced(ours, theirs, MergeFields())
    for store in (ours, theirs):
        assert "secret" not in texts(store)
        assert store.find_state("g", "s") is None
    assert [one.result for one in report.conflicts] == ["resolved"]


def test_a_third_store_erases_what_it_had(ours, theirs):
    """And a state that is made again behind it stays."""
    with MemoryStore() as third:
        ours.save_state("g", "s", {"name": "secret"})
        synced(ours, theirs)
        synced(ours, third)
        third.save_state("g", "s", {"name": "secret too"})
        ours.erase_state("g", "s", reason="they asked")
        synced(ours, theirs)
        synced(theirs, third)
        assert "secret" not in texts(third)
        third.save_state("g", "s", {"name": "new"})
        for one, other in ((third, ours), (ours, theirs), (theirs, third)):
            synced(one, other)
        for store in (ours, theirs, third):
            assert data(store) == {"name": "new"}


def test_what_is_made_behind_an_erasure_keeps_its_history(ours, theirs):
    """An erasure that a store knows of is done once, though the lines have parted."""
    for store in (ours, theirs):
        store.save_state("g", "s", {"name": f"secret of {store.actor}"})
    synced(ours, theirs)
    ours.erase_state("g", "s", reason="they asked")
    synced(ours, theirs)
    theirs.save_state("g", "s", {"n": 1})
    synced(ours, theirs)
    ours.save_state("g", "s", {"n": 2})
    synced(ours, theirs)
    for store in (ours, theirs):
        kept = [one.to_state for one in events(store, branches=True) if one.kind == "save"]
        assert {"n": 1} in kept
        assert {"n": 2} in kept


def test_what_never_was_there_comes_erased(ours, theirs):
    """Its history without its values, and the record of the erasure."""
    ours.save_state("g", "s", {"name": "secret"})
    ours.erase_state("g", "s", reason="they asked")
    synced(ours, theirs)
    assert data(theirs) is None
    assert [event.kind for event in events(theirs)] == ["save", "erase"]
    assert counts(synced(ours, theirs)) == (0, 0, 0)


# Interruptions


def test_a_sync_that_was_killed_is_resumed(place, theirs):
    """Behind any of its commits: the next one ends it, and sends nothing twice."""
    ours = place.store(actor="ann")
    diverged(ours, theirs)
    dying, backend = place.counting(actor="ann")
    backend.inner = DyingBackend(backend.inner)
    rounds = 0
    while rounds < 40:
        backend.inner.left = rounds + 1
        try:
            sync(dying, theirs, "g", resolver=MergeFields())
        except KilledError:
            rounds += 1
        else:
            break
        for store in (ours, theirs):
            for report in verify(store):
                assert report.is_consistent, report.problems
    assert 0 < rounds < 40
    assert say_the_same(ours, theirs)
    assert data(ours) == {"n": 3, "ann": 2, "bob": 3}
    everything = events(ours, branches=True)
    assert len({event.hash for event in everything}) == len(everything) == 8


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_a_commit_of_unknown_outcome_is_looked_at_again(place, theirs, fault):
    """Whether it was applied or not."""
    ours, _ = place.faulty(*[fault, "fine"] * 6, actor="ann")
    for number in range(2):
        theirs.save_state("g", "s", {"n": number})
    sync(ours, theirs, "g", resolver=LATER)
    assert events(ours) == events(theirs)
    plain = place.store(actor="ann")
    plain.save_state("g", "s", {"n": 7})
    theirs.save_state("g", "s", {"n": 8})
    sync(ours, theirs, "g", resolver=LATER)
    synced(plain, theirs)
    assert say_the_same(plain, theirs)


def test_who_writes_meanwhile_loses_nothing(ours, theirs):
    """A state that is changed while it is synced is looked at again."""
    diverged(ours, theirs)
    synced(ours, theirs)
    written: list[int] = []
    real = theirs.runtime.writer.write

    def write_first(change, settings, deadline, guarding=None):
        if change.kind == "merge" and len(written) < 2:
            written.append(theirs.save_state("g", "s", {"late": len(written)}))
        return real(change, settings, deadline, guarding)

    ours.save_state("g", "s", {"n": 10})
    theirs.save_state("g", "s", {"n": 11})
    theirs.runtime.writer.write = write_first
    sync(ours, theirs, "g", resolver=LastWriteWins())
    theirs.runtime.writer.write = real
    assert len(written) == 2
    synced(ours, theirs)
    assert say_the_same(ours, theirs)
    assert [event.to_state for event in events(theirs) if event.version in written] == [
        {"late": 0},
        {"late": 1},
    ]


# What is kept and counted


def test_an_export_carries_the_branches(ours, theirs, tmp_path):
    """What was merged stands in the copy, too, and it is sound."""
    diverged(ours, theirs)
    synced(ours, theirs)
    file = tmp_path / "all.jsonl"
    export_store(ours, file)
    with MemoryStore() as copy:
        report = import_store(copy, file)
        assert report.reports == []
        assert events(copy, branches=True) == events(ours, branches=True)
        assert counts(synced(copy, theirs)) == (0, 0, 0)


@in_memory
def test_usage_counts_the_branches(ours, theirs):
    """By themselves."""
    diverged(ours, theirs)
    synced(ours, theirs)
    usage = ours.usage("g")
    assert usage.documents["branches"].count == 4


@in_memory
@pytest.mark.parametrize("options", [{"limit": 1}, {"descending": True}])
def test_branches_stand_behind_the_whole_line(ours, options):
    """A part of it has no place for them."""
    with pytest.raises(InvalidDataError, match="branches"):
        events(ours, branches=True, **options)


def test_versions_bound_the_branches_too(ours, theirs):
    """As they bound the line."""
    diverged(ours, theirs)
    synced(ours, theirs)
    assert {event.version for event in events(ours, branches=True, after=1, until=2)} == {2}
