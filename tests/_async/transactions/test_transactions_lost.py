"""Lost states in transactions and cascades: what is read says that it is rebuilt, and the commit writes it again."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    CorruptLogError,
    RetryPolicy,
    StateExistsError,
    StateNotFoundError,
    VersionConflictError,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._async.dependents import JOB, async_start_all, async_statuses, persister_of
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_contents, async_plant

PATHS = state_layout("g", "s")
LOSSES: dict[str, dict[str, object] | None] = {"missing": None, "unreadable": {"data": 5}}


async def async_remove(store, *paths):
    await store.runtime.access.backend.commit([Delete(path) for path in paths], timeout=TIMEOUT)


async def async_lose(store, paths, changes):
    """Take the document of a state away, or damage it."""
    if changes is None:
        await async_remove(store, paths.state)
    else:
        await async_plant(store, paths.state, **changes)


async def async_last_event(store, state_id):
    return [event async for event in store.get_events("g", state_id)][-1]


@pytest.fixture(params=list(LOSSES.values()), ids=list(LOSSES))
async def lost(request, place):
    """A fresh store in which the state s, at version 2, has lost its document; and s as it was."""
    store = place.store()
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await persister.transition("g", "s", "add", 4)
    before, _ = await store.get_state("g", "s")
    await async_lose(store, PATHS, request.param)
    return place.store(), before


async def test_reads_in_a_transaction_tell_what_reads_outside_tell(lost):
    """The state as its log tells it, and that it was rebuilt; nothing is written."""
    store, before = lost
    stored = await async_contents(store)

    async def body(tx):
        got, version = await tx.get_state("g", "s")
        batch = await tx.batch_get_states("g", ["s", "never"])
        found = await tx.find_state("g", "s")
        assert batch.missing == ["never"]
        return version, [got, found, batch.found["s"]]

    for read_only in (False, True):
        version, snapshots = await AsyncTransactionManager(store).run(body, read_only=read_only)
        assert version == 2
        assert [(one, one.recovered) for one in snapshots] == [(before, True)] * 3
    assert await async_contents(store) == stored


CHANGES = {
    "save": lambda tx, _: tx.save_state("g", "s", {"n": 7}),
    "saves": lambda tx, _: tx.save_states("g", {"s": {"n": 7}, "new": {}}),
    "save over a version": lambda tx, _: tx.save_state("g", "s", {"n": 7}, expected_version=2),
    "update": lambda tx, _: tx.update_state("g", "s", {"n": 7}, 2),
    "delete": lambda tx, _: tx.delete_state("g", "s"),
    "transition": lambda tx, persister: tx.transition(persister, "g", "s", "add", 1),
    "log": lambda tx, persister: tx.log_transition(persister, "g", "s", "noted", to_status="open", data={"n": 7}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("reads_first", [True, False])
async def test_a_change_in_a_transaction_writes_the_state_again(lost, change, reads_first):
    """With the commit, whether the body read the state or not; the event says so, and the whole is sound."""
    store, _ = lost
    persister = AsyncStateMachinePersister(store, COUNTER)

    async def body(tx):
        if reads_first:
            await tx.get_state("g", "s")
        await change(tx, persister)
        seen = await tx.find_state("g", "s")
        assert seen is None or (seen.version, seen.recovered) == (3, False)

    await AsyncTransactionManager(store).run(body)
    event = await async_last_event(store, "s")
    assert (event.version, event.metadata.context["tai_rebuilt"]["version"]) == (3, 2)
    assert (await persister.validate_consistency("g")).problems == []
    assert not (await store.batch_get_states("g", ["s"], include_deleted=True)).found["s"].recovered


async def test_only_the_first_of_several_changes_says_that_it_rebuilt(lost):
    """The others rest on what it made."""
    store, _ = lost
    persister = AsyncStateMachinePersister(store, COUNTER)

    async def body(tx):
        for _ in range(2):
            await tx.transition(persister, "g", "s", "add", 1)

    await AsyncTransactionManager(store).run(body)
    events = [event async for event in store.get_events("g", "s")]
    assert ["tai_rebuilt" in event.metadata.context for event in events] == [False, False, True, False]
    assert (await store.get_state("g", "s"))[0].data == {"n": 6}


async def test_a_unit_of_work_writes_the_state_again(lost):
    """It has one attempt, so it looks before it writes."""
    store, _ = lost
    async with AsyncTransactionManager(store).begin() as tx:
        await tx.save_state("g", "s", {"n": 7})
    assert (await store.get_state("g", "s"))[1] == 3


async def test_what_is_refused_is_refused_as_outside(lost):
    """The verdicts are those over the state that was lost, and nothing is written."""
    store, _ = lost
    persister = AsyncStateMachinePersister(store, COUNTER)
    stored = await async_contents(store)
    refused = [
        (lambda tx: tx.start(persister, "g", "s"), StateExistsError),
        (lambda tx: tx.update_state("g", "s", {}, 1), VersionConflictError),
        (lambda tx: tx.save_state("g", "s", {}, expected_version=0), VersionConflictError),
    ]
    for call, error in refused:
        with pytest.raises(error):
            await AsyncTransactionManager(store).run(call)
    assert await async_contents(store) == stored


@pytest.mark.parametrize("changes", LOSSES.values(), ids=LOSSES)
async def test_a_lost_tombstone_stays_deleted(store, changes):
    """A read says so, and a start goes on with the next version."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s")
    await store.delete_state("g", "s")
    await async_lose(store, PATHS, changes)
    manager = AsyncTransactionManager(store)
    with pytest.raises(StateNotFoundError, match="deleted"):
        await manager.run(lambda tx: tx.get_state("g", "s"))
    assert (await manager.run(lambda tx: tx.start(persister, "g", "s"))).version == 3


async def test_a_store_that_knows_the_state_writes_it_again(store):
    """What its cache holds of the lost document does not keep the transaction from its commit."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await async_remove(store, PATHS.state)
    await AsyncTransactionManager(store).run(lambda tx: tx.transition(persister, "g", "s", "add", 1))
    assert (await store.get_state("g", "s"))[1] == 2


async def test_a_state_whose_log_is_damaged_too_is_refused(store):
    """By every read and change, with the error of its log; a batch names it, and gives the others."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await store.save_state("g", "other", {})
    await async_remove(store, PATHS.state)
    await async_plant(store, PATHS.event(1), to_state=5)
    manager = AsyncTransactionManager(store)
    calls = [
        lambda tx: tx.get_state("g", "s"),
        lambda tx: tx.find_state("g", "s"),
        lambda tx: tx.update_state("g", "s", {}, 1),
        lambda tx: tx.transition(persister, "g", "s", "add"),
        lambda tx: tx.start(persister, "g", "s"),
    ]
    for call in calls:
        with pytest.raises(CorruptLogError) as caught:
            await manager.run(call)
        assert caught.value.version == 1
    batch = await manager.run(lambda tx: tx.batch_get_states("g", ["s", "other", "never"]))
    assert (list(batch.found), batch.missing, batch.damaged) == (["other"], ["never"], ["s"])


async def test_an_altered_document_is_read_by_its_log_and_not_written_over(store):
    """Whoever altered it meant something by it."""
    await store.save_state("g", "s", {"n": 1})
    await async_plant(store, PATHS.state, status="altered")
    store.runtime.writer.heads.drop(PATHS.state)
    manager = AsyncTransactionManager(store)
    snapshot, _ = await manager.run(lambda tx: tx.get_state("g", "s"))
    assert (snapshot.status, snapshot.recovered) == ("", True)
    stored = await async_contents(store)
    for call in (lambda tx: tx.save_state("g", "s", {}), lambda tx: tx.delete_state("g", "s")):
        with pytest.raises(CorruptLogError, match="digest"):
            await manager.run(call)
    assert await async_contents(store) == stored


async def test_a_document_further_than_its_log_is_not_written_over(store):
    """Events may be missing at the end: a read tells what there is, a change is refused."""
    await store.save_state("g", "s", {"n": 1})
    await store.save_state("g", "s", {"n": 2})
    await async_plant(store, PATHS.state, data=5)
    await async_remove(store, PATHS.event(2))
    manager = AsyncTransactionManager(store)
    assert (await manager.run(lambda tx: tx.get_state("g", "s")))[1] == 1
    with pytest.raises(CorruptLogError, match="version 2"):
        await manager.run(lambda tx: tx.save_state("g", "s", {"n": 3}))


async def test_a_state_that_is_written_again_meanwhile_makes_the_attempt_stale(place):
    """What the log tells then is not of the attempt's moment; the next attempt sees the document."""

    class AsyncMending(AsyncWrappedBackend):
        """Lets another writer mend the state once its log was asked for."""

        mend = True

        async def scan(self, collection, **options):
            if self.mend and collection.endswith("events"):
                self.mend = False
                await other.save_state("g", "s", {"n": 9})
            async for document in super().scan(collection, **options):
                yield document

    other = place.store()
    await other.save_state("g", "s", {"n": 1})
    await async_remove(other, PATHS.state)
    store = AsyncBackendStore(AsyncMending(place.store().runtime.access.backend), actor="tester")
    seen = []

    async def body(tx):
        seen.append(await tx.get_state("g", "s"))
        return seen[-1]

    snapshot, version = await AsyncTransactionManager(store).run(body, read_only=True)
    assert (version, snapshot.data, snapshot.recovered) == (2, {"n": 9}, False)
    assert len(seen) == 1


async def test_what_a_body_raises_over_a_state_that_it_took_for_new_is_not_the_outcome(store):
    """It created the state without a look, so its exception is held against the log before it counts."""
    await store.save_state("g", "s", {"n": 1})
    await async_remove(store, PATHS.state)
    seen = []

    async def body(tx):
        seen.append(await tx.save_state("g", "s", {"n": 2}))
        if seen[-1] == 1:
            message = "it is new"
            raise LookupError(message)

    await AsyncTransactionManager(store).run(body)
    assert seen == [1, 2]
    assert (await store.get_state("g", "s"))[1] == 2


# Cascades


@pytest.mark.parametrize("changes", LOSSES.values(), ids=LOSSES)
async def test_a_lost_dependent_reacts(store, changes):
    """In the commit of the move, which writes it again."""
    jobs = persister_of(store)
    await async_start_all(jobs, a=(), b=["a"], c=["b"])
    await async_lose(store, state_layout("g", "b"), changes)
    await jobs.transition("g", "a", "fail")
    assert (await async_statuses(store, "a", "b"))[1] == "blocked"
    event = await async_last_event(store, "b")
    assert (event.kind, event.metadata.context["tai_rebuilt"]["version"]) == ("reaction", 1)
    assert not (await store.get_state("g", "b"))[0].recovered


@pytest.mark.parametrize("changes", LOSSES.values(), ids=LOSSES)
async def test_a_lost_dependency_can_be_depended_on(store, changes):
    """It gets its mark with a document of its own."""
    jobs = persister_of(store)
    await async_start_all(jobs, a=())
    await async_lose(store, state_layout("g", "a"), changes)
    await jobs.start("g", "b", depends_on=["a"])
    assert not (await store.get_state("g", "a"))[0].recovered
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "a", "b") == ["failed", "blocked"]
    assert (await jobs.validate_consistency("g")).problems == []


async def test_a_lost_state_is_started_with_dependencies_as_any_other(store):
    """It is there, so a start is refused."""
    jobs = persister_of(store)
    await async_start_all(jobs, a=(), b=())
    await async_remove(store, state_layout("g", "b").state)
    with pytest.raises(StateExistsError):
        await jobs.start("g", "b", depends_on=["a"])
    assert JOB.initial == (await store.get_state("g", "b"))[0].status


# What it costs


async def test_states_that_are_there_cost_what_they_did(place):
    """One request for all that is read, and one commit; a blind creation looks for nothing either."""
    store, backend = place.counting(retry=RetryPolicy())
    await store.save_state("g", "s", {"n": 1})
    backend.taken()

    async def body(tx):
        await tx.batch_get_states("g", ["s"])
        await tx.save_state("g", "s", {"n": 2})
        await tx.save_state("g", "new", {})

    await AsyncTransactionManager(store).run(body)
    assert backend.taken() == ["get_many", "get_many", "commit"]


async def test_many_states_that_never_were_cost_one_read_more(place):
    """Their first events are looked for in one go."""
    store, backend = place.counting()
    await store.save_state("g", "s", {"n": 1})
    backend.taken()
    ids = ["s", *(f"n{number}" for number in range(20))]
    batch = await AsyncTransactionManager(store).run(lambda tx: tx.batch_get_states("g", ids), read_only=True)
    assert len(batch.missing) == 20
    assert backend.taken() == ["get_many", "get_many"]


async def test_many_new_states_of_a_unit_of_work_cost_one_read_more(place):
    """It commits once, so it looks first; in one go."""
    store, backend = place.counting()
    await store.save_state("g", "s", {"n": 1})
    backend.taken()
    async with AsyncTransactionManager(store).begin() as tx:
        await tx.save_states("g", {f"n{number}": {} for number in range(20)})
    assert backend.taken() == ["get_many", "get_many", "commit"]


async def test_many_new_states_of_a_second_attempt_cost_one_read_more(place):
    """It looks for what may have refused the first one; in one go."""
    store, backend = place.counting(retry=RetryPolicy())
    await store.save_state("g", "s", {"n": 1})
    attempts = []

    async def body(tx):
        attempts.append(backend.taken())
        await tx.get_state("g", "s")
        if len(attempts) == 1:
            await place.store().save_state("g", "s", {"n": 2})
        await tx.save_states("g", {f"n{number}": {} for number in range(20)})

    await AsyncTransactionManager(store).run(body)
    assert len(attempts) == 2
    assert backend.taken() == ["get_many", "get_many", "commit"]


# Of one attempt


async def test_a_run_of_one_attempt_writes_the_state_again(lost):
    """There is no second one that could look."""
    store, _ = lost
    manager = AsyncTransactionManager(store, RetryPolicy(attempts=1))
    assert await manager.run(lambda tx: tx.save_state("g", "s", {"n": 7})) == 3


async def test_a_change_of_one_attempt_writes_the_state_again(place):
    """As one of several does."""
    store = place.store(retry=RetryPolicy(attempts=1))
    await store.save_state("g", "s", {"n": 1})
    await async_remove(store, PATHS.state)
    assert await place.store(retry=RetryPolicy(attempts=1)).save_state("g", "s", {"n": 2}) == 2


async def test_a_body_that_has_read_the_lost_state_may_raise_what_it_likes(lost):
    """Its state was looked at, so nothing is left to hold the exception against."""
    store, _ = lost
    runs = []

    async def body(tx):
        runs.append((await tx.get_state("g", "s"))[1])
        await tx.save_state("g", "s", {"n": 7})
        message = "mine"
        raise LookupError(message)

    with pytest.raises(LookupError, match="mine"):
        await AsyncTransactionManager(store).run(body)
    assert runs == [2]
