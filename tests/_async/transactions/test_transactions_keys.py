"""Idempotency keys of transactions: made once for the whole store, with one result for everybody."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import pytest

from tai_state import (
    AsyncBackendStore,
    ConfigurationError,
    DeadlineExceededError,
    IdempotencyMismatchError,
    InvalidDataError,
    InvalidIdError,
    OutcomeUnknownError,
    RetryPolicy,
    StateSnapshot,
    StoreError,
)
from tai_state._platform.tasks import async_together
from tai_state.documents import Put
from tai_state.rules.transactions.record import transaction_path
from tai_state.testing.clock import ManualClock
from tests._async.accounts import (
    BANK,
    AsyncMeddledBackend,
    async_amount,
    async_amounts,
    async_open_accounts,
    async_put,
    async_transfer,
    manager_of,
    over,
)
from tests._async.stores import TIMEOUT, async_contents, async_document_at

ONCE = RetryPolicy(attempts=1, wait_initial=0.0, wait_max=0.0)


class TooLittle(Exception):  # noqa: N818 - what a user's own exception may be called
    pass


async def async_withdraw(tx):
    """Take all that a has, or refuse."""
    held = await async_amount(tx, "a")
    if not held:
        raise TooLittle
    await async_transfer(tx, "a", "b", held)
    return {"taken": held}


@pytest.fixture
async def other(place):
    """Another client of the same place, where two accounts are open."""
    store = place.store()
    await async_open_accounts(store, a=100, b=0)
    return store


async def test_a_repetition_returns_the_first_result(place, other):
    """The body does not run again, here or elsewhere."""
    manager = manager_of(place.store())
    assert await manager.run(async_withdraw, idempotency_key="k") == {"taken": 100}
    assert await manager.run(async_withdraw, idempotency_key="k") == {"taken": 100}
    assert await manager_of(other).run(async_withdraw, idempotency_key="k") == {"taken": 100}
    assert await async_amounts(other, "a", "b") == [0, 100]


async def test_another_key_is_another_transaction(other):
    """However much the two look alike."""
    for number, key in enumerate(("k", "K", "k ", "état 1", "k/1")):
        await manager_of(other).run(lambda tx: async_transfer(tx, "a", "b", 1), idempotency_key=key)
        assert await async_amounts(other, "b") == [number + 1]


async def test_a_keyed_transaction_costs_one_read_more(place, other):
    """The repetition nothing but that."""
    store, backend = place.counting()
    await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), idempotency_key="k")
    assert backend.taken() == ["get_many", "get_many", "commit"]
    await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), idempotency_key="k")
    assert backend.taken() == ["get_many"]


async def test_two_who_race_with_one_key_make_one_transaction(place, other):
    """Both commits were on their way: the one that was refused returns the other's result."""
    store, backend = over(place, AsyncMeddledBackend)
    backend.before_commits.append(
        lambda: manager_of(other).run(partial(async_create, name="theirs"), idempotency_key="k")
    )
    result = await manager_of(store, ONCE).run(partial(async_create, name="ours"), idempotency_key="k")
    assert result == "theirs"
    assert await other.find_state("g", "ours") is None
    assert await other.find_state("g", "theirs") is not None


async def async_create(tx, name):
    await tx.save_state("g", name, {})
    return name


async def test_a_body_that_fails_because_it_was_made_already(place, other):
    """The key goes first: what the body finds is its own transaction's work, done elsewhere."""
    store, backend = over(place, AsyncMeddledBackend)
    # Behind the first look for the key, and before the body reads.
    backend.before_reads += [
        lambda: async_amounts(other, "a"),
        lambda: manager_of(other).run(async_withdraw, idempotency_key="k"),
    ]
    assert await manager_of(store).run(async_withdraw, idempotency_key="k") == {"taken": 100}
    assert await async_amounts(other, "a", "b") == [0, 100]


async def test_an_exception_remembers_no_key(place, other):
    """Nothing was written: under the same key it may be tried again."""
    manager = manager_of(other)
    await async_open_accounts(other, a=0)
    with pytest.raises(TooLittle):
        await manager.run(async_withdraw, idempotency_key="k")
    await async_open_accounts(other, a=5)
    assert await manager.run(async_withdraw, idempotency_key="k") == {"taken": 5}


async def test_many_who_race_with_one_key_make_one_transaction(place, other):
    """From several clients at once."""
    runs = [manager_of(place.store(), RetryPolicy(wait_initial=0.001)).run for _ in range(4)]
    results = await async_together([_call(run) for run in runs])
    assert results == [{"taken": 100}] * 4
    assert await async_amounts(other, "a", "b") == [0, 100]
    assert len([one async for one in manager_of(other).list_transactions()]) == 1


def _call(run):
    return lambda: run(async_withdraw, idempotency_key="k")


async def test_a_key_of_another_body_is_refused(place, other):
    """Its result is not that of this one: by the body's name, or by what the caller says."""
    manager = manager_of(other)
    await manager.run(async_withdraw, idempotency_key="k")
    with pytest.raises(IdempotencyMismatchError, match="'k' of a transaction") as caught:
        await manager_of(place.store()).run(partial(async_create, name="s"), idempotency_key="k")
    assert caught.value.key == "k"
    with pytest.raises(IdempotencyMismatchError):
        await manager.run(async_withdraw, idempotency_key="k", request="other")
    with pytest.raises(IdempotencyMismatchError):
        await manager.execute_transaction("g", lambda tx: tx.find_state("s"), idempotency_key="k")
    assert await other.find_state("g", "s") is None


async def test_a_request_that_is_named_is_the_same_whatever_the_body(other):
    """Lambdas, renamed functions: the caller says that they are one."""
    manager = manager_of(other)
    assert await manager.run(async_withdraw, idempotency_key="k", request="r") == {"taken": 100}
    assert await manager.run(lambda tx: tx.find_state("g", "s"), idempotency_key="k", request="r") == {"taken": 100}
    with pytest.raises(ConfigurationError, match="request"):
        await manager.run(async_withdraw, request="r")


async def test_a_key_that_another_took_meanwhile_for_another_request_is_refused(place, other):
    """Found when our commit is refused."""
    store, backend = over(place, AsyncMeddledBackend)
    backend.before_commits.append(lambda: manager_of(other).run(async_withdraw, idempotency_key="k"))
    with pytest.raises(IdempotencyMismatchError):
        await manager_of(store).run(partial(async_create, name="ours"), idempotency_key="k")
    assert await other.find_state("g", "ours") is None


async def test_a_record_without_a_request_is_taken(place, other):
    """An earlier release wrote it."""
    await manager_of(other).run(async_withdraw, idempotency_key="k")
    (record,) = [one async for one in manager_of(other).list_transactions()]
    path = transaction_path(record.transaction_id)
    document = await async_document_at(other, path)
    fields = {name: value for name, value in document.fields.items() if name not in {"request", "ttl_seconds"}}
    await other.runtime.access.backend.commit([Put(path, fields)], timeout=TIMEOUT)
    assert await manager_of(other).run(async_withdraw, idempotency_key="k") == {"taken": 100}
    found = await manager_of(other).get_transaction(record.transaction_id)
    assert (found.request, found.expires_at) == (None, None)


async def test_a_key_without_writes_is_remembered(place, other):
    """The result of a body that only read is kept as well."""
    manager = manager_of(other)
    assert await manager.run(lambda tx: async_amount(tx, "a"), idempotency_key="k") == 100
    await async_open_accounts(other, a=5)
    assert await manager.run(lambda tx: async_amount(tx, "a"), idempotency_key="k") == 100


async def test_what_a_keyed_body_only_read_is_checked(place, other):
    """A torn or outdated result is never remembered."""
    store, backend = over(place, AsyncMeddledBackend)
    backend.before_commits.append(lambda: async_open_accounts(other, a=5))
    assert await manager_of(store).run(lambda tx: async_amount(tx, "a"), idempotency_key="k") == 5


@pytest.mark.parametrize(
    "result",
    [
        None,
        True,
        7,
        1.5,
        "text",
        b"\x00",
        [1, ["two", None]],
        {"a": {"": [[1]]}, "$bytes": "x"},
        datetime(2026, 1, 1, tzinfo=UTC),
    ],
    ids=repr,
)
async def test_a_result_comes_back_equal(store, result):
    """Whatever JSON-like it is."""

    async def body(tx):
        return result

    for _ in range(2):
        found = await manager_of(store).run(body, idempotency_key="k")
        assert found == result
        assert type(found) is type(result)


async def test_the_first_result_is_what_a_repetition_gets(store):
    """A time in UTC, and a copy of its own."""
    made = {"at": datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))}

    async def body(tx):
        return made

    first = await manager_of(store).run(body, idempotency_key="k")
    assert first == made
    assert first is not made
    assert first["at"].tzinfo is UTC


@pytest.mark.parametrize("kind", ["tuple", "object", "model", "nan", "naive"])
async def test_a_result_that_is_not_json_like_is_refused(store, kind):
    """Before anything is sent, and the path says that it is the result."""
    results = {
        "tuple": (1,),
        "object": object(),
        "model": StateSnapshot,
        "nan": float("nan"),
        "naive": datetime(2026, 1, 1),  # noqa: DTZ001 - that it is naive is the point
    }

    async def body(tx):
        await tx.save_state("g", "s", {})
        return results[kind]

    with pytest.raises(InvalidDataError) as caught:
        await manager_of(store).run(body, idempotency_key="k")
    assert caught.value.path == "result"
    assert await async_contents(store) == {}
    assert [one async for one in manager_of(store).list_transactions()] == []


async def test_an_unknown_outcome_is_found_out_under_the_same_key(place, other):
    """Applied or not: called again it was made once."""
    for fault in ("reply lost", "request lost"):
        await async_open_accounts(other, a=100, b=0)
        policy = RetryPolicy(attempts=2, wait_initial=0.0, wait_max=0.0)
        store, backend = place.faulty(fault, "request lost", retry=policy)
        backend.unread = 2
        with pytest.raises(OutcomeUnknownError):
            await manager_of(store).run(async_withdraw, idempotency_key=fault)
        assert await manager_of(store).run(async_withdraw, idempotency_key=fault) == {"taken": 100}
        assert await async_amounts(other, "a", "b") == [0, 100]


async def test_a_lost_reply_under_a_key(place, other):
    """Our own record is told from another's by the attempt in it."""
    store, _ = place.faulty("reply lost")
    assert await manager_of(store).run(async_withdraw, idempotency_key="k") == {"taken": 100}
    assert await async_amounts(other, "a", "b") == [0, 100]


async def test_anothers_record_is_not_taken_for_ours(place, other):
    """Ours was lost and theirs came first: their result is returned, and nothing of ours was written."""
    store, backend = place.faulty("request lost")
    backend.between = lambda: manager_of(other).run(partial(async_create, name="theirs"), idempotency_key="k")
    assert await manager_of(store).run(partial(async_create, name="ours"), idempotency_key="k") == "theirs"
    assert await other.find_state("g", "ours") is None


async def test_anothers_record_settles_what_was_refused_for_good(place, other):
    """Ours was lost, theirs is there, and we may write no more: ours can never be applied."""
    store, backend = place.faulty("request lost")

    async def close():
        await manager_of(other).run(partial(async_create, name="theirs"), idempotency_key="k")

        async def refuse(writes, *, timeout):
            raise StoreError("you may not write any more")

        backend.commit = refuse

    backend.between = close
    assert await manager_of(store).run(partial(async_create, name="ours"), idempotency_key="k") == "theirs"


async def test_the_look_for_the_key_takes_of_the_time(place, other):
    """When nothing of it is left, the body does not begin."""
    clock = ManualClock()
    _, backend = over(place, AsyncMeddledBackend)
    store = AsyncBackendStore(backend, clock=clock)

    async def pass_time():
        clock.advance(31)

    backend.before_reads.append(pass_time)
    runs: list[int] = []

    async def body(tx):
        runs.append(1)

    with pytest.raises(DeadlineExceededError):
        await manager_of(store).run(body, idempotency_key="k")
    assert runs == []


async def test_a_key_and_read_only_contradict_each_other(store):
    """To remember a key is to write."""
    with pytest.raises(ConfigurationError, match="key"):
        await manager_of(store).run(lambda tx: tx.find_state("g", "s"), read_only=True, idempotency_key="k")


@pytest.mark.parametrize("key", ["", 7, "x" * 481, "\ud800"])
async def test_a_key_that_is_none_is_refused(store, key):
    """As ids are."""
    with pytest.raises(InvalidIdError):
        await manager_of(store).run(lambda tx: async_put(tx, "a", 1), idempotency_key=key)
    assert await store.find_state(BANK, "a") is None
