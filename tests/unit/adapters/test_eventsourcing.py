"""eventsourcing's recorders over a store: what is stored, found again and refused."""

import random
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    StoredEvent,
    Tracking,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tai_state import ConfigurationError, MemoryStore, RetryPolicy
from tai_state.adapters.eventsourcing import (
    TaiStateAggregateRecorder,
    TaiStateApplicationRecorder,
    TaiStateProcessRecorder,
    TaiStateTrackingRecorder,
)
from tai_state.adapters.eventsourcing.events import CHUNK_BYTES
from tai_state.testing import Faults, FaultyStore
from tests.unit.adapters.originators import saved


@pytest.fixture
def store():
    """A store in memory."""
    with MemoryStore() as store:
        yield store


# What is found again


RUNS = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=4, unique=True), max_size=6)
BOUND = st.none() | st.integers(-1, 13)


@settings(max_examples=60)
@given(RUNS, BOUND, BOUND, st.booleans(), st.none() | st.integers(0, 5))
def test_events_are_selected_as_from_a_list_of_them(runs, gt, lte, desc, limit):
    """Whatever was saved, with gaps and out of order, between any versions, from either end."""
    with MemoryStore() as store:
        recorder = TaiStateAggregateRecorder(store)
        kept: dict[int, StoredEvent] = {}
        for run in runs:
            events = saved("a", *run)
            if kept.keys().isdisjoint(run):
                recorder.insert_events(events)
                kept.update((event.originator_version, event) for event in events)
            else:
                with pytest.raises(IntegrityError):
                    recorder.insert_events(events)
        wanted = [
            kept[version]
            for version in sorted(kept)
            if (gt is None or version > gt) and (lte is None or version <= lte)
        ]
        wanted = wanted[::-1] if desc else wanted
        assert recorder.select_events("a", gt=gt, lte=lte, desc=desc, limit=limit) == wanted[:limit]


@pytest.mark.parametrize("together", [1, 2, 3])
def test_what_is_newer_is_found_from_any_version(store, together):
    """Saved one by one or some at a time, as caches of aggregates ask for it."""
    recorder, count = TaiStateAggregateRecorder(store), 12
    for begin in range(0, count, together):
        recorder.insert_events(saved("a", *range(begin, begin + together)))
    for gt in range(-1, count + 1):
        found = recorder.select_events("a", gt=gt)
        assert [event.originator_version for event in found] == list(range(gt + 1, count))


def test_who_wrote_reads_on_from_there(store):
    """The place behind what was just saved is known, and is the right one."""
    recorder = TaiStateApplicationRecorder(store)
    for version in range(0, 12, 3):
        (*_, last) = recorder.insert_events(saved("a", version, version + 1, version + 2)) or ()
        assert recorder.select_notifications(last, 9, inclusive_of_start=False) == []
    assert [one.id for one in recorder.select_notifications(6, 9, inclusive_of_start=False)] == list(range(7, 13))


def test_numbers_are_found_by_who_never_read_before(store):
    """From any number on, however many were saved together: by a recorder that remembers no place."""
    rng, written = random.Random(3), TaiStateApplicationRecorder(store)
    every: list[StoredEvent] = []
    for run in range(90):
        events = saved(uuid4(), *range(rng.choice([1, 1, 2, 9]) if run < 60 else 1))
        numbers = written.insert_events(events)
        assert numbers == list(range(len(every) + 1, len(every) + len(events) + 1))
        every += events
    for start in [*range(0, len(every), 11), *range(len(every) - 5, len(every) + 2)]:
        stranger = TaiStateApplicationRecorder(store)
        for limit in (1, 40):
            found = stranger.select_notifications(start, limit, inclusive_of_start=False)
            assert [one.id for one in found] == list(range(start + 1, min(start + limit, len(every)) + 1))
            assert [one.originator_id for one in found] == [one.originator_id for one in every[start : start + limit]]


def test_who_reads_on_reads_nothing_twice(store, monkeypatch):
    """Page by page, each of a few: the place where a page ended is known, also within what was saved together."""
    recorder, count = TaiStateApplicationRecorder(store), 60
    for _ in range(count // 6):
        recorder.insert_events(saved(uuid4(), *range(6)))
    reader, looks, read = TaiStateApplicationRecorder(store), [], store.get_events
    seen: list[int] = []

    def counted(*ids, **bounds):
        looks.append(bounds)
        return read(*ids, **bounds)

    monkeypatch.setattr(store, "get_events", counted)
    while page := reader.select_notifications(seen[-1] if seen else 0, 4, inclusive_of_start=False):
        seen += [one.id for one in page]
    assert seen == list(range(1, count + 1))
    # One read for each page, that of the end included, and no look for its place.
    assert len(looks) == count // 4 + 1


def test_topics_are_chosen_and_the_limit_is_of_those(store):
    """All pages are looked through until there are as many as were asked for."""
    recorder = TaiStateApplicationRecorder(store)
    recorder.insert_events(saved("a", *range(20)))
    for version in range(20, 30):
        recorder.insert_events(saved("a", version))
    found = recorder.select_notifications(2, 8, topics=["topic0"], stop=25)
    assert [one.id for one in found] == [4, 7, 10, 13, 16, 19, 22, 25]


def test_what_is_of_other_topics_is_looked_through_once(store, monkeypatch):
    """By who asks for the same again, as whoever follows an application does; what comes is found all the same."""
    recorder, read, seen = TaiStateApplicationRecorder(store), store.get_events, []

    def counted(*ids, **bounds):
        for event in read(*ids, **bounds):
            seen.append(event.version)
            yield event

    def found(start, topic="topic0", **bounds):
        seen.clear()
        told = recorder.select_notifications(start, 9, topics=[topic], inclusive_of_start=False, **bounds)
        return [one.id for one in told], len(seen)

    monkeypatch.setattr(store, "get_events", counted)
    recorder.insert_events(saved("a", 0))
    for version in range(1, 60, 3):
        recorder.insert_events(saved("a", version, version + 1))
    assert found(1, stop=2) == ([], 1)
    assert found(1) == ([], 20)
    assert found(1) == ([], 0)
    assert found(1, "topic2", stop=6) == ([3, 5], 3)
    recorder.insert_events(saved("b", 1, 3, 4))
    assert found(1) == ([43], 1)
    assert found(43) == ([], 0)
    assert found(0) == ([1, 43], 22)
    assert found(39, "topic1") == ([40, 42, 44], 2)


def test_what_is_large_is_cut_and_comes_back_whole(store):
    """Events that are saved together, and fit into no document together, have numbers in a row all the same."""
    recorder, half = TaiStateApplicationRecorder(store), bytes(CHUNK_BYTES // 2 + 1)
    events = saved("a", 0, 1, 2, state=half)
    assert recorder.insert_events(events) == [1, 2, 3]
    assert recorder.select_events("a") == events
    assert [event.version for event in store.get_events("eventsourcing", "events-a")] == [1, 2, 3]
    assert [one.id for one in recorder.select_notifications(2, 9)] == [2, 3]


def test_an_id_comes_back_as_what_it_was(store):
    """A UUID as a UUID, a text as a text, also one that looks like a UUID."""
    recorder = TaiStateApplicationRecorder(store)
    ids: list[UUID | str] = [uuid4(), "order/17", "état", str(uuid4())]
    for one in ids:
        recorder.insert_events(saved(one, 0))
    assert [one.originator_id for one in recorder.select_notifications(1, 9)] == ids
    assert [type(recorder.select_events(one)[0].originator_id) for one in ids] == [UUID, str, str, str]


def test_snapshots_stand_beside_events(store):
    """Of the same aggregate, in the same application; and applications do not meet."""
    events, snapshots = TaiStateApplicationRecorder(store), TaiStateAggregateRecorder(store, purpose="snapshots")
    events.insert_events(saved("a", 0))
    snapshots.insert_events(saved("a", 7))
    assert [one.originator_version for one in events.select_events("a")] == [0]
    assert [one.originator_version for one in snapshots.select_events("a", desc=True, limit=1)] == [7]
    assert TaiStateApplicationRecorder(store, "other").select_events("a") == []


# What is refused


@pytest.mark.parametrize("purpose", ["", "snap-shots", "sequence", "tracking"])
def test_a_purpose_that_cannot_be_told_apart_is_refused(store, purpose):
    """The states of one would be those of another."""
    with pytest.raises(ConfigurationError, match="purpose"):
        TaiStateAggregateRecorder(store, purpose=purpose)


def test_who_was_overtaken_decides_anew(store, monkeypatch):
    """Another writer comes between a look and its change: what he saved is kept, and refuses the same."""
    recorder, read, others = TaiStateAggregateRecorder(store), store.get_state, [[1], [3]]

    def overtaken(*ids):
        found = read(*ids)
        if others:
            TaiStateApplicationRecorder(store).insert_events(saved("a", *others.pop(0)))
        return found

    recorder.insert_events(saved("a", 0))
    monkeypatch.setattr(store, "get_state", overtaken)
    recorder.insert_events(saved("a", 2))
    with pytest.raises(IntegrityError, match="version 3 of a"):
        recorder.insert_events(saved("a", 3))
    assert [event.originator_version for event in recorder.select_events("a")] == [0, 1, 2, 3]
    assert recorder.select_events("a", gt=2)[0].topic == "topic0"


def test_a_position_and_events_are_written_together_or_not_at_all(store):
    """Of two that were made of one notification, the second leaves nothing."""
    recorder = TaiStateProcessRecorder(store)
    recorder.insert_events(saved("a", 0), tracking=Tracking("upstream", 3))
    with pytest.raises(IntegrityError, match="position is 3"):
        recorder.insert_events(saved("b", 0), tracking=Tracking("upstream", 3))
    assert recorder.select_events("b") == []
    with pytest.raises(IntegrityError, match="version 0 of a"):
        recorder.insert_events(saved("a", 0), tracking=Tracking("upstream", 4))
    assert (recorder.max_tracking_id("upstream"), recorder.max_notification_id()) == (3, 1)


def test_what_was_deleted_is_not_made_anew(store):
    """An operator took it away: nothing of it is read, and nothing is written over it."""
    recorder = TaiStateApplicationRecorder(store)
    recorder.insert_events(saved("a", 0, 1))
    store.delete_state("eventsourcing", "events-a")
    assert recorder.select_events("a") == recorder.select_events("a", gt=0) == []
    with pytest.raises(IntegrityError, match="was deleted"):
        recorder.insert_events(saved("a", 0))
    plain = TaiStateAggregateRecorder(store)
    with pytest.raises(IntegrityError, match="was deleted"):
        plain.insert_events(saved("a", 0))
    assert recorder.max_notification_id() == 2
    assert not store.exists("eventsourcing", "events-a")


def test_a_position_that_was_deleted_begins_anew(store):
    """So is a view built again: by an operator who deletes its position."""
    recorder = TaiStateTrackingRecorder(store)
    recorder.insert_tracking(Tracking("upstream", 3))
    store.delete_state("eventsourcing", "tracking-upstream")
    assert recorder.max_tracking_id("upstream") is None
    recorder.insert_tracking(Tracking("upstream", 1))
    assert recorder.max_tracking_id("upstream") == 1


def test_somebody_elses_state_is_named(store):
    """One that has the id of one of ours, and holds something else."""
    recorder = TaiStateApplicationRecorder(store)
    store.save_state("eventsourcing", "events-a", {"balance": 1})
    with pytest.raises(DatabaseError, match="'events-a'"):
        recorder.select_events("a")
    with pytest.raises(DatabaseError, match="no number 'first'"):
        recorder.insert_events(saved("a", 0))
    store.save_state("eventsourcing", "sequence", {})
    with pytest.raises(DatabaseError, match="no number 'last'"):
        recorder.max_notification_id()


@pytest.mark.parametrize(("originator_id", "size"), [("x" * 480, 1), ("a", 2_000_000)])
def test_what_cannot_be_stored_is_a_data_error(store, originator_id, size):
    """With this package's error as its cause."""
    recorder = TaiStateApplicationRecorder(store)
    with pytest.raises(DataError) as caught:
        recorder.insert_events(saved(originator_id, 0, state=random.Random(1).randbytes(size)))
    assert caught.value.__cause__ is not None
    assert recorder.max_notification_id() is None


def test_a_closed_store_is_an_interface_error(store):
    """For whoever reads, and whoever writes."""
    recorder = TaiStateApplicationRecorder(store)
    store.drain()
    with pytest.raises(InterfaceError):
        recorder.insert_events(saved("a", 0))
    with pytest.raises(InterfaceError):
        recorder.select_events("a")


def test_a_store_that_fails_is_an_operational_error(store):
    """As long as nobody knows whether it answers again."""
    once = RetryPolicy(attempts=1)
    faulty = FaultyStore(store, seed=1, faults=Faults(unavailable=1.0), retry=once)
    with pytest.raises(OperationalError):
        TaiStateApplicationRecorder(faulty).select_events("a")


def test_a_lost_reply_saves_once(store):
    """What is in doubt is settled by reading: no event and no number is doubled or left out."""
    faulty = FaultyStore(store, seed=2, faults=Faults(reply_lost=0.5))
    recorder = TaiStateApplicationRecorder(faulty)
    numbers = [recorder.insert_events(saved("a", version)) for version in range(20)]
    assert numbers == [[number] for number in range(1, 21)]
    assert [one.originator_version for one in TaiStateApplicationRecorder(store).select_notifications(1, 99)] == list(
        range(20)
    )
