"""Replies that are lost: whoever asked holds the lock, or nobody does."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncMemoryStore,
    CommitAmbiguousError,
    LockConfig,
    LockError,
    LockLostError,
    LockTimeoutError,
    OutcomeUnknownError,
    PreconditionFailedError,
    StoreUnavailableError,
)
from tai_state._async.locking import acquire as granting
from tai_state._async.locking.lock import async_handle_of
from tai_state._platform.tasks import async_together
from tai_state.testing.clock import ManualClock
from tests._async.deaths import forget_every_lock
from tests._async.stores import NO_WAIT, TIMEOUT, AsyncWrappedBackend

FAULTS = [
    ("reply lost",),
    ("request lost",),
    ("request lost", "reply lost"),
    ("reply lost", "request lost", "reply lost"),
]


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.mark.parametrize("faults", FAULTS, ids=str)
async def test_a_lost_reply_of_a_grant_leaves_the_caller_with_the_lock(place, faults):
    """Taken once, under one token, and released like any other."""
    store, backend = place.faulty(*faults)
    lock = await AsyncLockManager(store).acquire("r", owner="a", heartbeat=False)
    assert (lock.fencing_token, lock.held) == (1, True)
    assert len({repr(writes) for writes in backend.sent}) == 1, "only the identical commit is sent again"
    await lock.renew()
    await lock.release()
    others = AsyncLockManager(place.store())
    assert (await others.acquire("r", owner="b", timeout=0)).fencing_token == 2


@pytest.mark.parametrize("faults", FAULTS, ids=str)
async def test_a_lost_reply_of_many_grants_leaves_the_caller_with_all(place, faults):
    """Or with none."""
    store, _ = place.faulty(*faults)
    many = await AsyncLockManager(store).acquire_many(["a", "b", "c"], owner="a", heartbeat=False)
    assert many.held
    await many.renew()
    await many.release()


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
@pytest.mark.parametrize("what", ["renew", "release"])
async def test_a_lost_reply_of_a_renewal_or_a_release_is_settled(place, fault, what):
    """Each happens once, and the caller hears nothing of it."""
    store, backend = place.faulty()
    lock = await AsyncLockManager(store).acquire("r", owner="a", heartbeat=False)
    for _ in range(2):
        backend.faults.append(fault)
        await lock.renew()
    assert async_handle_of(lock).lease.renewals == 2
    backend.faults.append(fault)
    await getattr(lock, what)()
    assert lock.held is (what == "renew")
    assert not lock.lost


class AsyncUnheardBackend(AsyncWrappedBackend):
    """Once *is_on*, the first commit lands and nobody hears of it while it *is_mute*; then one request is lost."""

    def __init__(self, inner, clock):
        super().__init__(inner)
        self.clock = clock
        self.is_on = self.is_mute = self.has_landed = self.is_lost = False

    async def commit(self, writes, *, timeout):
        if self.is_on and not self.has_landed:
            self.has_landed = self.is_mute = True
            await super().commit(writes, timeout=timeout)
        if self.is_mute or self.is_lost:
            self.is_lost = False
            self.clock.advance(0.1)
            raise CommitAmbiguousError("no reply")
        return await super().commit(writes, timeout=timeout)


async def test_a_renewal_that_a_read_has_told_lasts_from_when_it_landed():
    """It may be an earlier one of the same number: the store counts from that, and so does the holder."""
    clock = ManualClock()
    backend = AsyncUnheardBackend(AsyncMemoryStore(clock=clock).runtime.access.backend, clock)
    store = AsyncBackendStore(backend, clock=clock, retry=NO_WAIT)
    lock = await AsyncLockManager(store, LockConfig(ttl=30.0)).acquire("r", owner="a", heartbeat=False)
    backend.is_on = True
    with pytest.raises(OutcomeUnknownError):
        await lock.renew(timeout=1.0)
    clock.advance(10.0)
    backend.is_mute, backend.is_lost = False, True
    await lock.renew()
    assert async_handle_of(lock).lease.renewals == 1
    assert 15.0 < async_handle_of(lock).remaining() <= 20.0


async def test_a_lost_reply_of_a_release_is_no_theft(place):
    """Though somebody else has the lock by the time that anybody looks."""
    store, backend = place.faulty()
    lock = await AsyncLockManager(store).acquire("r", owner="a", heartbeat=False)
    told: list[str] = []
    lock.on_lost(told.append)

    async def take():
        await AsyncLockManager(place.store()).acquire("r", owner="b", timeout=0, heartbeat=False)

    backend.faults.append("reply lost")
    backend.between = take
    await lock.release()
    assert (lock.held, lock.lost, told) == (False, False, [])


async def test_of_two_releases_at_once_one_is_told(place):
    """One of them frees the lock; to the other it is released already."""
    lock = await AsyncLockManager(place.store()).acquire("r", owner="a")
    told: list[str] = []

    async def release():
        try:
            await lock.release()
        except LockLostError as error:
            told.append(error.reason)

    await async_together([release, release])
    assert (told, lock.lost) == (["released"], False)
    assert (await AsyncLockManager(place.store()).acquire("r", owner="b", timeout=0)).fencing_token == 2


class AsyncMuteBackend(AsyncWrappedBackend):
    """Applies a commit and loses every reply; then it answers nothing at all, while time passes on its ``clock``."""

    def __init__(self, inner, *, applies=True):
        super().__init__(inner)
        self.is_mute = True
        self.applies = applies
        self.commits = 0
        self.clock = ManualClock()

    async def commit(self, writes, *, timeout):
        if not self.is_mute:
            return await super().commit(writes, timeout=timeout)
        self.commits += 1
        if self.applies and self.commits == 1:
            await super().commit(writes, timeout=TIMEOUT)
        self.clock.advance(0.1)
        raise CommitAmbiguousError("no reply")

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_mute and self.commits:
            self.clock.advance(0.1)
            raise StoreUnavailableError("no reply")
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@pytest.mark.parametrize("applies", [True, False])
async def test_a_grant_of_which_nobody_knows_is_a_typed_error(place, monkeypatch, applies):
    """And ends with its ttl, since nobody renews it: the next one gets the lock."""
    monkeypatch.setattr(granting, "GIVE_BACK_SECONDS", 0.1)
    backend = AsyncMuteBackend(place.store().runtime.access.backend, applies=applies)
    store = AsyncBackendStore(backend, clock=backend.clock, retry=NO_WAIT)
    with pytest.raises(LockTimeoutError) as caught:
        await AsyncLockManager(store, LockConfig(ttl=0.5)).acquire("r", owner="a", timeout=0.1)
    assert isinstance(caught.value, LockError)
    assert isinstance(caught.value.__cause__, OutcomeUnknownError)
    assert "ends by itself" in str(caught.value.__cause__)
    assert store.runtime.locks.held() == []
    others = AsyncLockManager(place.store())
    assert (await others.acquire("r", owner="a", timeout=60)).fencing_token == 1 + applies


class AsyncRecoveringBackend(AsyncMuteBackend):
    """Answers reads again, and then everything."""

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.commits:
            self.is_mute = False
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


async def test_a_grant_of_which_nobody_knew_is_taken_back_when_the_store_answers(place):
    """It does not even wait for its ttl."""
    backend = AsyncRecoveringBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend, clock=backend.clock, retry=NO_WAIT)
    with pytest.raises(LockTimeoutError):
        await AsyncLockManager(store, LockConfig(ttl=60.0)).acquire("r", owner="a", timeout=0.1)
    assert (await AsyncLockManager(place.store()).acquire("r", owner="b", timeout=0)).fencing_token == 2


class AsyncBrokenBackend(AsyncWrappedBackend):
    """Applies the first commit, and ends it with an error that no backend should raise."""

    async def commit(self, writes, *, timeout):
        result = await super().commit(writes, timeout=timeout)
        if not self.is_broken:
            return result
        self.is_broken = False
        raise LookupError("a bug")

    is_broken = True


async def test_a_grant_that_ends_in_a_bug_is_taken_back(place):
    """Nobody has the lock whose caller was told of something else."""
    store = AsyncBackendStore(AsyncBrokenBackend(place.store().runtime.access.backend), retry=NO_WAIT)
    with pytest.raises(LookupError):
        await AsyncLockManager(store).acquire("r", owner="a", heartbeat=False)
    assert (await AsyncLockManager(place.store()).acquire("r", owner="b", timeout=0)).fencing_token == 2


@pytest.mark.parametrize("rival", ["b", "a"], ids=["another", "a namesake"])
async def test_a_rival_that_was_faster_is_waited_for(place, rival):
    """A conflict between the read and the commit is looked at again, not raised; a name alone makes no lock ours."""
    others = AsyncLockManager(place.store())
    store, backend = place.faulty("request lost")

    async def take():
        await others.acquire("r", owner=rival, ttl=0.5, heartbeat=False)
        # As a process that has ended since: in this one a namesake would be the same owner.
        others.store.runtime.locks.forget_all()

    backend.between = take
    lock = await AsyncLockManager(store).acquire("r", owner="a", timeout=60)
    assert lock.fencing_token == 2


async def test_a_grant_that_arrives_late_is_refused(place):
    """Its place was taken: a lost request that is delivered later changes nothing."""
    others = AsyncLockManager(place.store())
    store, backend = place.faulty("late")

    async def take():
        await (await others.acquire("r", owner="b", heartbeat=False)).release()

    backend.between = take
    late = backend.sent
    lock = await AsyncLockManager(store).acquire("r", owner="a", timeout=60, heartbeat=False)
    assert lock.fencing_token == 2
    backend.sent = late[:1]
    with pytest.raises(PreconditionFailedError):
        await backend.deliver()
    found = await others.inspect("r")
    assert found is not None
    assert (found.holder, found.fencing_token) == ("a", 2)
