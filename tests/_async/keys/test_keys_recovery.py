"""Keys are states like any other: checked, recovered, carried to another store, and followed."""

import pytest

from tai_state import AsyncStateMachinePersister, PersistenceConfig
from tai_state._async.api.recovering import async_recover, async_verify
from tai_state._async.api.transferring import async_export_store, async_import_store
from tai_state.documents import Delete, MustExist
from tai_state.errors import InvalidIdError, OutcomeUnknownError
from tai_state.feeds import AsyncSubscription
from tai_state.keys import AsyncKeys, Increment, OwnGovernor
from tai_state.layout import state_layout
from tests._async.keys.test_keys_lists import async_of
from tests._async.stores import AsyncPlace, in_memory


@pytest.fixture
async def keys(store):
    """A group with two keys."""
    keys = AsyncKeys(store, "g/1")
    await keys.batch([Increment("a"), Increment("b"), Increment("a", 2)])
    return keys


async def test_a_store_is_checked_with_its_keys(store, keys):
    """Each group by a report of its own."""
    reports = [report async for report in async_verify(store)]
    assert [(report.governor_id, report.states, report.is_consistent) for report in reports] == [
        (keys.governor_id, 2, True),
        ("", 0, True),
    ]
    (report,) = [report async for report in async_verify(store, keys.governor_id)]
    assert (report.states, report.events, report.problems) == (2, 3, [])


async def test_a_key_that_lost_its_document_is_still_there(place, keys):
    """Reads give it from its log, a change goes on from there, and recover writes it again."""
    store = place.store()
    access, other = store.runtime.access, AsyncKeys(store, "g/1")
    for key in ("a", "b"):
        await access.backend.commit([Delete(state_layout(keys.governor_id, key).state, MustExist())], timeout=10)
    assert await other.get("a") == 3
    assert await other.increment("a") == 4
    (report, _) = [report async for report in async_recover(store)]
    assert (report.governor_id, len(report.repaired), report.unresolved) == (keys.governor_id, 1, [])
    assert await async_of(other.keys()) == ["a", "b"]


async def test_keys_are_sealed_and_snapshotted_like_other_states(place):
    """By the store's own maintenance; and their history is read from there."""
    store = place.store()
    keys = AsyncKeys(store, "g")
    for _ in range(105):
        await keys.increment("n")
    persister = AsyncStateMachinePersister(store, config=PersistenceConfig())
    assert [one.version async for one in persister.list_snapshots(keys.governor_id, "n")] == [100]
    assert [event.to_state["value"] async for event in keys.history("n")] == list(range(1, 106))
    assert (await persister.replay(keys.governor_id, "n", until_version=42)).data == {"value": 42}


@in_memory
async def test_keys_are_carried_to_another_store(keys, store, tmp_path):
    """With all others, or alone; and go on there."""
    await store.save_state("shop", "order", {})
    for governor_id, governors in ((None, 2), (keys.governor_id, 1)):
        file = tmp_path / f"{governors}.jsonl"
        await async_export_store(store, file, governor_id)
        target = AsyncPlace("memory")
        report = await async_import_store(target.store(), file)
        assert (report.governors, report.reports) == (governors, [])
        there = AsyncKeys(target.store(), "g/1")
        assert await there.get("a") == 3
        assert await there.increment("a") == 4
        await target.close()


@in_memory
async def test_a_governor_of_keys_is_named_by_an_object(keys, store):
    """Its text is a user's governor."""
    own = OwnGovernor("keys", "g/1")
    assert keys.governor_id == own
    assert (await store.get_state(own, "a"))[1] == 2
    assert await store.find_state(str.__str__(own), "a") is None


async def test_groups_are_listed_by_their_kind(keys, store):
    """In order, and from any of them on; users' governors are another list."""
    await store.save_state("shop", "order", {})
    for group in ("a", "zoé"):
        await AsyncKeys(store, group).set("k", 1)
    found = [one async for one in store.list_governors(kind="keys")]
    assert [one.name for one in found if isinstance(one, OwnGovernor)] == ["a", "g/1", "zoé"]
    assert [one async for one in store.list_governors(kind="keys", after="a", limit=1)] == [keys.governor_id]
    assert await async_of(store.list_governors()) == ["shop"]
    with pytest.raises(InvalidIdError):
        await async_of(store.list_governors(kind="others"))


async def test_subscriptions_are_not_told_of_keys(place):
    """They are of users' governors; whoever changes keys here is heard by ``on_change``."""
    store = place.store(feed=True)
    heard: list[tuple[str, str]] = []
    told: list[str] = []

    async def hear(event):
        told.append(event.state_id)

    async with store.on_change(lambda event: heard.append((event.governor_id, event.action))) as listener:
        await AsyncKeys(store, "g").set("k", 1)
        await store.save_state("shop", "order", {})
        await listener.close()
    subscription = AsyncSubscription(store, "all", hear)
    while not told:
        await subscription.run_once()
    await subscription.run_once()
    assert told == ["order"]
    assert heard == [("~keys:g", "set"), ("shop", "save")]


async def test_a_key_is_erased_for_good(keys, store):
    """As any state is; the others stay."""
    await store.erase_state(keys.governor_id, "a", reason="asked for")
    assert not await keys.exists("a")
    assert await keys.get("b") == 1
    assert [event.from_state async for event in keys.history("a", after=2)] == [{}]
    assert await keys.increment("a") == 1


@in_memory
async def test_the_outcome_of_a_change_of_a_key_is_told(keys, store):
    """Its error tells the group as text, which a user's governor may have, too; another change is none of them."""
    await store.save_state("~keys:g/1", "a", {})
    persister = AsyncStateMachinePersister(store)
    (first, _) = [event async for event in keys.history("a")]
    told = (first.governor_id, first.state_id, first.version)
    found = await persister.outcome(OutcomeUnknownError(first.transition_id, *told))
    assert found is not None
    assert found.event == first
    assert await persister.outcome(OutcomeUnknownError("another", *told)) is None
