"""What a state went through: loaded, replayed, rolled back, told."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    ChangeMetadata,
    CorruptLogError,
    InvalidDataError,
    Machine,
    PersistenceConfig,
    ReplayError,
    StateNotFoundError,
    Transition,
    VersionNotFoundError,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_contents, async_find, async_plant, in_memory

PATHS = state_layout("g", "s")
START = datetime(2024, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def counter(store):
    """A counter at version 4: started with 0, then 1, 2 and 3 added."""
    persister = AsyncStateMachinePersister(store, COUNTER, PersistenceConfig(snapshot_interval=3))
    await persister.start("g", "s", {"n": 0})
    for payload in (1, 2, 3):
        await persister.transition("g", "s", "add", payload)
    return persister


async def async_remove(store, *paths):
    await store.runtime.access.backend.commit([Delete(path) for path in paths], timeout=TIMEOUT)


async def test_loading_gives_the_state(counter, store):
    """As the store reads it, and not recovered."""
    loaded = await counter.load_state("g", "s")
    assert (loaded.snapshot, loaded.recovered) == ((await store.get_state("g", "s"))[0], False)


async def test_a_missing_or_deleted_state_cannot_be_loaded(counter, store):
    """The error tells which."""
    with pytest.raises(StateNotFoundError) as caught:
        await counter.load_state("g", "none")
    assert not caught.value.deleted
    await store.delete_state("g", "s")
    with pytest.raises(StateNotFoundError) as caught:
        await counter.load_state("g", "s")
    assert caught.value.deleted


async def test_a_state_whose_document_is_gone_is_recovered(counter, store):
    """Every field of it is that of the lost one, and nothing is written."""
    lost, _ = await store.get_state("g", "s")
    await async_remove(store, PATHS.state)
    before = await async_contents(store)
    loaded = await counter.load_state("g", "s")
    assert (loaded.snapshot, loaded.recovered) == (lost, True)
    assert await async_contents(store) == before


@pytest.mark.parametrize("changes", [{"data": 5}, {"version": "4"}, {"format": None}], ids=str)
async def test_a_state_whose_document_is_damaged_is_recovered(counter, store, changes):
    """As if it were gone."""
    lost, _ = await store.get_state("g", "s")
    await async_plant(store, PATHS.state, **changes)
    loaded = await counter.load_state("g", "s")
    assert (loaded.snapshot, loaded.recovered) == (lost, True)


async def test_a_deletion_is_recovered_as_one(counter, store):
    """A lost tombstone does not bring the state back."""
    await store.delete_state("g", "s")
    await async_remove(store, PATHS.state)
    with pytest.raises(StateNotFoundError) as caught:
        await counter.load_state("g", "s")
    assert caught.value.deleted


async def test_a_damaged_snapshot_falls_back(counter, store):
    """To the events; the state recovered is the same."""
    lost, _ = await store.get_state("g", "s")
    await async_plant(store, PATHS.snapshot(3), status="forged")
    await async_remove(store, PATHS.state)
    loaded = await counter.load_state("g", "s")
    assert (loaded.snapshot, loaded.recovered) == (lost, True)


async def test_a_gap_behind_the_snapshot_cannot_be_recovered(counter, store):
    """The version that is missing is named; nothing is made up."""
    await counter.transition("g", "s", "add", 4)
    await async_remove(store, PATHS.state, PATHS.event(4))
    with pytest.raises(CorruptLogError) as caught:
        await counter.load_state("g", "s")
    assert caught.value.version == 5


async def test_a_replay_makes_the_state(counter, store):
    """Without the state document too."""
    state, _ = await store.get_state("g", "s")
    assert await counter.replay("g", "s") == state
    await async_remove(store, PATHS.state)
    assert await counter.replay("g", "s") == state


@pytest.mark.parametrize(("until", "n"), [(1, 0), (2, 1), (3, 3), (4, 6)])
async def test_a_replay_stops_at_a_version(counter, until, n):
    """And gives the state as it was there."""
    snapshot = await counter.replay("g", "s", until_version=until)
    assert (snapshot.version, snapshot.data) == (until, {"n": n})


async def test_a_replay_to_nothing_finds_no_state(counter):
    """Before the first event there was none."""
    for call in (
        lambda: counter.replay("g", "none"),
        lambda: counter.replay("g", "s", until_version=0),
        lambda: counter.replay("g", "s", until_time=START),
    ):
        with pytest.raises(StateNotFoundError):
            await call()


@in_memory
@pytest.mark.parametrize("wrong", [-1, True, 1.5, "1"])
async def test_what_is_no_version_is_refused(place, wrong):
    """Nothing is asked."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER)
    for path, call in (
        ("until_version", lambda: persister.replay("g", "s", until_version=wrong)),
        ("to_version", lambda: persister.rollback("g", "s", wrong)),
    ):
        with pytest.raises(InvalidDataError) as caught:
            await call()
        assert caught.value.path == path
    assert backend.calls == []


@in_memory
async def test_a_time_needs_a_zone(place):
    """A naive one is refused, and nothing is asked."""
    store, backend = place.counting()
    naive = datetime(2024, 1, 1)  # noqa: DTZ001 - what must be refused
    with pytest.raises(InvalidDataError) as caught:
        await AsyncStateMachinePersister(store, COUNTER).replay("g", "s", until_time=naive)
    assert caught.value.path == "until_time"
    assert backend.calls == []


@pytest.mark.parametrize(
    ("at", "version"),
    [
        (START, 1),
        (START + SECOND - timedelta(microseconds=1), 1),
        (START + SECOND, 3),
        (START + SECOND + timedelta(microseconds=1), 3),
        (START + 2 * SECOND, 4),
        (START + 3 * SECOND, 4),
    ],
    ids=str,
)
async def test_a_replay_stops_at_a_time(store, at, version):
    """At the last version before the first event later than it: equal times belong together."""
    persister = AsyncStateMachinePersister(store)
    for seconds in (0, 1, 1, 2):
        await persister.log_transition("g", "s", "a", to_status="b", data={}, timestamp=START + seconds * SECOND)
    assert (await persister.replay("g", "s", until_time=at)).version == version


async def test_a_time_in_another_zone_is_the_same_moment(store):
    """Zones do not matter."""
    persister = AsyncStateMachinePersister(store)
    await persister.log_transition("g", "s", "a", to_status="b", data={}, timestamp=START)
    local = START.astimezone(timezone(timedelta(hours=9)))
    assert (await persister.replay("g", "s", until_time=local)).version == 1


async def test_version_and_time_together(counter):
    """Whichever comes first ends the replay."""
    far = START + timedelta(days=100_000)
    assert (await counter.replay("g", "s", until_version=2, until_time=far)).version == 2


@pytest.mark.parametrize("until", [2, 3, 4, None])
async def test_a_replay_over_a_missing_event_is_refused(counter, store, until):
    """Up to the very version that is missing, too: the version before it is not the answer."""
    await async_remove(store, PATHS.event(2))
    with pytest.raises(CorruptLogError):
        await counter.replay("g", "s", until_version=until)


async def test_a_replay_without_the_last_event_is_refused(counter, store):
    """The state document tells that there was one more."""
    await async_remove(store, PATHS.event(4))
    with pytest.raises(CorruptLogError) as caught:
        await counter.replay("g", "s")
    assert caught.value.version == 4
    with pytest.raises(CorruptLogError):
        await counter.replay("g", "s", until_version=4)


async def test_a_replay_beyond_the_last_version_is_refused(counter):
    """A version that never was is no state; the newest one is not handed out in its name."""
    with pytest.raises((StateNotFoundError, CorruptLogError, InvalidDataError)):
        await counter.replay("g", "s", until_version=99)


async def test_a_replay_runs_the_machine_again(counter, store):
    """A machine of the same name and version that does something else is told."""
    other = Machine("counter", "open", [
        Transition("add", "open", "open", apply=lambda data, payload: {"n": -1}, apply_name="added"),
        Transition("shut", "open", "shut"),
        Transition("reopen", "shut", "open"),
    ])  # fmt: skip
    with pytest.raises(ReplayError, match="version 2"):
        await AsyncStateMachinePersister(store, other).replay("g", "s")


async def test_a_replay_leaves_other_machines_alone(counter, store):
    """What a newer version, or no machine, made is checked by its hash alone."""
    newer = AsyncStateMachinePersister(store, Machine("counter", "open", COUNTER.transitions, version=2))
    await newer.transition("g", "s", "add", 5)
    await store.save_state("g", "s", {"anything": True})
    assert (await counter.replay("g", "s")).data == {"anything": True}


async def test_a_rollback_makes_a_new_version_with_old_content(counter, store):
    """Status, data and error are the old ones; nothing is erased."""
    await counter.transition("g", "s", "shut", error="broke")
    result = await counter.rollback("g", "s", 2, ChangeMetadata(changed_by="ann", reason="wrong"))
    assert (result.version, result.to_status, result.snapshot.data) == (6, "open", {"n": 1})
    assert (result.snapshot.last_error, result.snapshot.metadata.changed_by) == (None, "ann")
    assert (result.event.kind, result.event.payload) == ("rollback", {"to_version": 2})
    assert [event.version async for event in counter.history("g", "s")] == [1, 2, 3, 4, 5, 6]
    assert (await counter.rollback("g", "s", 5)).snapshot.last_error == "broke"
    assert (await counter.validate_consistency("g")).is_consistent


async def test_after_a_rollback_the_machine_goes_on(counter):
    """From the old status."""
    await counter.transition("g", "s", "shut")
    await counter.rollback("g", "s", 4)
    assert (await counter.transition("g", "s", "add", 4)).snapshot.data == {"n": 10}


async def test_a_rollback_brings_a_deleted_state_back(counter, store):
    """With the next version."""
    await store.delete_state("g", "s")
    result = await counter.rollback("g", "s", 4)
    assert (result.version, result.snapshot.data, result.snapshot.deleted) == (6, {"n": 6}, False)
    assert await store.exists("g", "s")


@pytest.mark.parametrize("version", [0, 5, 99])
async def test_a_rollback_to_no_version_is_refused(counter, store, version):
    """The versions that there are are named."""
    before = await async_contents(store)
    with pytest.raises(VersionNotFoundError, match="1 to 4") as caught:
        await counter.rollback("g", "s", version)
    assert (caught.value.version, caught.value.last) == (version, 4)
    assert await async_contents(store) == before


async def test_a_rollback_to_a_deletion_is_refused(counter, store):
    """Deleting is what delete_state is for."""
    await store.delete_state("g", "s")
    with pytest.raises(InvalidDataError, match="deletion"):
        await counter.rollback("g", "s", 5)


async def test_a_rollback_of_nothing_is_refused(counter):
    """There never was a state."""
    with pytest.raises(StateNotFoundError):
        await counter.rollback("g", "none", 1)


async def test_the_history_tells_every_event(counter, store):
    """As get_events does; and a state that never was has none to tell."""
    events = [event async for event in store.get_events("g", "s")]
    assert [event async for event in counter.history("g", "s")] == events
    assert [event.action for event in events] == ["start", "add", "add", "add"]
    with pytest.raises(StateNotFoundError):
        [event async for event in counter.history("g", "none")]


async def test_reads_write_nothing(counter, store):
    """Load, replay, history and check leave every document as it was."""
    before = await async_contents(store)
    meta = await async_find(store, PATHS.state)
    await counter.load_state("g", "s")
    await counter.replay("g", "s", until_version=2)
    [event async for event in counter.history("g", "s")]
    await counter.validate_consistency("g")
    assert await async_contents(store) == before
    assert (await async_find(store, PATHS.state)) == meta


async def test_a_state_that_is_created_meanwhile_was_never_missing(place, monkeypatch):
    """Its document was not there, and behind that its events were: nothing had to be recovered."""
    store, other = place.store(), AsyncStateMachinePersister(place.store(), COUNTER)
    lost = store.runtime.history.lost

    async def lost_behind_creation(paths, timeout):
        await other.start("g", "late")
        return await lost(paths, timeout)

    monkeypatch.setattr(store.runtime.history, "lost", lost_behind_creation)
    loaded = await AsyncStateMachinePersister(store, COUNTER).load_state("g", "late")
    assert (loaded.snapshot.version, loaded.recovered) == (1, False)
