"""A state whose document is missing or damaged: every read tells the same, and the next change writes it again."""

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ChangeMetadata,
    CorruptLogError,
    Machine,
    PersistenceConfig,
    RetryPolicy,
    StateExistsError,
    StateNotFoundError,
    Transition,
    TransitionNotAllowedError,
    VersionConflictError,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_contents, async_document_at, async_plant

PATHS = state_layout("g", "s")
CONFIG = PersistenceConfig(snapshot_interval=3, snapshot_retention=2, segment_events=3)

LOSSES: dict[str, dict[str, object] | None] = {
    "missing": None,
    "unreadable": {"data": 5},
    "of nobody": {"format": "x", "state_id": 7},
}


async def async_remove(store, *paths):
    await store.runtime.access.backend.commit([Delete(path) for path in paths], timeout=TIMEOUT)


async def async_lose(store, changes):
    """Take the document of s away, or damage it."""
    if changes is None:
        await async_remove(store, PATHS.state)
    else:
        await async_plant(store, PATHS.state, **changes)


@pytest.fixture(params=list(LOSSES.values()), ids=list(LOSSES))
async def lost(request, place):
    """A fresh persister over a state at version 4 that has lost its document, and the state as it was."""
    store = place.store()
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    await persister.start("g", "s", {"n": 0})
    for payload in (1, 2, 3):
        await persister.transition("g", "s", "add", payload)
    before, _ = await store.get_state("g", "s")
    await async_lose(store, request.param)
    return AsyncStateMachinePersister(place.store(), COUNTER, CONFIG), before


async def test_every_read_tells_the_same(lost):
    """The state as its events tell it, and that it was rebuilt; nothing is written."""
    persister, before = lost
    store = persister.store
    stored = await async_contents(store)
    loaded = await persister.load_state("g", "s")
    (got, version), found = await store.get_state("g", "s"), await store.find_state("g", "s")
    batch = await store.batch_get_states("g", ["s"])
    for snapshot in (loaded.snapshot, got, found, batch.found["s"]):
        assert (snapshot, snapshot.recovered) == (before, True)
    assert (version, loaded.recovered, batch.missing) == (4, True, [])
    assert await store.exists("g", "s")
    assert await async_contents(store) == stored


async def test_a_sound_state_is_not_recovered(store):
    """What is read as it was written says so."""
    await store.save_state("g", "s", {})
    assert not (await store.get_state("g", "s"))[0].recovered


def changes_of(persister):
    store = persister.store
    return {
        "transition": lambda: persister.transition("g", "s", "add", 1),
        "keyed transition": lambda: persister.transition("g", "s", "add", 1, idempotency_key="k"),
        "update": lambda: store.update_state("g", "s", {"n": 7}, 4),
        "save": lambda: store.save_state("g", "s", {"n": 7}),
        "save over a version": lambda: store.save_state("g", "s", {"n": 7}, expected_version=4),
        "delete": lambda: store.delete_state("g", "s"),
        "log": lambda: persister.log_transition("g", "s", "noted", to_status="open", data={"n": 7}),
        "rollback": lambda: persister.rollback("g", "s", 2),
    }


CHANGES = ["transition", "keyed transition", "update", "save", "save over a version", "delete", "log", "rollback"]


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_writes_the_state_again(lost, name):
    """In its own commit, with the next version; the event says so, and the whole is sound."""
    persister, _ = lost
    await changes_of(persister)[name]()
    store = persister.store
    event = [one async for one in store.get_events("g", "s")][-1]
    assert event.version == 5
    assert event.metadata.context["tai_rebuilt"]["version"] == 4
    assert (await store.get_state("g", "s") if name != "delete" else (None, 5))[1] == 5
    assert (await persister.validate_consistency("g")).problems == []
    await store.save_state("g", "s", {"n": 8})
    assert "tai_rebuilt" not in [one async for one in store.get_events("g", "s")][-1].metadata.context


async def test_the_authors_own_context_stays(lost):
    """What is noted stands beside it."""
    persister, _ = lost
    metadata = ChangeMetadata(changed_by="ann", context={"ticket": 7})
    result = await persister.transition("g", "s", "add", metadata=metadata)
    assert sorted(result.event.metadata.context) == ["tai_rebuilt", "ticket"]


async def test_what_is_refused_is_refused_as_ever(lost):
    """The verdicts are those over the state that was lost, and nothing is written."""
    persister, _ = lost
    stored = await async_contents(persister.store)
    with pytest.raises(StateExistsError) as caught:
        await persister.start("g", "s")
    assert caught.value.version == 4
    with pytest.raises(VersionConflictError):
        await persister.transition("g", "s", "add", expected_version=3)
    with pytest.raises(VersionConflictError):
        await persister.store.save_state("g", "s", {}, expected_version=3)
    with pytest.raises(TransitionNotAllowedError):
        await persister.transition("g", "s", "reopen")
    assert await async_contents(persister.store) == stored


async def test_a_snapshot_by_hand_writes_the_state_again(lost):
    """It needs the state's mark."""
    persister, before = lost
    assert await persister.create_snapshot("g", "s") == before
    assert not (await persister.load_state("g", "s")).recovered
    assert (await persister.validate_consistency("g")).problems == []


async def test_a_rebuilt_state_keeps_its_marks_of_maintenance(lost):
    """The snapshots and segments that there are are not made again, nor forgotten."""
    persister, _ = lost
    await persister.transition("g", "s", "add")
    fields = (await async_document_at(persister.store, PATHS.state)).fields
    assert (fields["snapshots"], fields["sealed_through"]) == ([3], 3)


@pytest.mark.parametrize("changes", LOSSES.values(), ids=LOSSES)
async def test_a_lost_tombstone_stays_deleted(store, changes):
    """Every read says that it is deleted, and a start goes on with the next version."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s")
    await store.delete_state("g", "s")
    await async_lose(store, changes)
    assert await store.find_state("g", "s") is None
    for call in (store.get_state, persister.load_state, store.delete_state):
        with pytest.raises(StateNotFoundError, match="deleted"):
            await call("g", "s")
    assert (await persister.start("g", "s")).version == 3


async def test_a_document_further_than_its_log_is_not_written_over(store):
    """Events may be missing at the end: what is told then would be a guess."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await persister.transition("g", "s", "add")
    await async_plant(store, PATHS.state, data=5)
    await async_remove(store, PATHS.event(2))
    stored = await async_contents(store)
    with pytest.raises(CorruptLogError, match="version 2"):
        await persister.transition("g", "s", "add")
    assert await async_contents(store) == stored


async def test_a_state_whose_log_is_damaged_too_is_refused(store):
    """By every read and change, with the same error."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await persister.transition("g", "s", "add")
    await async_remove(store, PATHS.state)
    await async_plant(store, PATHS.event(1), to_state=5)
    calls = [
        lambda: store.get_state("g", "s"),
        lambda: store.find_state("g", "s"),
        lambda: store.exists("g", "s"),
        lambda: persister.load_state("g", "s"),
        lambda: persister.transition("g", "s", "add"),
        lambda: store.delete_state("g", "s"),
        lambda: persister.start("g", "s"),
    ]
    for call in calls:
        with pytest.raises(CorruptLogError) as caught:
            await call()
        assert caught.value.version == 1


async def test_a_state_that_never_was_costs_one_look(place):
    """Whether there are events is asked once, and no more."""
    store, backend = place.counting()
    await store.save_state("g", "other", {})
    backend.taken()
    assert await store.find_state("g", "s") is None
    assert backend.taken() == ["get_many", "scan"]


async def test_a_start_looks_no_further(place):
    """A creation costs what it did: its event tells where there ever was a state."""
    store, backend = place.counting()
    await store.save_state("g", "other", {})
    backend.taken()
    await AsyncStateMachinePersister(store, COUNTER).start("g", "s")
    assert backend.taken() == ["get_many", "commit"]


async def test_who_tries_but_once_is_told_at_once_that_a_state_was_there(place):
    """His start looks into the log before it is refused by that; who tries again leaves it to the next attempt."""
    await place.store().save_state("g", "s", {})
    await async_remove(place.store(), PATHS.state)
    costs = []
    for attempts in (1, 2):
        store, backend = place.counting(retry=RetryPolicy(attempts=attempts, wait_initial=0.0, wait_max=0.0))
        with pytest.raises(StateExistsError):
            await AsyncStateMachinePersister(store, COUNTER).start("g", "s")
        costs.append(backend.taken().count("commit"))
    assert costs == [0, 1]


async def test_a_damaged_document_keeps_its_dependents(store):
    """No event tells of them; what depends on the state reacts as before."""
    machine = Machine("door", "open", [Transition("shut", "open", "shut"), Transition("stop", "open", "stopped")],
                      on_dependency={"shut": "stop"})  # fmt: skip
    persister = AsyncStateMachinePersister(store, machine)
    await persister.start("g", "s")
    await persister.start("g", "t", depends_on=["s"])
    await async_plant(store, PATHS.state, data=5)
    store.runtime.writer.heads.drop(PATHS.state)
    await store.save_state("g", "s", {})
    await persister.transition("g", "s", "shut")
    assert (await store.get_state("g", "t"))[0].status == "stopped"


async def test_a_state_without_a_document_is_in_no_list_until_its_next_change(store):
    """Lists and counts are of documents; the check finds what has none, whoever asks for it gets it."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    for state_id in ("a", "s"):
        await persister.start("g", state_id, {"n": 0})
    await async_remove(store, PATHS.state)
    assert [one.state_id async for one in store.list_states("g")] == ["a"]
    assert (await store.stats("g")).states == 1
    (problem,) = (await persister.validate_consistency("g")).problems
    assert (problem.kind, problem.state_id) == ("state_missing", "s")
    assert list((await store.batch_get_states("g", ["a", "s"])).found) == ["a", "s"]
    await AsyncTransactionManager(store).run(lambda tx: tx.transition(persister, "g", "s", "add", 1))
    assert [one.state_id async for one in persister.list_states("g", status="open")] == ["a", "s"]
    assert (await store.stats("g")).states == 2
