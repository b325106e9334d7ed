"""The events that changes leave: one each, in the same commit, in order."""

import pytest

from tai_state import ChangeMetadata, Event, InvalidDataError
from tai_state.documents import Check
from tai_state.layout import META, state_layout
from tai_state.testing.clock import ManualClock
from tests._async.stores import async_document_at, in_memory

PATHS = state_layout("g", "s")


async def async_versions(store, **options):
    return [event.version async for event in store.get_events("g", "s", **options)]


async def test_every_change_writes_one_event(store):
    """Save, update, delete and re-creation each leave theirs, and nothing else does."""
    await store.save_state("g", "s", {"n": 1}, status="open")
    await store.update_state("g", "s", {"n": 2}, 1)
    await store.delete_state("g", "s")
    await store.save_state("g", "s", {"n": 3})
    await store.get_state("g", "s")
    events = [event async for event in store.get_events("g", "s")]
    assert [(one.version, one.action, one.kind, one.deleted) for one in events] == [
        (1, "save", "save", False),
        (2, "update", "update", False),
        (3, "delete", "delete", True),
        (4, "save", "save", False),
    ]


async def test_events_carry_both_sides_of_a_change(store):
    """Status and data before and after, None before a creation."""
    await store.save_state("g", "s", {"n": 1}, status="open")
    await store.save_state("g", "s", {"n": 2}, status="shut")
    await store.delete_state("g", "s")
    events = [event async for event in store.get_events("g", "s")]
    assert [(one.from_status, one.to_status, one.from_state, one.to_state) for one in events] == [
        (None, "open", None, {"n": 1}),
        ("open", "shut", {"n": 1}, {"n": 2}),
        ("shut", "shut", {"n": 2}, {}),
    ]


async def test_the_event_is_in_the_commit_of_the_state(place):
    """One commit holds the state first, and its event."""
    store, backend = place.counting()
    for change in (
        lambda: store.save_state("g", "s", {"n": 1}),
        lambda: store.update_state("g", "s", {"n": 2}, 1),
        lambda: store.delete_state("g", "s"),
    ):
        await change()
    for version, writes in enumerate(backend.commits, start=1):
        written = [write.path for write in writes if not isinstance(write, Check) and write.path != META]
        assert written == [PATHS.state, PATHS.event(version)]


async def test_the_events_of_a_state_are_a_chain(store):
    """Each names its parent and carries the hash of the one before."""
    for n in range(4):
        await store.save_state("g", "s", {"n": n})
    events = [event async for event in store.get_events("g", "s")]
    assert events[0].previous_hash == "0" * 64
    assert [one.previous_hash for one in events[1:]] == [one.hash for one in events[:-1]]
    assert [one.parents for one in events] == [(), (1,), (2,), (3,)]
    assert len({one.transition_id for one in events}) == 4


async def test_events_tell_who_when_and_where(store):
    """Author, reason, key, the writer's time, the store's time, and the store's id."""
    metadata = ChangeMetadata(changed_by="ann", reason="why", context={"k": [1]})
    await store.save_state("g", "s", {}, metadata, idempotency_key="once")
    (event,) = [event async for event in store.get_events("g", "s")]
    document = await async_document_at(store, PATHS.event(1))
    meta = await async_document_at(store, META)
    assert (event.metadata.changed_by, event.metadata.reason) == ("ann", "why")
    assert event.metadata.context == {"k": [1]}
    assert event.idempotency_key == "once"
    assert event.committed_at == document.create_time
    assert event.origin == meta.fields["store_id"]
    assert event.causality.root == {event.origin: 1}


async def test_timestamps_never_fall(place):
    """A writer whose clock is behind signs with the time of the change before."""
    ahead, behind = ManualClock(), ManualClock()
    ahead.advance(3600)
    await place.store(clock=ahead).save_state("g", "s", {"n": 1})
    late = place.store(clock=behind)
    await late.save_state("g", "s", {"n": 2})
    first, second = [event async for event in late.get_events("g", "s")]
    assert first.timestamp == second.timestamp == ahead.now()


async def test_two_stores_in_one_place_share_its_id(place):
    """The id belongs to what is stored, not to the object that stores."""
    one, other = place.store(), place.store()
    await one.save_state("g", "s", {"n": 1})
    await other.save_state("g", "s", {"n": 2})
    origins = {event.origin async for event in one.get_events("g", "s")}
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
async def test_a_range_of_events(store, options, expected):
    """After is exclusive, until inclusive, limit counts."""
    for n in range(5):
        await store.save_state("g", "s", {"n": n})
    assert await async_versions(store, **options) == expected


async def test_events_of_a_state_that_never_was(store):
    """There are none, and that is no error."""
    assert await async_versions(store) == []


@in_memory
@pytest.mark.parametrize("wrong", [-1, True, 1.0, "1", 2**63])
async def test_what_is_no_version_is_refused(place, wrong):
    """Neither after nor until takes it, and nothing is asked."""
    store, backend = place.counting()
    for name in ("after", "until"):
        with pytest.raises(InvalidDataError) as caught:
            await async_versions(store, **{name: wrong})
        assert caught.value.path == name
    assert backend.calls == []


async def test_events_survive_the_delete_and_the_new_life(store):
    """The history of a state is one, over its tombstones."""
    await store.save_state("g", "s", {"life": 1})
    await store.delete_state("g", "s")
    await store.save_state("g", "s", {"life": 2})
    events = [event async for event in store.get_events("g", "s")]
    assert [one.to_state for one in events] == [{"life": 1}, {}, {"life": 2}]
    assert all(isinstance(one, Event) for one in events)
