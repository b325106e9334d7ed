# Generated from tests/_async/history/test_store_events.py by .ci/generate_sync.py; do not edit.
"""The events that changes leave: one each, in the same commit, in order."""
import pytest

from tai_state import ChangeMetadata, Event, InvalidDataError
from tai_state.documents import Check
from tai_state.layout import META, state_layout
from tai_state.testing.clock import ManualClock
from tests._sync.stores import document_at, in_memory

PATHS = state_layout("g", "s")


def versions(store, **options):
    return [event.version for event in store.get_events("g", "s", **options)]


def test_every_change_writes_one_event(store):
    """Save, update, delete and re-creation each leave theirs, and nothing else does."""
    store.save_state("g", "s", {"n": 1}, status="open")
    store.update_state("g", "s", {"n": 2}, 1)
    store.delete_state("g", "s")
    store.save_state("g", "s", {"n": 3})
    store.get_state("g", "s")
    events = [event for event in store.get_events("g", "s")]
    assert [(one.version, one.action, one.kind, one.deleted) for one in events] == [
        (1, "save", "save", False),
        (2, "update", "update", False),
        (3, "delete", "delete", True),
        (4, "save", "save", False),
    ]


def test_events_carry_both_sides_of_a_change(store):
    """Status and data before and after, None before a creation."""
    store.save_state("g", "s", {"n": 1}, status="open")
    store.save_state("g", "s", {"n": 2}, status="shut")
    store.delete_state("g", "s")
    events = [event for event in store.get_events("g", "s")]
    assert [(one.from_status, one.to_status, one.from_state, one.to_state) for one in events] == [
        (None, "open", None, {"n": 1}),
        ("open", "shut", {"n": 1}, {"n": 2}),
        ("shut", "shut", {"n": 2}, {}),
    ]


def test_the_event_is_in_the_commit_of_the_state(place):
    """One commit holds the state first, and its event."""
    store, backend = place.counting()
    for change in (
        lambda: store.save_state("g", "s", {"n": 1}),
        lambda: store.update_state("g", "s", {"n": 2}, 1),
        lambda: store.delete_state("g", "s"),
    ):
        change()
    for version, writes in enumerate(backend.commits, start=1):
        written = [write.path for write in writes if not isinstance(write, Check) and write.path != META]
        assert written == [PATHS.state, PATHS.event(version)]


def test_the_events_of_a_state_are_a_chain(store):
    """Each names its parent and carries the hash of the one before."""
    for n in range(4):
        store.save_state("g", "s", {"n": n})
    events = [event for event in store.get_events("g", "s")]
    assert events[0].previous_hash == "0" * 64
    assert [one.previous_hash for one in events[1:]] == [one.hash for one in events[:-1]]
    assert [one.parents for one in events] == [(), (1,), (2,), (3,)]
    assert len({one.transition_id for one in events}) == 4


def test_events_tell_who_when_and_where(store):
    """Author, reason, key, the writer's time, the store's time, and the store's id."""
    metadata = ChangeMetadata(changed_by="ann", reason="why", context={"k": [1]})
    store.save_state("g", "s", {}, metadata, idempotency_key="once")
    (event,) = [event for event in store.get_events("g", "s")]
    document = document_at(store, PATHS.event(1))
    meta = document_at(store, META)
    assert (event.metadata.changed_by, event.metadata.reason) == ("ann", "why")
    assert event.metadata.context == {"k": [1]}
    assert event.idempotency_key == "once"
    assert event.committed_at == document.create_time
    assert event.origin == meta.fields["store_id"]
    assert event.causality.root == {event.origin: 1}


def test_timestamps_never_fall(place):
    """A writer whose clock is behind signs with the time of the change before."""
    ahead, behind = ManualClock(), ManualClock()
    ahead.advance(3600)
    place.store(clock=ahead).save_state("g", "s", {"n": 1})
    late = place.store(clock=behind)
    late.save_state("g", "s", {"n": 2})
    first, second = [event for event in late.get_events("g", "s")]
    assert first.timestamp == second.timestamp == ahead.now()


def test_two_stores_in_one_place_share_its_id(place):
    """The id belongs to what is stored, not to the object that stores."""
    one, other = place.store(), place.store()
    one.save_state("g", "s", {"n": 1})
    other.save_state("g", "s", {"n": 2})
    origins = {event.origin for event in one.get_events("g", "s")}
    assert len(origins) == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"after": 0}, [1, 2, 3, 4, 5]),
        ({"after": 3}, [4, 5]),
        ({"after": 5}, []),
        ({"until": 2}, [1, 2]),
        ({"until": 0}, []),
        ({"until": 99}, [1, 2, 3, 4, 5]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 0}, []),
        ({"after": 1, "until": 4}, [2, 3, 4]),
        ({"after": 1, "until": 4, "limit": 2}, [2, 3]),
        ({"after": 4, "until": 2}, []),
    ],
    ids=str,
)
def test_a_range_of_events(store, options, expected):
    """After is exclusive, until inclusive, limit counts."""
    for n in range(5):
        store.save_state("g", "s", {"n": n})
    assert versions(store, **options) == expected


def test_events_of_a_state_that_never_was(store):
    """There are none, and that is no error."""
    assert versions(store) == []


@in_memory
@pytest.mark.parametrize("wrong", [-1, True, 1.0, "1", 2**63])
def test_what_is_no_version_is_refused(place, wrong):
    """Neither after nor until takes it, and nothing is asked."""
    store, backend = place.counting()
    for name in ("after", "until"):
        with pytest.raises(InvalidDataError) as caught:
            versions(store, **{name: wrong})
        assert caught.value.path == name
    assert backend.calls == []


def test_events_survive_the_delete_and_the_new_life(store):
    """The history of a state is one, over its tombstones."""
    store.save_state("g", "s", {"life": 1})
    store.delete_state("g", "s")
    store.save_state("g", "s", {"life": 2})
    events = [event for event in store.get_events("g", "s")]
    assert [one.to_state for one in events] == [{"life": 1}, {}, {"life": 2}]
    assert all(isinstance(one, Event) for one in events)
