"""Lists of a part of the states, and lists and histories from their end."""

import pytest

from tai_state import AsyncStateMachinePersister, HistoryTrimmedError, InvalidDataError, PersistenceConfig
from tai_state.documents import Delete
from tai_state.errors import CorruptLogError
from tai_state.layout import escape, state_layout
from tests._async.api.test_find import async_until_error
from tests._async.api.test_store_lists import HOSTILE_IDS, async_listed, async_save_many
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT


@pytest.fixture
async def hostile(store):
    """States of ids of every kind, every second in another status."""
    await async_save_many(store, HOSTILE_IDS[::2], status="open")
    await async_save_many(store, HOSTILE_IDS[1::2], status="shut")
    return store


@pytest.mark.parametrize("options", [{}, {"limit": 1_000}, {"status": "open"}], ids=str)
async def test_states_are_listed_by_a_prefix(hostile, options):
    """Exactly those whose id begins with it, whatever it is, in their order, by a scan as by a query."""
    ids = sorted(HOSTILE_IDS[::2] if "status" in options else HOSTILE_IDS, key=escape)
    for prefix in ("user", "u", "x", "x@", "x%", "_", "__", "__x", "é", "/", "z"):
        expected = [one for one in ids if one.startswith(prefix)]
        assert await async_listed(hostile, prefix=prefix, **options) == expected
        # Of states of any status, only live ones are listed from their end.
        assert await async_listed(hostile, prefix=prefix, descending=True, **options) == expected[::-1]


@pytest.mark.parametrize("options", [{}, {"status": "open"}], ids=str)
async def test_states_are_listed_between_two(hostile, options):
    """Behind the one, up to the other and with it, in either direction; neither need be there."""
    ids = sorted(HOSTILE_IDS[::2] if options else HOSTILE_IDS, key=escape)
    for after, until in ((ids[2], ids[-3]), ("m", "y"), (ids[4], ids[4]), (ids[-1], ids[0])):
        between = [one for one in ids if escape(after) < escape(one) <= escape(until)]
        assert await async_listed(hostile, after=after, until=until, **options) == between
        back = [one for one in ids[::-1] if escape(until) > escape(one) >= escape(after)]
        assert await async_listed(hostile, after=until, until=after, descending=True, **options) == back
    assert await async_listed(hostile, prefix="x", after="x", until="x-1", **options) == [
        one for one in ids if one.startswith("x") and escape("x") < escape(one) <= escape("x-1")
    ]


async def test_states_are_listed_from_their_end(store):
    """Over pages, with a limit, and without those that are deleted, unless a status is given."""
    ids = [f"s{n:03}" for n in range(310)]
    await async_save_many(store, ids, status="open")
    await store.delete_state("g", "s300")
    live = [one for one in ids[::-1] if one != "s300"]
    assert await async_listed(store, descending=True) == live
    assert await async_listed(store, descending=True, limit=12) == live[:12]
    assert await async_listed(store, descending=True, after="s003") == ["s002", "s001", "s000"]
    assert await async_listed(store, descending=True, status="open", limit=12) == live[:12]
    assert await async_listed(store, descending=True, status="open", include_deleted=True, limit=12) == ids[:-13:-1]
    with pytest.raises(InvalidDataError, match="status="):
        await async_listed(store, descending=True, include_deleted=True)


async def test_a_machines_states_are_listed_from_their_end(place):
    """Those of another machine are passed over, and a limit counts what is listed."""
    persister = AsyncStateMachinePersister(place.store(), COUNTER)
    for n in range(6):
        if n % 2:
            await persister.start("g", f"s{n}", {"n": n})
        else:
            await place.store().save_state("g", f"s{n}", {})
    found = [one.state_id async for one in persister.list_states("g", descending=True, prefix="s", until="s1", limit=2)]
    assert found == ["s5", "s3"]


async def async_versions(store, **options):
    return [one.version async for one in store.get_events("g", "s", descending=True, **options)]


@pytest.fixture
async def long(place):
    """A state of 130 versions, most of them sealed."""
    persister = AsyncStateMachinePersister(place.store(), COUNTER, PersistenceConfig(segment_events=40))
    await persister.start("g", "s", {"n": 0})
    for _ in range(129):
        await persister.transition("g", "s", "add")
    return persister


async def test_events_are_listed_from_the_newest(long):
    """Those of a part of them, too, and no more than asked for."""
    store = long.store
    assert await async_versions(store) == list(range(130, 0, -1))
    assert await async_versions(store, limit=3) == [130, 129, 128]
    assert await async_versions(store, after=20, until=33) == list(range(33, 20, -1))
    assert await async_versions(store, until=10_000, limit=1) == [130]
    assert await async_versions(store, after=130) == []
    assert await async_versions(store, limit=0) == []
    assert [one async for one in store.get_events("g", "never", descending=True)] == []
    newest = [one async for one in store.get_events("g", "s", descending=True, limit=2)]
    assert [one.to_state for one in newest] == [{"n": 129}, {"n": 128}]


async def test_events_from_the_newest_end_where_the_history_was_trimmed(long):
    """What is left is given; what is asked for beyond is told as gone."""
    await long.trim("g", "s", before_version=101)
    found, error = await async_until_error(long.store.get_events("g", "s", descending=True))
    assert isinstance(error, HistoryTrimmedError)
    left = list(range(130, error.trimmed_through, -1))
    assert [event.version for event in found] == left
    assert await async_versions(long.store, after=error.trimmed_through) == left
    assert await async_versions(long.store, limit=5) == left[:5]


@pytest.mark.parametrize(("lost", "told"), [(125, 126), (130, 130)])
async def test_a_gap_is_told_from_the_newest_as_well(long, lost, told):
    """No later event hides that one is missing; that the newest one is tells the state itself."""
    await long.store.runtime.access.backend.commit([Delete(state_layout("g", "s").event(lost))], timeout=TIMEOUT)
    with pytest.raises(CorruptLogError) as caught:
        await async_versions(long.store)
    assert caught.value.version == told
