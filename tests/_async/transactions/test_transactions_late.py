"""A body that ran until its time was over: what it raised is what its caller hears, once the store bears it out."""

import pytest

from tai_state import AsyncBackendStore, AsyncTransactionManager, DeadlineExceededError, VersionConflictError
from tai_state.documents import Capability
from tai_state.errors import StoreUnavailableError
from tai_state.testing.clock import ManualClock
from tests._async.accounts import AsyncTearingBackend

KEYS = pytest.mark.parametrize("key", [None, "k"])


class Refused(Exception):  # noqa: N818 - what a body says
    """What a body of these tests raises."""


@pytest.fixture
async def clock():
    """The clock of the callers; a body lets it run."""
    return ManualClock()


@KEYS
async def test_what_a_late_body_raises_passes(place, clock, key):
    """With a key as without one."""
    store, _ = place.counting(clock=clock)

    async def body(tx):
        await tx.find_state("g", "s")
        clock.advance(60)
        raise Refused

    with pytest.raises(Refused):
        await AsyncTransactionManager(store).run(body, timeout=5, idempotency_key=key)


@KEYS
async def test_what_a_late_body_raises_behind_a_state_that_it_made_passes(place, clock, key):
    """Whether that one never was is asked in the moment more that it gets."""
    store, _ = place.counting(clock=clock)

    async def body(tx):
        await tx.save_state("g", "s", {})
        clock.advance(60)
        raise Refused

    with pytest.raises(Refused):
        await AsyncTransactionManager(store).run(body, timeout=5, idempotency_key=key)
    assert not await store.exists("g", "s")


@KEYS
async def test_a_late_bodys_own_deadline_keeps_its_cause(place, clock, key):
    """Time was over in a read of it: that error passes, with what kept the store from answering."""
    store, backend = place.faulty(clock=clock)

    async def away(paths, **options):
        clock.advance(60)
        raise StoreUnavailableError

    async def body(tx):
        await tx.find_state("g", "s")
        backend.get_many = away
        await tx.find_state("g", "t")

    with pytest.raises(DeadlineExceededError) as caught:
        await AsyncTransactionManager(store).run(body, timeout=5, idempotency_key=key)
    assert isinstance(caught.value.__cause__, StoreUnavailableError)


async def test_what_cannot_be_held_against_the_store_is_behind_its_error(place, clock):
    """The store does not answer any more: that is no verdict, and what the body raised is not lost."""
    store, backend = place.faulty(clock=clock)

    async def away(paths, **options):
        clock.advance(60)
        raise StoreUnavailableError

    async def body(tx):
        await tx.find_state("g", "s")
        backend.get_many = away
        raise Refused

    with pytest.raises(DeadlineExceededError) as caught:
        await AsyncTransactionManager(store).run(body, timeout=5, idempotency_key="k")
    seen: list[type[BaseException]] = []
    behind: BaseException | None = caught.value
    while behind is not None:
        seen.append(type(behind))
        behind = behind.__cause__ or behind.__context__
    assert Refused in seen


async def test_a_keyed_refusal_that_cannot_be_confirmed_is_behind_the_error(place, clock, monkeypatch):
    """Of a batch that may be torn: the deadline's error has what the change was refused for."""
    backend = AsyncTearingBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend, actor="tester", clock=clock)
    await store.save_state("g", "s", {})
    get_many = backend.get_many

    async def late(paths, *, timeout, consistent=True):
        if consistent and len(paths) > 1:
            clock.advance(60)
            raise StoreUnavailableError
        return await get_many(paths, timeout=timeout, consistent=consistent)

    monkeypatch.setattr(backend, "get_many", late)
    cold = AsyncBackendStore(backend, actor="tester", clock=clock)
    with pytest.raises(DeadlineExceededError) as caught:
        await cold.update_state("g", "s", {}, 7, idempotency_key="k", timeout=5)
    assert caught.value.__cause__ is not None


async def test_a_keyed_refusal_is_read_again_only_where_batches_may_be_torn(place):
    """A batch of a steady engine need not be read again; one that may be torn is, as of one moment."""
    store, backend = place.counting()
    reads = 1 if Capability.STEADY_READS in backend.capabilities else 2
    await store.save_state("g", "s", {})
    store.runtime.writer.heads.begin_anew()
    backend.taken()
    with pytest.raises(VersionConflictError):
        await store.update_state("g", "s", {}, 7, idempotency_key="k")
    assert backend.taken() == ["get_many"] * reads
