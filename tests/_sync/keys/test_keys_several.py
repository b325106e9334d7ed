# Generated from tests/_async/keys/test_keys_several.py by .ci/generate_sync.py; do not edit.
"""Several operations at once: all or none, or each for itself."""
import pytest

from tai_state import LockManager
from tai_state.errors import (
    IdempotencyMismatchError,
    InvalidDataError,
    KeyMismatchError,
    KeyTransactionError,
    KeyTypeError,
)
from tai_state.keys import (
    ABSENT,
    Keys,
    CompareAndSwap,
    Delete,
    Exists,
    Get,
    Increment,
    Pop,
    Push,
    Set,
    SetField,
    Update,
)
from tests._sync.stores import in_memory


@pytest.fixture
def keys(store):
    """A group of keys, with a number and a text in it."""
    keys = Keys(store, "g")
    keys.set("n", 1)
    keys.set("text", "x")
    return keys


def versions(keys):
    """Return the versions and values of all keys of the group, those that are gone included."""
    found = keys._store.list_states(keys.governor_id, include_deleted=True)
    return {one.state_id: (one.version, one.data) for one in found}


def test_a_transaction_does_all_in_order(keys):
    """Each sees what those before it did, and is told its own."""
    told = keys.transaction(
        [
            Increment("n", 2),
            Get("n"),
            Push("new", "a", "b"),
            Pop("new"),
            CompareAndSwap("text", "x", "y"),
            Increment("n"),
            Delete("text"),
            Exists("text"),
            SetField("map", "a.b", 1),
            Pop("none", "nothing"),
        ]
    )
    assert told == [3, 3, ["a", "b"], "b", True, 4, True, False, {"a": {"b": 1}}, "nothing"]
    assert {key: value for key, value in keys.items()} == {"map": {"a": {"b": 1}}, "n": 4, "new": ["a"]}
    assert [event.action for event in keys.history("n")] == ["set", "increment", "increment"]


@pytest.mark.parametrize(
    ("last", "cause"),
    [
        (Increment("text"), KeyTypeError),
        (CompareAndSwap("n", 1, 0), KeyMismatchError),
        (Update("n", lambda value: value / 0), ZeroDivisionError),
        (Increment("big", 1), InvalidDataError),
    ],
    ids=["type", "comparison", "function", "size"],
)
def test_a_transaction_that_fails_in_its_last_operation_leaves_every_key(keys, last, cause):
    """Versions included; the error names the operation."""
    keys.set("big", 2**63 - 1)
    before = versions(keys)
    with pytest.raises(KeyTransactionError) as failed:
        keys.transaction([Increment("n"), Set("new", 1), Delete("big"), Set("big", 2**63 - 1), last])
    assert (failed.value.index, failed.value.op, failed.value.key) == (4, last.NAME, last.key)
    assert isinstance(failed.value.__cause__, cause)
    assert versions(keys) == before


def test_a_transaction_under_a_key_is_made_once(keys):
    """A repetition is told what the first was; another list under the key is refused."""
    ops = [Increment("n"), Update("n", lambda value: value * 10)]
    assert keys.transaction(ops, idempotency_key="x") == [2, 20]
    assert keys.transaction(ops, idempotency_key="x") == [2, 20]
    assert keys.get("n") == 20
    with pytest.raises(IdempotencyMismatchError):
        keys.transaction([Increment("n")], idempotency_key="x")


def test_a_transaction_that_only_reads_writes_nothing(keys):
    """Nor does an empty one."""
    before = versions(keys)
    assert keys.transaction([Get("n"), Exists("none"), Get("none", 0)]) == [1, False, 0]
    assert keys.transaction([]) == []
    assert versions(keys) == before


def test_a_batch_does_each_for_itself(keys):
    """Result or error by the id of each; those of one key in their order."""
    told = keys.batch(
        [
            Increment("n", id="up"),
            Increment("text", id="wrong"),
            Increment("n", 5),
            Get("n", id="read"),
            CompareAndSwap("n", 0, 1, id="no"),
            Set("new", [1]),
            Push("new", 2, id="push"),
            Delete("none", id="none"),
            Update("text", lambda value: value / 0, id="raises"),
            Delete("text", id="gone"),
        ]
    )
    assert [one.id for one in told] == ["up", "wrong", None, "read", "no", None, "push", "none", "raises", "gone"]
    assert [one.value for one in told] == [2, None, 7, 7, False, [1], [1, 2], False, None, True]
    errors = {one.id: type(one.error) for one in told if one.error is not None}
    assert errors == {"wrong": KeyTypeError, "raises": TypeError}
    assert [one.version for one in told] == [2, None, 3, None, None, 1, 2, None, None, 2]
    assert (told[0].previous, told[5].previous, told[6].previous) == (1, ABSENT, [1])
    assert {key: value for key, value in keys.items()} == {"n": 7, "new": [1, 2]}


def test_a_batch_under_a_key_makes_each_once(keys):
    """Repeated, each is told what the first was."""
    ops = [Increment("n"), Push("l", 1), Increment("n")]
    first = keys.batch(ops, idempotency_key="x")
    assert [one.value for one in first] == [2, [1], 3]
    assert [one.value for one in keys.batch(ops, idempotency_key="x")] == [2, [1], 3]
    assert (keys.get("n"), keys.get("l")) == (3, [1])


def test_a_batch_of_many_new_keys_is_a_few_commits(place, scale):
    """New ones are created together, and so are those that are there changed together."""
    store, backend = place.counting()
    keys, most = Keys(store, "g"), scale(60, 400)
    keys.set("first", 1)
    backend.taken()
    told = keys.batch([Increment(f"k{number}") for number in range(most)])
    assert [one.value for one in told] == [1] * most
    assert backend.taken().count("commit") <= 1 + 2 * most // 100
    told = keys.batch([Increment(f"k{number}") for number in range(most)])
    assert [one.value for one in told] == [2] * most
    assert backend.taken().count("commit") <= 1 + 2 * most // 100


def test_new_keys_of_two_processes_are_created_once(place):
    """Who was slower finds them, and goes on from there."""
    one, other = Keys(place.store(), "g"), Keys(place.store(), "g")
    one.set("first", 1)
    other.get("first")
    ops = [Increment(f"k{number}") for number in range(6)]
    other.batch(ops[:1])
    one.batch(ops)
    assert [result.value for result in other.batch(ops)] == [3, 2, 2, 2, 2, 2]


@in_memory
def test_a_batch_is_guarded_by_a_lock(keys, store):
    """Each of its operations."""
    lock = LockManager(store).acquire("r", heartbeat=False)
    told = keys.batch([Increment("n"), Increment("new")], lock=lock)
    assert [one.value for one in told] == [2, 1]
    assert [event.fencing_token for event in keys.history("new")] == [lock.fencing_token]
    assert keys.transaction([Increment("n")], lock=lock) == [3]


@in_memory
def test_what_is_no_operation_is_refused(keys):
    """Before anything is done."""
    for several in (keys.batch, keys.transaction):
        with pytest.raises(InvalidDataError):
            several([Increment("n"), "increment"])
    assert keys.get("n") == 1
