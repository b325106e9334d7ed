"""A stale read says what changed: the document, the state that it is of, and the transaction that had read it."""

import pytest

from tai_state import RetriesExhaustedError, StaleReadError, StoreUnavailableError
from tai_state.errors import PreconditionFailedError
from tests._async.accounts import (
    BANK,
    AsyncMeddledBackend,
    AsyncPresentBackend,
    async_amount,
    async_open_accounts,
    async_put,
    manager_of,
    over,
)

STATE = f"governors/{BANK}/states/a"


@pytest.fixture
async def other(place):
    """Another writer in the same place, where an account is open."""
    store = place.store()
    await async_open_accounts(store, a=100)
    return store


def check(error, transaction_id, path=STATE):
    """The state is named in data and in words."""
    assert (error.governor_id, error.state_id, error.path) == (BANK, "a", path)
    assert error.transaction_id == transaction_id
    assert f"state 'a' of governor '{BANK}' changed after transaction {transaction_id} read it" in str(error)
    assert 0.025 <= error.retry_after <= 0.075


async def test_a_body_hears_which_state_is_stale(place, other):
    """Each time that it asks for something, and as the cause when it is given up."""
    store, _ = over(place, AsyncPresentBackend)
    seen: list[tuple[StaleReadError, str]] = []
    runs: list[int] = []

    async def body(tx):
        runs.append(1)
        await async_amount(tx, "a")
        await other.save_state(BANK, "a", {"n": len(runs)})
        # One that no attempt before has asked for, and that is younger than what was read.
        await other.save_state(BANK, f"b-{len(runs)}", {})
        for _ in range(2):
            with pytest.raises(StaleReadError) as caught:
                await tx.find_state(BANK, f"b-{len(runs)}")
            seen.append((caught.value, tx.transaction_id))
        await async_put(tx, "c", 1)

    with pytest.raises(RetriesExhaustedError) as given_up:
        await manager_of(store).run(body)
    for error, transaction_id in seen:
        check(error, transaction_id)
    assert len({id(error) for error, _ in seen}) == len(seen)
    cause = given_up.value.__cause__
    check(cause, seen[0][1])


class AsyncSilentBackend(AsyncMeddledBackend):
    """Does not tell which document made it refuse a commit, as Firestore does not."""

    async def commit(self, writes, *, timeout):
        try:
            return await super().commit(writes, timeout=timeout)
        except PreconditionFailedError as error:
            raise PreconditionFailedError from error


@pytest.mark.parametrize("kind", [AsyncMeddledBackend, AsyncSilentBackend], ids=["told", "silent"])
async def test_a_block_hears_which_state_is_stale(place, other, kind):
    """Also where the engine does not tell: one read does."""
    store, backend = over(place, kind)
    backend.before_commits.append(lambda: other.save_state(BANK, "a", {"n": 50}))
    with pytest.raises(StaleReadError) as caught:
        async with manager_of(store).begin() as tx:
            await async_put(tx, "b", await async_amount(tx, "a"))
    check(caught.value, tx.transaction_id)


class AsyncDumbBackend(AsyncSilentBackend):
    """And does not answer behind that."""

    is_silent = False

    async def commit(self, writes, *, timeout):
        try:
            return await super().commit(writes, timeout=timeout)
        except PreconditionFailedError:
            self.is_silent = True
            raise

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_silent:
            raise StoreUnavailableError("no answer")
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


async def test_a_conflict_that_nobody_can_place_is_one_all_the_same(place, other):
    """It is no other error because the store cannot say more."""
    store, backend = over(place, AsyncDumbBackend)
    backend.before_commits.append(lambda: other.save_state(BANK, "a", {"n": 50}))
    with pytest.raises(StaleReadError) as caught:
        async with manager_of(store).begin(timeout=1.0) as tx:
            await async_put(tx, "a", await async_amount(tx, "a") + 1)
    assert (caught.value.path, caught.value.governor_id, caught.value.state_id) == ("", "", "")
    assert caught.value.transaction_id == tx.transaction_id
