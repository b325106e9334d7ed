# Generated from tests/_async/locking/test_locks_faults.py by .ci/generate_sync.py; do not edit.
"""Replies that are lost: whoever asked holds the lock, or nobody does."""
import pytest

from tai_state import (
    BackendStore,
    LockManager,
    MemoryStore,
    CommitAmbiguousError,
    LockConfig,
    LockError,
    LockLostError,
    LockTimeoutError,
    OutcomeUnknownError,
    PreconditionFailedError,
    StoreUnavailableError,
)
from tai_state._sync.locking import acquire as granting
from tai_state._sync.locking.lock import handle_of
from tai_state._platform.tasks import together
from tai_state.testing.clock import ManualClock
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import NO_WAIT, TIMEOUT, WrappedBackend

FAULTS = [
    ("reply lost",),
    ("request lost",),
    ("request lost", "reply lost"),
    ("reply lost", "request lost", "reply lost"),
]


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.mark.parametrize("faults", FAULTS, ids=str)
def test_a_lost_reply_of_a_grant_leaves_the_caller_with_the_lock(place, faults):
    """Taken once, under one token, and released like any other."""
    store, backend = place.faulty(*faults)
    lock = LockManager(store).acquire("r", owner="a", heartbeat=False)
    assert (lock.fencing_token, lock.held) == (1, True)
    assert len({repr(writes) for writes in backend.sent}) == 1, "only the identical commit is sent again"
    lock.renew()
    lock.release()
    others = LockManager(place.store())
    assert (others.acquire("r", owner="b", timeout=0)).fencing_token == 2


@pytest.mark.parametrize("faults", FAULTS, ids=str)
def test_a_lost_reply_of_many_grants_leaves_the_caller_with_all(place, faults):
    """Or with none."""
    store, _ = place.faulty(*faults)
    many = LockManager(store).acquire_many(["a", "b", "c"], owner="a", heartbeat=False)
    assert many.held
    many.renew()
    many.release()


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
@pytest.mark.parametrize("what", ["renew", "release"])
def test_a_lost_reply_of_a_renewal_or_a_release_is_settled(place, fault, what):
    """Each happens once, and the caller hears nothing of it."""
    store, backend = place.faulty()
    lock = LockManager(store).acquire("r", owner="a", heartbeat=False)
    for _ in range(2):
        backend.faults.append(fault)
        lock.renew()
    assert handle_of(lock).lease.renewals == 2
    backend.faults.append(fault)
    getattr(lock, what)()
    assert lock.held is (what == "renew")
    assert not lock.lost


class UnheardBackend(WrappedBackend):
    """Once *is_on*, the first commit lands and nobody hears of it while it *is_mute*; then one request is lost."""

    def __init__(self, inner, clock):
        super().__init__(inner)
        self.clock = clock
        self.is_on = self.is_mute = self.has_landed = self.is_lost = False

    def commit(self, writes, *, timeout):
        if self.is_on and not self.has_landed:
            self.has_landed = self.is_mute = True
            super().commit(writes, timeout=timeout)
        if self.is_mute or self.is_lost:
            self.is_lost = False
            self.clock.advance(0.1)
            raise CommitAmbiguousError("no reply")
        return super().commit(writes, timeout=timeout)


def test_a_renewal_that_a_read_has_told_lasts_from_when_it_landed():
    """It may be an earlier one of the same number: the store counts from that, and so does the holder."""
    clock = ManualClock()
    backend = UnheardBackend(MemoryStore(clock=clock).runtime.access.backend, clock)
    store = BackendStore(backend, clock=clock, retry=NO_WAIT)
    lock = LockManager(store, LockConfig(ttl=30.0)).acquire("r", owner="a", heartbeat=False)
    backend.is_on = True
    with pytest.raises(OutcomeUnknownError):
        lock.renew(timeout=1.0)
    clock.advance(10.0)
    backend.is_mute, backend.is_lost = False, True
    lock.renew()
    assert handle_of(lock).lease.renewals == 1
    assert 15.0 < handle_of(lock).remaining() <= 20.0


def test_a_lost_reply_of_a_release_is_no_theft(place):
    """Though somebody else has the lock by the time that anybody looks."""
    store, backend = place.faulty()
    lock = LockManager(store).acquire("r", owner="a", heartbeat=False)
    told: list[str] = []
    lock.on_lost(told.append)

    def take():
        LockManager(place.store()).acquire("r", owner="b", timeout=0, heartbeat=False)

    backend.faults.append("reply lost")
    backend.between = take
    lock.release()
    assert (lock.held, lock.lost, told) == (False, False, [])


def test_of_two_releases_at_once_one_is_told(place):
    """One of them frees the lock; to the other it is released already."""
    lock = LockManager(place.store()).acquire("r", owner="a")
    told: list[str] = []

    def release():
        try:
            lock.release()
        except LockLostError as error:
            told.append(error.reason)

    together([release, release])
    assert (told, lock.lost) == (["released"], False)
    assert (LockManager(place.store()).acquire("r", owner="b", timeout=0)).fencing_token == 2


class MuteBackend(WrappedBackend):
    """Applies a commit and loses every reply; then it answers nothing at all, while time passes on its ``clock``."""

    def __init__(self, inner, *, applies=True):
        super().__init__(inner)
        self.is_mute = True
        self.applies = applies
        self.commits = 0
        self.clock = ManualClock()

    def commit(self, writes, *, timeout):
        if not self.is_mute:
            return super().commit(writes, timeout=timeout)
        self.commits += 1
        if self.applies and self.commits == 1:
            super().commit(writes, timeout=TIMEOUT)
        self.clock.advance(0.1)
        raise CommitAmbiguousError("no reply")

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_mute and self.commits:
            self.clock.advance(0.1)
            raise StoreUnavailableError("no reply")
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@pytest.mark.parametrize("applies", [True, False])
def test_a_grant_of_which_nobody_knows_is_a_typed_error(place, monkeypatch, applies):
    """And ends with its ttl, since nobody renews it: the next one gets the lock."""
    monkeypatch.setattr(granting, "GIVE_BACK_SECONDS", 0.1)
    backend = MuteBackend(place.store().runtime.access.backend, applies=applies)
    store = BackendStore(backend, clock=backend.clock, retry=NO_WAIT)
    with pytest.raises(LockTimeoutError) as caught:
        LockManager(store, LockConfig(ttl=0.5)).acquire("r", owner="a", timeout=0.1)
    assert isinstance(caught.value, LockError)
    assert isinstance(caught.value.__cause__, OutcomeUnknownError)
    assert "ends by itself" in str(caught.value.__cause__)
    assert store.runtime.locks.held() == []
    others = LockManager(place.store())
    assert (others.acquire("r", owner="a", timeout=60)).fencing_token == 1 + applies


class RecoveringBackend(MuteBackend):
    """Answers reads again, and then everything."""

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.commits:
            self.is_mute = False
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


def test_a_grant_of_which_nobody_knew_is_taken_back_when_the_store_answers(place):
    """It does not even wait for its ttl."""
    backend = RecoveringBackend(place.store().runtime.access.backend)
    store = BackendStore(backend, clock=backend.clock, retry=NO_WAIT)
    with pytest.raises(LockTimeoutError):
        LockManager(store, LockConfig(ttl=60.0)).acquire("r", owner="a", timeout=0.1)
    assert (LockManager(place.store()).acquire("r", owner="b", timeout=0)).fencing_token == 2


class BrokenBackend(WrappedBackend):
    """Applies the first commit, and ends it with an error that no backend should raise."""

    def commit(self, writes, *, timeout):
        result = super().commit(writes, timeout=timeout)
        if not self.is_broken:
            return result
        self.is_broken = False
        raise LookupError("a bug")

    is_broken = True


def test_a_grant_that_ends_in_a_bug_is_taken_back(place):
    """Nobody has the lock whose caller was told of something else."""
    store = BackendStore(BrokenBackend(place.store().runtime.access.backend), retry=NO_WAIT)
    with pytest.raises(LookupError):
        LockManager(store).acquire("r", owner="a", heartbeat=False)
    assert (LockManager(place.store()).acquire("r", owner="b", timeout=0)).fencing_token == 2


@pytest.mark.parametrize("rival", ["b", "a"], ids=["another", "a namesake"])
def test_a_rival_that_was_faster_is_waited_for(place, rival):
    """A conflict between the read and the commit is looked at again, not raised; a name alone makes no lock ours."""
    others = LockManager(place.store())
    store, backend = place.faulty("request lost")

    def take():
        others.acquire("r", owner=rival, ttl=0.5, heartbeat=False)
        # As a process that has ended since: in this one a namesake would be the same owner.
        others.store.runtime.locks.forget_all()

    backend.between = take
    lock = LockManager(store).acquire("r", owner="a", timeout=60)
    assert lock.fencing_token == 2


def test_a_grant_that_arrives_late_is_refused(place):
    """Its place was taken: a lost request that is delivered later changes nothing."""
    others = LockManager(place.store())
    store, backend = place.faulty("late")

    def take():
        (others.acquire("r", owner="b", heartbeat=False)).release()

    backend.between = take
    late = backend.sent
    lock = LockManager(store).acquire("r", owner="a", timeout=60, heartbeat=False)
    assert lock.fencing_token == 2
    backend.sent = late[:1]
    with pytest.raises(PreconditionFailedError):
        backend.deliver()
    found = others.inspect("r")
    assert found is not None
    assert (found.holder, found.fencing_token) == ("a", 2)
