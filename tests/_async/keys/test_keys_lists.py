"""The keys of a group as lists: in order, filtered, in pages; and clearing it."""

import pytest

from tai_state._async.keys.changing import _CLEARED_AT_ONCE
from tai_state.errors import DamagedStatesError, InvalidDataError
from tai_state.keys import AsyncKeys, Delete, Set
from tests._async.stores import in_memory


async def async_of(items):
    """Return what a list gives."""
    return [item async for item in items]


@pytest.fixture
async def keys(store):
    """Keys of several kinds; one of them was deleted."""
    keys = AsyncKeys(store, "user")
    people = {"ada": 36, "alan": 41, "grace": 85}
    ops = [Set(name, {"name": name, "age": age}) for name, age in people.items()]
    await keys.batch([*ops, Set("count", 3), Set("gone", 1), Delete("gone")])
    return keys


async def test_keys_are_listed_in_the_order_of_their_stored_names(keys):
    """Those that are deleted are not among them."""
    assert await async_of(keys.keys()) == ["ada", "alan", "count", "grace"]
    assert await async_of(keys.keys(prefix="a")) == ["ada", "alan"]
    assert await async_of(keys.keys(after="alan", limit=1)) == ["count"]
    assert await async_of(keys.keys(limit=0)) == []


async def test_items_are_filtered_by_their_values(keys):
    """Or by what is at a path in them."""
    assert await async_of(keys.items(ge=0)) == [("count", 3)]
    assert [key for key, _ in await async_of(keys.items(path="age", gt=40))] == ["alan", "grace"]
    assert [key for key, _ in await async_of(keys.items(path="age", gt=36, le=41))] == ["alan"]
    assert [key for key, _ in await async_of(keys.items(path="name", starts_with="a", limit=1))] == ["ada"]
    assert await async_of(keys.items(eq=4)) == []
    assert dict(await async_of(keys.items()))["ada"] == {"name": "ada", "age": 36}


@in_memory
async def test_what_is_no_filter_is_told(keys):
    """Rather than taken for one that takes all."""
    with pytest.raises(InvalidDataError):
        await async_of(keys.items(like="a"))


async def test_a_state_that_is_no_key_is_told(keys, store):
    """Behind the others."""
    await store.save_state(keys.governor_id, "odd", {"other": 1})
    found = keys.items()
    assert [(await anext(found))[0] for _ in range(4)] == ["ada", "alan", "count", "grace"]
    with pytest.raises(DamagedStatesError) as told:
        await anext(found)
    assert told.value.state_ids == ["odd"]


async def test_a_group_is_cleared_and_no_other(keys, store):
    """As many are told as were there; what was cleared keeps its history, and may come back."""
    other = AsyncKeys(store, "user2")
    await other.set("ada", 1)
    assert await keys.clear() == 4
    assert await async_of(keys.keys()) == []
    assert await keys.clear() == 0
    assert await other.get("ada") == 1
    assert [event.action async for event in keys.history("ada")] == ["set", "delete"]
    await keys.set("ada", 2)
    assert await keys.clear() == 1


@in_memory
async def test_clearing_counts_what_it_did_and_nothing_else(place):
    """What another one removed meanwhile is not counted."""
    store = place.store()
    keys, other = AsyncKeys(store, "g"), AsyncKeys(place.store(), "g")
    most = 2 * _CLEARED_AT_ONCE + 10
    await keys.batch([Set(f"k{number:04}", number) for number in range(most)])
    changes = keys._changes
    remove = changes._remove
    seen: list[int] = []

    async def async_meanwhile(page, author, timeout):
        if not seen:
            await other.delete(page[0].key)
            await other.delete(page[-1].key)
        seen.append(len(page))
        return await remove(page, author, timeout)

    changes._remove = async_meanwhile  # type: ignore[method-assign]  # somebody comes in between
    assert await keys.clear() == most - 2
    assert seen == [_CLEARED_AT_ONCE, _CLEARED_AT_ONCE, 10]
