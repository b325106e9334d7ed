# Generated from tests/_async/commits/test_store_idempotency.py by .ci/generate_sync.py; do not edit.
"""A change with a key is made once, however often it is asked for."""
from datetime import timedelta

import pytest

from tai_state import MemoryStore, ChangeMetadata, IdempotencyMismatchError, StateNotFoundError
from tai_state._platform.tasks import together
from tai_state.layout import state_layout
from tai_state.testing.clock import ManualClock
from tests._sync.stores import contents, document_at


def count(store):
    return len([event for event in store.get_events("g", "s")])


def test_a_repeated_save_is_made_once(store):
    """The second call returns the first one's version and writes nothing."""
    assert store.save_state("g", "s", {"n": 1}, status="a", idempotency_key="k") == 1
    before = contents(store)
    assert store.save_state("g", "s", {"n": 1}, status="a", idempotency_key="k") == 1
    assert contents(store) == before


def test_a_repeated_update_is_made_once(store):
    """Though the state is no longer at the version that both calls expected."""
    store.save_state("g", "s", {"n": 1})
    assert store.update_state("g", "s", {"n": 2}, 1, idempotency_key="k") == 2
    assert store.update_state("g", "s", {"n": 2}, 1, idempotency_key="k") == 2
    assert count(store) == 2


def test_a_repeated_delete_is_made_once(store):
    """Though the state is deleted by now."""
    store.save_state("g", "s", {})
    assert store.delete_state("g", "s", idempotency_key="k") == 2
    assert store.delete_state("g", "s", idempotency_key="k") == 2
    with pytest.raises(StateNotFoundError):
        store.delete_state("g", "s", idempotency_key="other")


def test_a_repeat_is_recognised_by_another_store(place):
    """The key is remembered with the data, not by the process."""
    assert place.store().save_state("g", "s", {"n": 1}, idempotency_key="k") == 1
    other = place.store()
    assert other.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1
    assert count(other) == 1


def test_a_repeat_is_recognised_after_other_changes(store):
    """The old version comes back, and the state stays where it is."""
    store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    store.save_state("g", "s", {"n": 2})
    store.delete_state("g", "s")
    store.save_state("g", "s", {"n": 4})
    assert store.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1
    assert (store.get_state("g", "s"))[0].data == {"n": 4}


def test_metadata_and_expected_version_are_no_part_of_the_request(store):
    """A retry that signs otherwise, or expects the old version, is the same request."""
    store.save_state("g", "s", {"n": 1}, idempotency_key="k", expected_version=0)
    metadata = ChangeMetadata(changed_by="other", reason="retry")
    assert store.save_state("g", "s", {"n": 1}, metadata, idempotency_key="k") == 1
    assert store.save_state("g", "s", {"n": 1}, expected_version=0, idempotency_key="k") == 1


@pytest.mark.parametrize("kind", ["data", "status", "update", "delete"])
def test_a_key_of_another_request_is_refused(store, kind):
    """Another content or another kind of change under the same key writes nothing."""
    store.save_state("g", "s", {"n": 1}, status="a", idempotency_key="k")
    before = contents(store)
    calls = {
        "data": lambda: store.save_state("g", "s", {"n": 2}, status="a", idempotency_key="k"),
        "status": lambda: store.save_state("g", "s", {"n": 1}, status="b", idempotency_key="k"),
        "update": lambda: store.update_state("g", "s", {"n": 1}, 1, idempotency_key="k"),
        "delete": lambda: store.delete_state("g", "s", idempotency_key="k"),
    }
    with pytest.raises(IdempotencyMismatchError) as caught:
        calls[kind]()
    assert (caught.value.key, caught.value.governor_id, caught.value.state_id) == ("k", "g", "s")
    assert contents(store) == before


def test_the_receipt_goes_before_the_expected_version(store):
    """A mismatch is a mismatch, also where the version would conflict."""
    store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    with pytest.raises(IdempotencyMismatchError):
        store.save_state("g", "s", {"n": 2}, expected_version=7, idempotency_key="k")


def test_keys_are_scoped_to_a_state(store):
    """The same key serves each state, and each governor, by itself."""
    for governor, state in (("g", "s"), ("g", "s2"), ("g2", "s"), ("g", "s:"), ("g", "sk")):
        assert store.save_state(governor, state, {"id": state}, idempotency_key="k") == 1
    for state, key in (("ab", "c"), ("a", "bc")):
        assert store.save_state("g", state, {"id": state}, idempotency_key=key) == 1


def test_a_refused_change_leaves_its_key_free(store):
    """Nothing was written, so the key is not used up."""
    with pytest.raises(StateNotFoundError):
        store.update_state("g", "s", {"n": 1}, 1, idempotency_key="k")
    store.save_state("g", "s", {"n": 0})
    assert store.update_state("g", "s", {"n": 1}, 1, idempotency_key="k") == 2


def test_the_same_key_at_the_same_time_through_two_stores(place):
    """One change is made, and both callers get its version."""
    stores = [place.store() for _ in range(4)]

    def save(store):
        return lambda: store.save_state("g", "s", {"n": 1}, idempotency_key="k")

    assert together([save(store) for store in stores]) == [1, 1, 1, 1]
    assert count(stores[0]) == 1


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def timed(clock):
    """A store in memory on a clock that the test moves; keys are remembered for an hour."""
    with MemoryStore(clock=clock, receipt_ttl=timedelta(hours=1)) as store:
        yield store


def test_a_key_is_obeyed_until_its_time_is_over(timed, clock):
    """Up to the last moment of its hour."""
    assert timed.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1
    clock.advance(3599)
    assert timed.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1


def test_an_expired_key_is_replaced(timed, clock):
    """It makes a new change, and is then remembered for a time of its own."""
    receipt = state_layout("g", "s").receipt("k")
    assert timed.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1
    clock.advance(3601)
    assert timed.save_state("g", "s", {"n": 2}, idempotency_key="k") == 2
    assert (document_at(timed, receipt)).fields["version"] == 2
    clock.advance(3599)
    assert timed.save_state("g", "s", {"n": 2}, idempotency_key="k") == 2
    clock.advance(2)
    assert timed.save_state("g", "s", {"n": 2}, idempotency_key="k") == 3


def test_the_wall_clock_does_not_expire_a_key(timed, clock):
    """Only the store's clock counts, and a step of the wall does not move it."""
    assert timed.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1
    clock.step_wall(86_400)
    assert timed.save_state("g", "s", {"n": 1}, idempotency_key="k") == 1


def test_a_receipt_tells_the_ttl_policy_when_it_may_go(timed, clock):
    """tai_expires_at is the writer's time plus the ttl; nothing else carries it."""
    timed.save_state("g", "s", {"n": 1}, idempotency_key="k")
    documents = contents(timed)
    marked = [one for one in documents.values() if "tai_expires_at" in one.fields]
    assert [one.fields["tai_expires_at"] for one in marked] == [clock.now() + timedelta(hours=1)]
    assert marked[0].path == state_layout("g", "s").receipt("k")
