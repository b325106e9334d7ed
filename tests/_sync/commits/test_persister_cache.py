# Generated from tests/_async/commits/test_persister_cache.py by .ci/generate_sync.py; do not edit.
"""The cached head: it saves a read, and never refuses anybody."""
from typing import Any

import pytest

from tai_state import (
    StateMachinePersister,
    Machine,
    PersistenceConfig,
    StateExistsError,
    StateNotFoundError,
    Transition,
    TransitionNotAllowedError,
    VersionConflictError,
)
from tai_state._platform.tasks import together
from tai_state.layout import state_layout
from tests._sync.machines import COUNTER, GUARDED, added


@pytest.fixture
def pair(place):
    """Two persisters over two stores that share one place; the first has the head cached at version 1."""
    one, other = (StateMachinePersister(place.store(), COUNTER) for _ in range(2))
    one.start("g", "s", {"n": 0})
    return one, other


def test_a_warm_move_is_one_commit(place):
    """Exactly one call of the backend, with and without a key or an expected version."""
    store, backend = place.counting()
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s")
    backend.taken()
    persister.transition("g", "s", "add")
    assert backend.taken() == ["commit"]
    persister.transition("g", "s", "add", idempotency_key="k")
    assert backend.taken() == ["commit"]
    persister.transition("g", "s", "add", expected_version=3, error="x")
    assert backend.taken() == ["commit"]
    store.save_state("g", "s", {}, status="open")
    store.update_state("g", "s", {"n": 1}, 5)
    assert backend.taken() == ["commit", "commit"]


def test_a_cold_move_is_one_read_and_one_commit(place):
    """With a key, too: receipt and state come together."""
    StateMachinePersister(place.store(), COUNTER).start("g", "s")
    ways: list[dict[str, Any]] = [{}, {"idempotency_key": "k"}, {"expected_version": 3}]
    for number, options in enumerate(ways):
        store, backend = place.counting()
        StateMachinePersister(store, COUNTER).transition("g", "s", "add", **options)
        assert backend.taken() == ["get_many", "commit"], number


def test_the_first_change_of_all_is_one_read_and_one_commit(place):
    """The store's own document comes with it."""
    store, backend = place.counting()
    StateMachinePersister(store, COUNTER).start("g", "s")
    assert backend.taken() == ["get_many", "commit"]


def test_a_refusal_costs_a_fresh_read(place):
    """The cached head refuses nobody by itself, and nothing is committed."""
    store, backend = place.counting()
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s")
    backend.taken()
    with pytest.raises(TransitionNotAllowedError):
        persister.transition("g", "s", "reopen")
    assert backend.taken() == ["get_many"]


def test_without_a_cache_every_move_reads(place):
    """head_cache_size=0 keeps nothing."""
    store, backend = place.counting(head_cache_size=0)
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s")
    backend.taken()
    persister.transition("g", "s", "add")
    assert backend.taken() == ["get_many", "commit"]


def test_the_cache_is_bounded(place):
    """The head used longest ago goes first."""
    store, backend = place.counting(head_cache_size=2)
    persister = StateMachinePersister(store, COUNTER)
    for state_id in ("a", "b", "c"):
        persister.start("g", state_id)
    backend.taken()
    for state_id in ("b", "c"):
        persister.transition("g", state_id, "add")
    assert backend.taken() == ["commit", "commit"]
    persister.transition("g", "a", "add")
    assert backend.taken() == ["get_many", "commit"]


def test_a_stale_head_does_not_refuse_an_action(pair):
    """What it does not allow, the fresh state may."""
    one, other = pair
    other.transition("g", "s", "shut")
    assert (one.transition("g", "s", "reopen")).version == 3


def test_a_stale_head_does_not_allow_an_action(pair):
    """What it allows, the fresh state may not; the refusal tells the fresh status."""
    one, other = pair
    other.transition("g", "s", "shut")
    with pytest.raises(TransitionNotAllowedError) as caught:
        one.transition("g", "s", "add")
    assert caught.value.status == "shut"


def test_a_stale_head_loses_no_update(pair):
    """Reducers run again on the fresh state."""
    one, other = pair
    other.transition("g", "s", "add", 10)
    result = one.transition("g", "s", "add", 5)
    assert (result.version, result.snapshot.data, result.event.from_state) == (3, {"n": 15}, {"n": 10})


def test_a_stale_head_does_not_judge_a_version(pair):
    """The right version is accepted, and a wrong one named by the fresh state."""
    one, other = pair
    other.transition("g", "s", "add")
    assert (one.transition("g", "s", "add", expected_version=2)).version == 3
    other.transition("g", "s", "add")
    with pytest.raises(VersionConflictError) as caught:
        one.transition("g", "s", "add", expected_version=3)
    assert caught.value.actual == 4


def test_a_stale_head_does_not_tell_what_exists(pair):
    """Neither that a state is there, nor that it is not."""
    one, other = pair
    other.store.delete_state("g", "s")
    with pytest.raises(StateNotFoundError):
        one.transition("g", "s", "add")
    one.start("g", "s")
    other.store.delete_state("g", "s")
    assert (one.start("g", "s", {"n": 5})).version == 5
    with pytest.raises(StateExistsError) as caught:
        other.start("g", "s")
    assert caught.value.version == 5


def test_a_guard_that_fails_on_a_stale_state_runs_again(place):
    """What it raises on the fresh state counts, not what it raised on the stale one."""

    def guard(data, payload):
        if data["n"] == 0:
            raise RuntimeError("stale")
        return True

    machine = Machine(
        "g", "on", [Transition("set", "on", "on", apply=added), Transition("go", "on", "on", guard=guard)]
    )
    one, other = (StateMachinePersister(place.store(), machine) for _ in range(2))
    one.start("g", "s", {"n": 0})
    other.transition("g", "s", "set")
    assert (one.transition("g", "s", "go")).version == 3


def test_a_guard_that_refuses_a_stale_state_runs_again(place):
    """The fresh state decides."""
    one, other = (StateMachinePersister(place.store(), GUARDED) for _ in range(2))
    one.start("g", "s")
    other.transition("g", "s", "raise", 11)
    assert (one.transition("g", "s", "drop", "please")).to_status == "low"


def test_a_lost_race_costs_one_read(place):
    """A commit that failed, a read that tells why, and the commit that counts."""
    store, backend = place.counting()
    one = StateMachinePersister(store, COUNTER)
    one.start("g", "s")
    StateMachinePersister(place.store(), COUNTER).transition("g", "s", "add")
    backend.taken()
    one.transition("g", "s", "add")
    assert backend.taken() == ["commit", "get_many", "commit"]


def test_a_head_left_behind_by_a_rewritten_state_is_noticed(place):
    """A state that was deleted and made again, at the same version as before or not, is not overwritten."""
    one, other = (StateMachinePersister(place.store(), COUNTER) for _ in range(2))
    one.start("g", "s", {"n": 1})
    other.store.save_state("g", "s", {"n": 50}, status="open")
    result = one.transition("g", "s", "add", 1)
    assert (result.version, result.snapshot.data) == (3, {"n": 51})


def test_many_writers_lose_nothing(place):
    """Every add of several stores counts once, and the log tells them all."""
    persisters = [
        StateMachinePersister(place.store(), COUNTER, PersistenceConfig(snapshot_interval=7)) for _ in range(3)
    ]
    persisters[0].start("g", "s", {"n": 0})

    def work(persister):
        def add_ten():
            return [(persister.transition("g", "s", "add", 1)).version for _ in range(10)]

        return add_ten

    versions = together([work(persister) for persister in persisters])
    assert sorted(version for each in versions for version in each) == list(range(2, 32))
    assert (persisters[0].load_state("g", "s")).snapshot.data == {"n": 30}
    assert (persisters[0].validate_consistency("g")).is_consistent


def test_a_snapshot_taken_before_a_lost_reply_is_settled_keeps_its_mark(place):
    """The version is ours still, and what the snapshot put into the state is kept by the next change."""
    store, backend = place.faulty("reply lost")
    other = StateMachinePersister(place.store(), COUNTER)
    persister = StateMachinePersister(store, COUNTER)
    backend.between = lambda: other.create_snapshot("g", "s")
    persister.start("g", "s", {"n": 0})
    persister.transition("g", "s", "add")
    record = store.runtime.record(state_layout("g", "s"), None)
    assert record is not None
    assert record.marks.snapshots == (1,)
