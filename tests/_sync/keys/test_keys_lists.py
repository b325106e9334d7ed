# Generated from tests/_async/keys/test_keys_lists.py by .ci/generate_sync.py; do not edit.
"""The keys of a group as lists: in order, filtered, in pages; and clearing it."""
import pytest

from tai_state._sync.keys.changing import _CLEARED_AT_ONCE
from tai_state.errors import DamagedStatesError, InvalidDataError
from tai_state.keys import Keys, Delete, Set
from tests._sync.stores import in_memory


def of(items):
    """Return what a list gives."""
    return [item for item in items]


@pytest.fixture
def keys(store):
    """Keys of several kinds; one of them was deleted."""
    keys = Keys(store, "user")
    people = {"ada": 36, "alan": 41, "grace": 85}
    ops = [Set(name, {"name": name, "age": age}) for name, age in people.items()]
    keys.batch([*ops, Set("count", 3), Set("gone", 1), Delete("gone")])
    return keys


def test_keys_are_listed_in_the_order_of_their_stored_names(keys):
    """Those that are deleted are not among them."""
    assert of(keys.keys()) == ["ada", "alan", "count", "grace"]
    assert of(keys.keys(prefix="a")) == ["ada", "alan"]
    assert of(keys.keys(after="alan", limit=1)) == ["count"]
    assert of(keys.keys(limit=0)) == []


def test_items_are_filtered_by_their_values(keys):
    """Or by what is at a path in them."""
    assert of(keys.items(ge=0)) == [("count", 3)]
    assert [key for key, _ in of(keys.items(path="age", gt=40))] == ["alan", "grace"]
    assert [key for key, _ in of(keys.items(path="age", gt=36, le=41))] == ["alan"]
    assert [key for key, _ in of(keys.items(path="name", starts_with="a", limit=1))] == ["ada"]
    assert of(keys.items(eq=4)) == []
    assert dict(of(keys.items()))["ada"] == {"name": "ada", "age": 36}


@in_memory
def test_what_is_no_filter_is_told(keys):
    """Rather than taken for one that takes all."""
    with pytest.raises(InvalidDataError):
        of(keys.items(like="a"))


def test_a_state_that_is_no_key_is_told(keys, store):
    """Behind the others."""
    store.save_state(keys.governor_id, "odd", {"other": 1})
    found = keys.items()
    assert [(next(found))[0] for _ in range(4)] == ["ada", "alan", "count", "grace"]
    with pytest.raises(DamagedStatesError) as told:
        next(found)
    assert told.value.state_ids == ["odd"]


def test_a_group_is_cleared_and_no_other(keys, store):
    """As many are told as were there; what was cleared keeps its history, and may come back."""
    other = Keys(store, "user2")
    other.set("ada", 1)
    assert keys.clear() == 4
    assert of(keys.keys()) == []
    assert keys.clear() == 0
    assert other.get("ada") == 1
    assert [event.action for event in keys.history("ada")] == ["set", "delete"]
    keys.set("ada", 2)
    assert keys.clear() == 1


@in_memory
def test_clearing_counts_what_it_did_and_nothing_else(place):
    """What another one removed meanwhile is not counted."""
    store = place.store()
    keys, other = Keys(store, "g"), Keys(place.store(), "g")
    most = 2 * _CLEARED_AT_ONCE + 10
    keys.batch([Set(f"k{number:04}", number) for number in range(most)])
    changes = keys._changes
    remove = changes._remove
    seen: list[int] = []

    def meanwhile(page, author, timeout):
        if not seen:
            other.delete(page[0].key)
            other.delete(page[-1].key)
        seen.append(len(page))
        return remove(page, author, timeout)

    changes._remove = meanwhile  # type: ignore[method-assign]  # somebody comes in between
    assert keys.clear() == most - 2
    assert seen == [_CLEARED_AT_ONCE, _CLEARED_AT_ONCE, 10]
