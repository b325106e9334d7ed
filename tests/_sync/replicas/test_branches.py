# Generated from tests/_async/replicas/test_branches.py by .ci/generate_sync.py; do not edit.
"""What other stores have made, beside the line: what is found of it, brought again, and merged by who recovers."""
import pytest

from tai_state import MemoryStore, recover, verify
from tai_state.causality import Custom, LastWriteWins, MergeFields
from tai_state.config import Encoding
from tai_state.documents import Delete
from tai_state.errors import ConfigurationError, CorruptLogError
from tai_state.layout import state_layout
from tai_state.replicas import sync
from tai_state.rules.records.branches import branch_put, read_branch
from tai_state.rules.records.erased import erased
from tests._sync.replicas.syncing import (
    LATER,
    KilledError,
    data,
    diverged,
    events,
    say_the_same,
    synced,
    counts,
)
from tests._sync.stores import TIMEOUT, alter, document_at, plant, in_memory

S = state_layout("g", "s")


def problems(store):
    """Return the kinds of what is wrong with the governor."""
    return sorted([one.kind for report in [r for r in verify(store, "g")] for one in report.problems])


def recovered(store, **options):
    """Recover the governor; return the kinds of what was repaired, and of what is left."""
    (report,) = [report for report in recover(store, "g", **options)]
    return [one.kind for one in report.repaired], [one.kind for one in report.unresolved]


def test_a_branch_that_is_gone_or_damaged_is_found(ours, theirs):
    """By what follows it; nothing is made up in its place."""
    diverged(ours, theirs)
    synced(ours, theirs)
    origin = (events(theirs))[0].origin
    ours.runtime.access.backend.commit([Delete(S.branch(origin, 1))], timeout=TIMEOUT)
    plant(ours, S.branch(origin, 3), to_status="forged")
    assert problems(ours) == ["corrupt_branch", "missing_branch"]
    with pytest.raises(CorruptLogError):
        events(ours, branches=True)
    (report,) = [report for report in recover(ours, "g")]
    assert sorted(one.kind for one in report.unresolved) == ["corrupt_branch", "missing_branch"]
    assert report.repaired == []


def test_a_branch_that_is_gone_or_damaged_is_brought_again(ours, theirs):
    """By a sync that is asked to, from the store that has it: word for word, and nothing else."""
    diverged(ours, theirs)
    synced(ours, theirs)
    before = events(ours, branches=True)
    origin = (events(theirs))[0].origin
    ours.runtime.access.backend.commit([Delete(S.branch(origin, one)) for one in (1, 2)], timeout=TIMEOUT)
    plant(ours, S.branch(origin, 3), to_status="forged")
    assert problems(ours) == ["corrupt_branch"]
    assert counts(sync(ours, theirs, "g", resolver=LATER)) == (0, 0, 0)
    assert problems(ours) == ["corrupt_branch"]
    report = sync(ours, theirs, "g", resolver=LATER, mend_branches=True)
    assert (counts(report), report.conflicts) == ((0, 3, 0), [])
    assert problems(ours) == []
    assert events(ours, branches=True) == before
    assert counts(sync(ours, theirs, "g", resolver=LATER, mend_branches=True)) == (0, 0, 0)


@in_memory
def test_what_is_lost_is_brought_from_whoever_has_it(ours, theirs):
    """A third store has it in its branches; the other way round as well."""
    with MemoryStore() as third:
        diverged(ours, theirs)
        synced(ours, theirs)
        synced(theirs, third)
        origin = (events(ours))[0].origin
        theirs.runtime.access.backend.commit([Delete(S.branch(origin, 2))], timeout=TIMEOUT)
        assert problems(theirs) == ["missing_branch"]
        report = sync(third, theirs, "g", resolver=LATER, mend_branches=True)
        assert counts(report) == (1, 0, 0)
        assert problems(theirs) == []
    with pytest.raises(ConfigurationError, match="mend_branches"):
        sync(ours, theirs, "g", resolver=LATER, mend_branches="yes")  # type: ignore[arg-type]


def killed(ours, theirs):
    """Sync, and die in our store before the merge is written."""
    real = ours.runtime.writer.write

    def write(*_):
        raise KilledError

    ours.runtime.writer.write = write
    with pytest.raises(KilledError):
        sync(ours, theirs, "g", resolver=MergeFields())
    ours.runtime.writer.write = real


def test_what_a_killed_sync_has_left_is_merged_by_who_recovers(ours, theirs):
    """The other store knew of all that is here: nobody has to decide, and nothing is asked of it."""
    diverged(ours, theirs)
    synced(ours, theirs)
    theirs.save_state("g", "s", {"n": 8})
    theirs.save_state("g", "s", {"n": 9})
    killed(ours, theirs)
    assert problems(ours) == []
    assert recovered(ours, dry_run=True) == (["unmerged_branch"], [])
    assert data(ours) != {"n": 9}
    assert recovered(ours) == (["unmerged_branch"], [])
    assert data(ours) == {"n": 9}
    assert say_the_same(ours, theirs)
    assert recovered(ours) == ([], [])
    assert counts(synced(ours, theirs)) == (0, 0, 0)


def test_a_merge_of_the_same_is_as_good_as_the_one_that_was_followed(ours, theirs):
    """The other store went on from its own merge of what both had, and not from the one that is here."""
    diverged(ours, theirs)
    synced(ours, theirs)
    ours.save_state("g", "s", {"n": 9})
    killed(theirs, ours)
    assert recovered(theirs) == (["unmerged_branch"], [])
    assert data(theirs) == {"n": 9}
    assert say_the_same(ours, theirs)


@in_memory
def test_of_two_stores_the_one_is_merged_that_knows_of_this_one(ours, theirs):
    """Not the other one, though its events are there as well."""
    with MemoryStore(actor="cec") as third:
        diverged(ours, theirs)
        synced(ours, theirs)
        theirs.save_state("g", "s", {"n": 9})
        third.save_state("g", "s", {"n": 7})
        killed(ours, theirs)
        killed(ours, third)
        assert recovered(ours) == (["unmerged_branch"], ["unmerged_branch"])
        assert data(ours) == {"n": 9}


@in_memory
def test_what_was_erased_is_no_version_to_come_to(ours, theirs):
    """The tombstone is still to come, by the next sync."""
    diverged(ours, theirs)
    synced(ours, theirs)
    theirs.save_state("g", "s", {"n": 9})
    killed(ours, theirs)
    event = (events(theirs))[-1]
    path = S.branch(event.origin, event.version)
    document = document_at(ours, path)
    held = read_branch(document, "g", "s")
    put = branch_put(S, held._replace(event=erased(held.event)), Encoding(), document)
    ours.runtime.access.backend.commit([put], timeout=TIMEOUT)
    assert recovered(ours) == ([], ["unmerged_branch"])
    assert data(ours) != {}


def test_who_writes_while_somebody_recovers_is_not_written_over(ours, theirs):
    """What he has made of it, the other store does not know: the next sync's resolver decides."""
    diverged(ours, theirs)
    synced(ours, theirs)
    theirs.save_state("g", "s", {"n": 9})
    killed(ours, theirs)
    real = ours.runtime.writer.write
    written: list[str] = []

    def write_first(change, settings, deadline, guarding=None):
        if change.kind == "merge":
            written.append(change.kind)
            ours.runtime.writer.write = real
            ours.save_state("g", "s", {"n": 10})
        return real(change, settings, deadline, guarding)

    ours.runtime.writer.write = write_first
    assert recovered(ours) == ([], ["unmerged_branch"])
    assert (written, data(ours)) == (["merge"], {"n": 10})
    synced(ours, theirs)
    assert say_the_same(ours, theirs)


def test_two_that_say_the_same_are_merged_by_who_recovers(ours, theirs):
    """Though neither knew of the other."""
    for store in (ours, theirs):
        store.save_state("g", "s", {"n": 1})
    killed(ours, theirs)
    assert recovered(ours) == (["unmerged_branch"], [])
    synced(ours, theirs)
    assert say_the_same(ours, theirs)


def test_where_a_resolver_has_to_decide_who_recovers_does_not(ours, theirs):
    """No store knows which one: it is told, and the next sync decides."""
    for store in (ours, theirs):
        store.save_state("g", "s", {store.actor: 1})
    killed(ours, theirs)
    assert recovered(ours) == ([], ["unmerged_branch"])
    assert problems(ours) == []
    assert data(ours) == {"ann": 1}
    synced(ours, theirs, MergeFields())
    assert data(ours) == {"ann": 1, "bob": 1}
    assert recovered(ours) == ([], [])


@in_memory
def test_a_copy_that_kept_its_id_is_merged_by_nobody(ours, theirs):
    """Its clocks say to know what it does not follow from."""
    ours.save_state("g", "s", {"n": 1})
    synced(ours, theirs)
    ours.save_state("g", "s", {"n": 2})
    theirs.save_state("g", "s", {"n": 3})
    with pytest.raises(KilledError):
        sync(ours, theirs, "g", resolver=Custom(kill))
    origin = (events(ours))[0].origin
    record = ours.runtime.record(S, None)
    alter(ours, S, causality={**record.causality, origin: 1})
    _, left = recovered(ours, dry_run=True)
    assert "unmerged_branch" in left
    assert data(ours) == {"n": 2}


def kill(*_):
    """Stand for the end of the process."""
    raise KilledError


@in_memory
def test_what_follows_something_that_is_missing_is_merged_by_nobody(ours, theirs):
    """The next sync brings it."""
    diverged(ours, theirs)
    synced(ours, theirs)
    for number in range(3):
        theirs.save_state("g", "s", {"n": number})
    killed(ours, theirs)
    written = events(theirs)
    lost = S.branch(written[-2].origin, written[-2].version)
    ours.runtime.access.backend.commit([Delete(lost)], timeout=TIMEOUT)
    assert recovered(ours) == ([], ["missing_branch"])
    synced(ours, theirs, LastWriteWins())
    assert say_the_same(ours, theirs)
