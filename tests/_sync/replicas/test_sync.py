# Generated from tests/_async/replicas/test_sync.py by .ci/generate_sync.py; do not edit.
"""Two stores are brought to know and to say the same, and nothing that either acknowledged is lost."""
import pytest

from tai_state import MemoryStore, StateMachinePersister, ConfigurationError, PersistenceConfig, recover
from tai_state.causality import LastWriteWins, MergeFields, VectorClock
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.replicas import sync
from tests._sync.machines import COUNTER
from tests._sync.replicas.syncing import LATER, data, events, say_the_same, synced, counts
from tests._sync.stores import TIMEOUT, in_memory


def test_what_one_store_has_is_in_the_other_word_for_word(ours, theirs):
    """Both ways, each event with its hash, its origin and its time."""
    for number in range(3):
        ours.save_state("g", "a", {"n": number})
    theirs.save_state("g", "b", {"n": 9}, status="new", labels={"k": "v"})
    report = synced(ours, theirs)
    assert (counts(report), report.states, report.conflicts) == ((3, 1, 0), 2, [])
    for state in ("a", "b"):
        mine, other = events(ours, state), events(theirs, state)
        assert mine == other
    assert (ours.get_state("g", "b"))[0].labels == {"k": "v"}


def test_a_second_sync_sends_nothing(ours, theirs):
    """Nor does one the other way round."""
    ours.save_state("g", "s", {"n": 1})
    synced(ours, theirs)
    for one, other in ((ours, theirs), (theirs, ours)):
        assert counts(synced(one, other)) == (0, 0, 0)


def test_what_goes_on_from_the_other_s_head_goes_into_its_line(ours, theirs):
    """As long as only one of them is changed at a time, both have one line."""
    ours.save_state("g", "s", {"n": 1})
    synced(ours, theirs)
    theirs.save_state("g", "s", {"n": 2})
    theirs.save_state("g", "s", {"n": 3})
    assert counts(synced(ours, theirs)) == (0, 2, 0)
    ours.save_state("g", "s", {"n": 4})
    assert counts(synced(ours, theirs)) == (1, 0, 0)
    assert events(ours) == events(theirs)
    assert [event.version for event in events(ours)] == [1, 2, 3, 4]


def part(ours, theirs):
    """Let both change one state without knowing of each other; the later one in memory."""
    ours.save_state("g", "s", {"n": 0})
    synced(ours, theirs)
    ours.save_state("g", "s", {"n": 1, "ours": True})
    theirs.save_state("g", "s", {"n": 2, "theirs": True})
    theirs.save_state("g", "s", {"n": 3, "theirs": True})


def test_what_both_have_changed_is_merged(ours, theirs):
    """Both say the same behind it, each in a line of its own, and the merge knows what both knew, and no more."""
    part(ours, theirs)
    report = synced(ours, theirs)
    assert counts(report) == (2, 2, 2)
    assert [(one.kind, one.result, one.strategy) for one in report.conflicts] == [
        ("concurrent", "resolved", "last_write_wins")
    ]
    assert say_the_same(ours, theirs)
    assert data(ours) == {"n": 3, "theirs": True}
    mine, other = events(ours), events(theirs)
    assert ([one.version for one in mine], [one.version for one in other]) == ([1, 2, 3], [1, 2, 3, 4])
    merge, before, head = mine[-1], mine[-2], other[-2]
    assert (merge.kind, merge.action, merge.parents, merge.metadata.changed_by) == ("merge", "merge", (2,), "ann")
    assert (merge.foreign_parent.origin, merge.foreign_parent.version) == (head.origin, head.version)
    assert merge.foreign_parent.hash == head.hash
    assert merge.timestamp == max(before.timestamp, head.timestamp) == other[-1].timestamp
    assert merge.causality == before.causality.merge(head.causality) == other[-1].causality
    assert counts(synced(theirs, ours)) == (0, 0, 0)


def test_no_acknowledged_write_is_missing_from_the_history(ours, theirs):
    """It stands in the line of its store, and word for word in the branches of the other."""
    part(ours, theirs)
    mine, other = events(ours), events(theirs)
    synced(ours, theirs)
    for store, written in ((ours, other), (theirs, mine)):
        everything = events(store, branches=True)
        assert {event.hash for event in written} <= {event.hash for event in everything}
        line = events(store)
        assert everything[: len(line)] == line
        kept = {event.hash: event for event in everything}
        assert [kept[event.hash] for event in written] == written


def test_what_is_written_behind_a_merge_is_no_conflict(ours, theirs):
    """Whoever writes there has seen both."""
    part(ours, theirs)
    synced(ours, theirs)
    ours.save_state("g", "s", {"n": 5})
    report = synced(ours, theirs)
    assert (report.conflicts, counts(report)) == ([], (1, 0, 1))
    assert data(theirs) == {"n": 5}
    assert say_the_same(ours, theirs)


def test_the_base_of_a_merge_is_the_nearest_version_of_both(ours, theirs):
    """Of the second merge it is what the first one made."""
    part(ours, theirs)
    synced(ours, theirs, MergeFields())
    both = {"n": 3, "ours": True, "theirs": True}
    assert data(ours) == both
    ours.save_state("g", "s", {**both, "n": 7})
    theirs.save_state("g", "s", {"n": 3, "ours": True, "more": 1})
    report = synced(ours, theirs, MergeFields())
    assert data(theirs) == {"n": 7, "ours": True, "more": 1}
    assert [one.fields for one in report.conflicts] == [()]


def test_a_state_that_both_have_made_is_merged_without_a_base(ours, theirs):
    """There is none."""
    ours.save_state("g", "s", {"a": 1})
    theirs.save_state("g", "s", {"b": 2})
    report = synced(ours, theirs, MergeFields())
    assert data(ours) == {"a": 1, "b": 2}
    assert [one.kind for one in report.conflicts] == ["concurrent"]
    assert say_the_same(ours, theirs)


def test_three_stores_come_to_the_same_in_any_order(ours, theirs):
    """A merge that one pair has made is merged on by the next."""
    with MemoryStore(actor="cec") as third:
        stores = (ours, theirs, third)
        ours.save_state("g", "s", {"n": 0})
        synced(ours, theirs)
        synced(theirs, third)
        for number, store in enumerate(stores):
            store.save_state("g", "s", {"n": number, f"field{number}": number})
        for one, other in ((1, 2), (0, 1), (2, 0), (1, 2)):
            synced(stores[one], stores[other], MergeFields())
        assert say_the_same(ours, theirs)
        assert say_the_same(theirs, third)
        assert data(ours) == {"n": 2, "field0": 0, "field1": 1, "field2": 2}


def test_a_long_history_is_sent_in_parts_and_from_its_segments(ours, theirs, scale):
    """What is sealed, and what is not; the other store goes on with it."""
    config = PersistenceConfig(segment_events=10, snapshot_interval=10, snapshot_retention=2)
    persister = StateMachinePersister(ours, COUNTER, config)
    persister.start("g", "s", {"n": 0})
    count = scale(120, 1_000)
    for _ in range(count):
        persister.transition("g", "s", "add")
    assert (synced(ours, theirs)).sent == count + 1
    assert events(theirs) == events(ours)
    other = StateMachinePersister(theirs, COUNTER, config)
    for _ in range(15):
        other.transition("g", "s", "add")
    persister.transition("g", "s", "add")
    report = synced(ours, theirs)
    assert counts(report) == (2, 15, 2)
    assert say_the_same(ours, theirs)
    assert (other.validate_consistency("g")).is_consistent


def test_a_machine_goes_on_behind_a_merge(ours, theirs):
    """Its moves are what they were, and run again they are the same."""
    mine, other = (StateMachinePersister(store, COUNTER) for store in (ours, theirs))
    mine.start("g", "s", {"n": 0})
    synced(ours, theirs)
    mine.transition("g", "s", "add", 5)
    other.transition("g", "s", "shut")
    synced(ours, theirs)
    assert (mine.load_state("g", "s")).snapshot.status == "shut"
    result = mine.transition("g", "s", "reopen")
    assert (result.from_status, result.snapshot.machine_name) == ("shut", "counter")
    synced(ours, theirs)
    for persister in (mine, other):
        assert (persister.validate_consistency("g")).is_consistent
        assert (persister.replay("g", "s")).status == "open"


def test_a_store_is_made_sound_again_behind_merges(ours, theirs):
    """A state's document that is lost is what its line tells, merges included."""
    part(ours, theirs)
    synced(ours, theirs)
    before = (ours.get_state("g", "s"))[0]
    ours.runtime.access.backend.commit([Delete(state_layout("g", "s").state)], timeout=TIMEOUT)
    reports = [report for report in recover(ours, "g")]
    assert [repair.kind for report in reports for repair in report.repaired] == ["state_missing"]
    assert (ours.get_state("g", "s"))[0] == before
    assert counts(synced(ours, theirs)) == (0, 0, 0)


@in_memory
def test_one_store_is_not_synced_with_itself(place, ours, theirs):
    """Nor with a copy that has kept its id."""
    ours.save_state("g", "s", {})
    with pytest.raises(ConfigurationError, match="one is a copy of the other"):
        sync(ours, place.store(), "g", resolver=LATER)


@in_memory
def test_a_node_is_one_writer(place):
    """Two stores that are opened under one name are refused, and so are states that were written so."""
    one, hub = place.store(node="edge"), MemoryStore()
    with MemoryStore(node="edge") as other, hub:
        with pytest.raises(ConfigurationError, match="node 'edge'"):
            sync(one, other, "g", resolver=LATER)
        one.save_state("g", "s", {"n": 1})
        other.save_state("g", "s", {"n": 2})
        synced(one, hub)
        with pytest.raises(ConfigurationError, match="node 'edge'"):
            sync(other, hub, "g", resolver=LATER)


@in_memory
def test_what_cannot_be_synced_is_told(ours, theirs):
    """A resolver is asked for, and stores of this colour."""
    with pytest.raises(ConfigurationError, match="resolver"):
        sync(ours, theirs, "g", resolver="later")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="colour"):
        sync(ours, "theirs", "g", resolver=LastWriteWins())  # type: ignore[arg-type]


def test_a_state_says_how_often_each_store_has_changed_it(ours, theirs):
    """Also where it came from the other one."""
    ours.save_state("g", "s", {"n": 1})
    synced(ours, theirs)
    theirs.save_state("g", "s", {"n": 2})
    synced(ours, theirs)
    mine, other = events(ours)
    assert (ours.get_state("g", "s"))[0].causality == VectorClock({mine.origin: 1, other.origin: 1})
