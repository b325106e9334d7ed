"""The one commit of a transaction: exactly once whatever happens to its reply, and as small as it can be."""

import pickle

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncStateMachinePersister,
    DocumentTooLargeError,
    Encoding,
    Maintenance,
    OutcomeUnknownError,
    PersistenceConfig,
    RetryPolicy,
    StoreError,
)
from tai_state.documents import Check, Put, UpdatedAt
from tai_state.errors import PreparedError
from tai_state.layout import TRANSACTIONS, state_layout
from tai_state.rules.records.occasional import Prepared
from tai_state.testing.clock import ManualClock
from tests._async.accounts import (
    BANK,
    async_amount,
    async_amounts,
    async_open_accounts,
    async_put,
    async_transfer,
    manager_of,
)
from tests._async.machines import COUNTER
from tests._async.stores import AsyncWrappedBackend, async_contents, async_mark
from tests.waits import patience

THREE = RetryPolicy(attempts=3, wait_initial=0.0, wait_max=0.0)


@pytest.fixture
async def other(place):
    """Another writer in the same place, where two accounts are open."""
    store = place.store()
    await async_open_accounts(store, a=100, b=0)
    return store


async def async_records(store):
    """Return the records of committed transactions."""
    return [one async for one in manager_of(store).list_transactions()]


async def async_pay(tx):
    await async_transfer(tx, "a", "b", 10)
    return "paid"


@pytest.mark.parametrize(
    "faults",
    [
        ("reply lost",),
        ("request lost",),
        ("request lost", "reply lost"),
        ("reply lost", "request lost", "request lost"),
    ],
    ids=str,
)
async def test_a_lost_reply_makes_the_transaction_once(place, other, faults):
    """Only the identical commit is sent again, and the body runs once."""
    store, backend = place.faulty(*faults)
    runs = []

    async def body(tx):
        runs.append(1)
        return await async_pay(tx)

    assert await manager_of(store).run(body) == "paid"
    assert len(runs) == 1
    assert await async_amounts(other, "a", "b") == [90, 10]
    assert len(await async_records(other)) == 1
    assert len(backend.sent) == len(faults) + 1
    assert len({repr(writes) for writes in backend.sent}) == 1


async def test_the_store_goes_on_from_a_settled_commit(place, other):
    """What was settled by reading leaves no outdated head behind."""
    store, backend = place.faulty()
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    backend.faults.append("reply lost")
    await manager_of(store).run(lambda tx: tx.transition(persister, "g", "s", "add", 5))
    sent = len(backend.sent)
    assert (await persister.transition("g", "s", "add", 1)).snapshot.data == {"n": 6}
    assert len(backend.sent) == sent + 1, "no commit was made on an outdated head"
    assert (await persister.validate_consistency("g")).problems == []


async def test_a_winner_behind_our_applied_commit_changes_nothing(place, other):
    """Ours was applied, then another writer came: the record tells, and the body is not run again."""
    store, backend = place.faulty("reply lost")
    backend.between = lambda: other.save_state(BANK, "a", {"n": 1000})
    assert await manager_of(store).run(async_pay) == "paid"
    assert await async_amounts(other, "a", "b") == [1000, 10]


async def test_a_winner_instead_of_our_lost_commit_is_a_conflict(place, other):
    """Ours was not applied, and never will be: the body runs again on what the winner left."""
    store, backend = place.faulty("request lost")
    backend.between = lambda: other.save_state(BANK, "a", {"n": 1000})
    assert await manager_of(store).run(async_pay) == "paid"
    assert await async_amounts(other, "a", "b") == [990, 10]
    assert len(await async_records(other)) == 1


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
async def test_ambiguous_to_the_end_is_an_unknown_outcome(place, other, fault):
    """The error names the transaction, whose record tells what became of it."""
    store, backend = place.faulty(fault, "request lost", "request lost", retry=THREE)
    backend.unread = 3
    with pytest.raises(OutcomeUnknownError) as caught:
        await manager_of(store).run(async_pay)
    assert len(backend.sent) == 3
    error = pickle.loads(pickle.dumps(caught.value))
    assert not error.retryable, "without a key it could be made twice"
    record = await manager_of(other).get_transaction(error.transition_id)
    applied = fault == "reply lost"
    assert (record is not None) is applied
    assert await async_amounts(other, "a", "b") == ([90, 10] if applied else [100, 0])


async def test_ambiguous_until_the_deadline_is_an_unknown_outcome(place, other):
    """The total time bounds the attempts to send it."""
    clock = ManualClock()
    store, backend = place.faulty(*["request lost"] * 20, clock=clock)
    backend.clock, backend.attempt_seconds = clock, 4.0
    with pytest.raises(OutcomeUnknownError):
        await manager_of(store).run(async_pay, timeout=10)
    assert len(backend.sent) == 3


async def test_a_refusal_for_good_after_a_lost_reply_is_settled_by_reading(place, other):
    """It says nothing of the attempt before; the record does."""
    store, backend = place.faulty("reply lost")

    async def close():
        async def refuse(writes, *, timeout):
            raise StoreError("you may not write any more")

        backend.commit = refuse

    backend.between = close
    assert await manager_of(store).run(async_pay) == "paid"
    assert await async_amounts(other, "a", "b") == [90, 10]


async def test_a_refusal_for_good_passes(place, other):
    """The first answer is the verdict."""

    class Strict(AsyncWrappedBackend):
        async def commit(self, writes, *, timeout):
            raise StoreError("you may not write")

    backend = Strict(place.store().runtime.access.backend)
    with pytest.raises(StoreError, match="may not write"):
        await manager_of(AsyncBackendStore(backend)).run(async_pay)


async def test_a_commit_checks_what_was_only_read(place, other):
    """Neither more nor less: one check for each document that was read and not written."""
    store, backend = place.counting()

    async def body(tx):
        await tx.batch_get_states(BANK, ["a", "b", "c"])
        await async_put(tx, "b", 1)

    await manager_of(store).run(body)
    (writes,) = backend.commits
    assert {str(write.path) for write in writes if isinstance(write, Check)} == {
        str(state_layout(BANK, name).state) for name in "ac"
    }
    states = [write for write in writes if write.path == state_layout(BANK, "b").state]
    assert [type(write.precondition) for write in states] == [UpdatedAt]
    assert sum(write.path.collection == TRANSACTIONS for write in writes) == 1


async def test_a_commit_rests_on_no_state_that_somebody_has_in_hand(store):
    """It may be another one already: nothing is written, though it was only read."""
    await store.save_state("g", "s", {"n": 1})
    await async_mark(store, state_layout("g", "s"), Prepared("t", ""))

    async def body(tx):
        found, _ = await tx.get_state("g", "s")
        await tx.save_state("g", "other", found.data)

    with pytest.raises(PreparedError) as caught:
        await manager_of(store).run(body)
    assert (caught.value.state_id, caught.value.transaction_id) == ("s", "t")
    assert await store.find_state("g", "other") is None


async def test_several_changes_of_a_state_are_one_write_of_it(place, other):
    """With an event for each."""
    store, backend = place.counting()

    async def body(tx):
        for amount in (1, 2, 3):
            await async_put(tx, "a", amount)

    await manager_of(store).run(body)
    (writes,) = backend.commits
    paths = [str(write.path) for write in writes if isinstance(write, Put)]
    assert sum("/states/" in path for path in paths) == 1
    assert sum("/events/" in path for path in paths) == 3


async def test_snapshots_come_at_multiples(store):
    """Each multiple that a transaction reaches or passes is kept, as many as the retention says."""
    persister = AsyncStateMachinePersister(store, COUNTER, PersistenceConfig(snapshot_interval=2, snapshot_retention=2))
    await persister.start("g", "s", {"n": 0})

    async def body(tx):
        for _ in range(6):
            await tx.transition(persister, "g", "s", "add")

    await manager_of(store).run(body)
    assert [one.version async for one in persister.list_snapshots("g", "s")] == [4, 6]
    assert (await persister.validate_consistency("g")).problems == []
    await persister.transition("g", "s", "add")
    await persister.transition("g", "s", "add")
    assert [one.version async for one in persister.list_snapshots("g", "s")] == [6, 8]
    assert (await persister.validate_consistency("g")).problems == []


async def test_sealing_is_put_off(place):
    """A transaction reads no old events; the next move seals them."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER, PersistenceConfig(segment_events=2))
    for _ in range(3):
        if await store.find_state("g", "s") is None:
            await persister.start("g", "s", {"n": 0})
        else:
            await manager_of(store).run(lambda tx: tx.transition(persister, "g", "s", "add"))
    assert not [path for path in await async_contents(store) if "/segments/" in path]
    backend.taken()
    await persister.transition("g", "s", "add")
    assert [path for path in await async_contents(store) if "/segments/" in path]


async def test_what_is_too_large_is_compressed_before_it_is_refused(place):
    """As the second attempt of a change is: maintenance put off, and the body does not run again."""
    plain = Encoding(json_bytes_min=2**40, zstd_bytes_min=2**40)
    store = place.store(maintenance=Maintenance(snapshot_interval=1), encoding=plain)
    runs = []
    text = "x" * 1_200_000

    async def body(tx):
        runs.append(1)
        await tx.save_state("g", "s", {"text": text})
        return await tx.save_state("g", "s", {"text": text + "y"})

    assert await manager_of(store).run(body) == 2
    assert len(runs) == 1
    assert (await store.get_state("g", "s"))[0].data == {"text": text + "y"}
    assert not [path for path in await async_contents(store) if "/snapshots/" in path]
    persister = AsyncStateMachinePersister(store, COUNTER)
    assert (await persister.validate_consistency("g")).problems == []


async def test_what_stays_too_large_is_refused_before_anything_is_sent(place, other):
    """The error gives the sizes, and nothing was written."""
    store = place.store()
    noise = store.runtime.access.rng.randbytes(1_100_000)

    async def body(tx):
        await async_put(tx, "a", 1)
        await tx.save_state("g", "s", {"noise": noise})

    with pytest.raises(DocumentTooLargeError) as caught:
        await manager_of(store).run(body)
    assert caught.value.size > caught.value.limit
    assert await async_amounts(other, "a") == [100]
    assert await async_records(other) == []


async def test_a_second_client_writes_between_read_and_commit_without_waiting(place, other):
    """Nothing is locked: its write is through before the body goes on, and the transaction sees it."""
    store = place.store()
    seen = []

    async def body(tx):
        seen.append(await async_amount(tx, "a"))
        if len(seen) == 1:
            began = store.runtime.access.clock.monotonic()
            await other.save_state(BANK, "a", {"n": 7})
            took = store.runtime.access.clock.monotonic() - began
            assert took < patience(1.5), "a lock of the emulator's would cost 2 seconds"
        await async_put(tx, "b", 1)

    await manager_of(store).run(body)
    assert seen == [100, 7]
