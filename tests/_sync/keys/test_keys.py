# Generated from tests/_async/keys/test_keys.py by .ci/generate_sync.py; do not edit.
"""Keys on every backend: each operation as its caller sees it, and as it stands in the store."""
import pytest

from tai_state import LockManager, ChangeMetadata
from tai_state.errors import (
    ConfigurationError,
    FencedOutError,
    IdempotencyMismatchError,
    InvalidIdError,
    KeyTypeError,
    LockLostError,
)
from tai_state.keys import ABSENT, Keys
from tai_state.telemetry import Monitor
from tests._sync.keys.test_keys_lists import of
from tests._sync.stores import in_memory


@pytest.fixture
def keys(store):
    """A group of keys."""
    return Keys(store, "counters")


def actions(keys, key):
    """Return the changes of a key."""
    return [event.action for event in keys.history(key)]


def test_each_operation_returns_what_its_own_change_made(keys):
    """And the next one finds it."""
    assert keys.get("n") is None
    assert keys.get("n", 7) == 7
    assert keys.set("n", 5) == 5
    assert keys.increment("n", 2) == 7
    assert keys.decrement("n", 10, floor=0) == 0
    assert keys.update("n", lambda value: value + 100) == 100
    assert keys.compare_and_swap("n", 100, [1])
    assert not keys.compare_and_swap("n", 100, [2])
    assert keys.push("n", 2, 3, limit=2) == [2, 3]
    assert keys.unshift("n", 0) == [0, 2, 3]
    assert (keys.pop("n"), keys.shift("n")) == (3, 0)
    assert keys.get("n") == [2]
    assert keys.exists("n")
    assert keys.delete("n")
    assert not keys.delete("n")
    assert not keys.exists("n")


def test_fields_and_sets(keys):
    """Maps and lists that are not there are empty."""
    assert keys.set_field("user", "address.city", "Paris") == {"address": {"city": "Paris"}}
    assert keys.set_field("user", ["a.b"], b"\0") == {"address": {"city": "Paris"}, "a.b": b"\0"}
    assert keys.delete_field("user", "address.city")
    assert not keys.delete_field("user", "address.city")
    assert keys.get("user") == {"address": {}, "a.b": b"\0"}
    assert keys.add_to_set("tags", "a", "b", "a") == 2
    assert keys.add_to_set("tags", "b", "c") == 1
    assert keys.remove_from_set("tags", "a", "x") == 1
    assert keys.get("tags") == ["b", "c"]


def test_a_field_that_is_not_there_is_no_change(keys, store):
    """Wherever the way to it ends: nothing is written."""
    keys.set("user", {"address": {}})
    for path in ("name", "address.city", "street.name", "a.b.c"):
        assert not keys.delete_field("user", path)
    assert not keys.delete_field("nobody", "name")
    assert len([event for event in keys.history("user")]) == 1
    assert not keys.exists("nobody")


def test_each_change_is_one_event(keys, store):
    """Of the kind "key", with its operation as the action; what changes nothing has none."""
    keys.set("n", 1)
    keys.increment("n", 4)
    keys.compare_and_swap("n", 99, 1)
    keys.pop("list")
    keys.delete("none")
    keys.delete("n")
    events = [event for event in keys.history("n")]
    assert [(event.action, event.kind, event.version) for event in events] == [
        ("set", "key", 1),
        ("increment", "key", 2),
        ("delete", "key", 3),
    ]
    assert [event.payload for event in events] == [None, {"by": 4}, {}]
    assert events[1].from_state == {"value": 1}
    assert events[1].to_state == {"value": 5}
    assert actions(keys, "list") == []
    assert keys.set("n", 2) == 2
    assert (store.get_state(keys.governor_id, "n"))[1] == 4


def test_a_key_is_kept_by_its_group(keys, store):
    """Whatever it is called; groups whose names begin alike are others, and so are a user's own governors."""
    other = Keys(store, "counters2")
    keys.set("a/b", 1)
    other.set("a/b", 2)
    store.save_state("~keys:counters", "a/b", {"value": 3})
    assert (keys.get("a/b"), other.get("a/b")) == (1, 2)
    assert of(keys.keys()) == ["a/b"]
    assert [governor for governor in store.list_governors()] == ["~keys:counters"]
    assert keys.clear() == 1
    assert other.get("a/b") == 2
    assert (store.get_state("~keys:counters", "a/b"))[0].data == {"value": 3}


def test_none_is_a_value(keys):
    """And not the same as no value."""
    assert keys.set("n", None) is None
    assert keys.exists("n")
    assert keys.get("n", 7) is None
    assert not keys.compare_and_swap("n", ABSENT, 1)
    assert keys.compare_and_swap("n", None, ABSENT)
    assert not keys.exists("n")


def test_a_key_of_another_type_is_left_as_it_is(keys):
    """With its version."""
    keys.set("n", "five")
    with pytest.raises(KeyTypeError, match="increment needs a number at key 'n', not str"):
        keys.increment("n")
    assert keys.get("n") == "five"
    assert actions(keys, "n") == ["set"]


def test_an_idempotency_key_makes_a_change_once(keys):
    """Whoever repeats it is told what the first was, whatever became of the key since."""
    assert keys.increment("n", 5, idempotency_key="x") == 5
    assert keys.set("n", [1, 2]) == [1, 2]
    assert keys.increment("n", 5, idempotency_key="x") == 5
    assert keys.pop("n", idempotency_key="y") == 2
    assert keys.pop("n", idempotency_key="y") == 2
    assert keys.get("n") == [1]
    with pytest.raises(IdempotencyMismatchError):
        keys.increment("n", 6, idempotency_key="x")


def test_an_update_under_a_key_is_made_once(keys):
    """Whatever its function would make of the value by now."""

    def more(value):
        return (value or 0) + 1

    assert keys.update("n", more, idempotency_key="x") == 1
    assert keys.update("n", more, idempotency_key="x") == 1
    assert keys.get("n") == 1
    assert keys.update("n", lambda _: ABSENT) is None
    assert not keys.exists("n")


@in_memory
def test_what_a_function_raises_passes_through(keys):
    """And nothing is written."""
    keys.set("n", 1)
    with pytest.raises(ZeroDivisionError):
        keys.update("n", lambda value: value / 0)
    assert actions(keys, "n") == ["set"]


def test_a_change_is_guarded_by_a_lock(keys, store):
    """Whose loss it tells."""
    locks = LockManager(store)
    lock = locks.acquire("n", heartbeat=False)
    assert keys.increment("n", lock=lock) == 1
    assert [event.fencing_token for event in keys.history("n")] == [lock.fencing_token]
    locks.break_lock("n", lock.fencing_token, "test")
    with pytest.raises((LockLostError, FencedOutError)):
        keys.increment("n", lock=lock)
    assert keys.get("n") == 1


@in_memory
def test_a_change_tells_who_made_it(keys):
    """As every change does."""
    keys.set("n", 1, metadata=ChangeMetadata(changed_by="ada", reason="because"))
    (event,) = [event for event in keys.history("n")]
    assert (event.metadata.changed_by, event.metadata.reason) == ("ada", "because")


@in_memory
def test_what_cannot_be_is_refused_at_once(keys, store):
    """A store of another kind, a name, an option."""
    with pytest.raises(ConfigurationError):
        Keys(object(), "a")  # type: ignore[arg-type]  # as a caller without a type checker would
    with pytest.raises(InvalidIdError):
        Keys(store, "")
    with pytest.raises(InvalidIdError):
        keys.set("", 1)
    with pytest.raises(ConfigurationError):
        keys.set("a", 1, timeout=-1)


@in_memory
def test_changes_of_keys_are_counted(store, keys):
    """By whoever looks on, under one name."""
    monitor = Monitor(store)
    keys.set("n", 1)
    keys.increment("n")
    assert monitor.as_dict()["operations"]["key"]["seconds"]["count"] == 2
