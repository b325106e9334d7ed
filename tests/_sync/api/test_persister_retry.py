# Generated from tests/_async/api/test_persister_retry.py by .ci/generate_sync.py; do not edit.
"""``PersistenceConfig(retry=)``: a persister's own attempts and total time, whatever the store's are."""
from collections.abc import Callable
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    StateMachinePersister,
    DeadlineExceededError,
    PersistenceConfig,
    RetriesExhaustedError,
    RetryPolicy,
    StoreUnavailableError,
    TransitionRequest,
)
from tai_state.documents import Delete
from tai_state.errors import PreconditionFailedError
from tai_state.layout import state_layout
from tai_state.testing.clock import ManualClock
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, WrappedBackend

ATTEMPTS = 3
SECONDS = 2.0
STORES = RetryPolicy(attempts=7, wait_initial=0.0, wait_max=0.0, deadline=50.0)
FEW = PersistenceConfig(retry=RetryPolicy(attempts=ATTEMPTS, wait_initial=0.0, wait_max=0.0, deadline=50.0))
SHORT = PersistenceConfig(retry=RetryPolicy(wait_initial=0.0, wait_max=0.0, deadline=SECONDS))


class FailingBackend(WrappedBackend):
    """Fails what it is told to; each failure takes half a second of its clock."""

    def __init__(self, inner):
        super().__init__(inner)
        self.clock = ManualClock()
        self.fails: dict[str, type[Exception]] = {}
        self.failed = 0

    def _ask(self, name):
        if name in self.fails:
            self.failed += 1
            self.clock.advance(0.5)
            raise self.fails[name]

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self._ask("read")
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def scan(self, collection, **options):
        self._ask("scan")
        for document in super().scan(collection, **options):
            yield document

    def commit(self, writes, *, timeout):
        self._ask("commit")
        return super().commit(writes, timeout=timeout)


class SlowBackend(WrappedBackend):
    """Takes a second and a half for each call, by the clock of its store."""

    inner: Any

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.inner.clock.advance(1.5)
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def commit(self, writes, *, timeout):
        self.inner.clock.advance(1.5)
        return super().commit(writes, timeout=timeout)


def many(persister, **options):
    (outcome,) = persister.transition_many([TransitionRequest("g", "s", "add")], **options)
    raise outcome


CHANGES: dict[str, Callable[..., Any]] = {
    "start": lambda one, **options: one.start("g", "new", **options),
    "start with dependencies": lambda one, **options: one.start("g", "new", depends_on=["s"], **options),
    "transition": lambda one, **options: one.transition("g", "s", "add", **options),
    "update_status": lambda one, **options: one.update_status("g", "s", "shut", **options),
    "transition_many": many,
    "log_transition": lambda one, **options: one.log_transition("g", "s", "a", to_status="shut", data={}, **options),
    "rollback": lambda one, **options: one.rollback("g", "s", 1, **options),
}
READS: dict[str, Callable[..., Any]] = {
    "load_state": lambda one, **options: one.load_state("g", "s", **options),
    "get_snapshot": lambda one, **options: one.get_snapshot("g", "s", 1, **options),
    "create_snapshot": lambda one, **options: one.create_snapshot("g", "s", **options),
    "replay": lambda one, **options: one.replay("g", "s", **options),
    "rollback": CHANGES["rollback"],
}
each_change = pytest.mark.parametrize("call", CHANGES.values(), ids=CHANGES)
each_read = pytest.mark.parametrize("call", READS.values(), ids=READS)


@pytest.fixture
def backend(place):
    """A backend that works until it is told to fail, with a state in it."""
    store = place.store()
    StateMachinePersister(store, COUNTER).start("g", "s", {"n": 0})
    return FailingBackend(store.runtime.access.backend)


def persister_of(backend, config):
    store = BackendStore(backend, actor="tester", retry=STORES, clock=backend.clock)
    return StateMachinePersister(store, COUNTER, config)


@each_change
@pytest.mark.parametrize("failure", [StoreUnavailableError, PreconditionFailedError])
def test_a_change_has_the_attempts_of_its_persister(backend, call, failure):
    """Whether the store fails or somebody else is first each time; the error counts them."""
    backend.fails = {"commit": failure}
    with pytest.raises(RetriesExhaustedError) as caught:
        call(persister_of(backend, FEW))
    assert backend.failed == caught.value.attempts == ATTEMPTS
    assert isinstance(caught.value.__cause__, failure)


@each_read
def test_a_read_has_the_attempts_of_its_persister(backend, call):
    """Also the read that a change begins with."""
    backend.fails = {"read": StoreUnavailableError}
    with pytest.raises(RetriesExhaustedError) as caught:
        call(persister_of(backend, FEW))
    assert backend.failed == caught.value.attempts == ATTEMPTS


def test_a_change_that_rebuilds_its_state_has_the_attempts_of_its_persister(backend):
    """What its log is asked for is asked by the same policy."""
    backend.inner.commit([Delete(state_layout("g", "s").state)], timeout=TIMEOUT)
    backend.fails = {"scan": StoreUnavailableError}
    with pytest.raises(RetriesExhaustedError) as caught:
        persister_of(backend, FEW).transition("g", "s", "add")
    assert backend.failed == caught.value.attempts == ATTEMPTS


@each_change
@pytest.mark.parametrize("failure", [StoreUnavailableError, PreconditionFailedError])
def test_a_change_has_the_total_time_of_its_persister(backend, call, failure):
    """All attempts together, as the clock of the store has it; a timeout of the call goes first."""
    backend.fails = {"commit": failure}
    persister = persister_of(backend, SHORT)
    for options, seconds in (({}, SECONDS), ({"timeout": 1.0}, 1.0)):
        began = backend.clock.monotonic()
        with pytest.raises(DeadlineExceededError):
            call(persister, **options)
        assert seconds <= backend.clock.monotonic() - began < seconds + 0.5


@each_read
def test_a_read_has_the_total_time_of_its_persister(backend, call):
    """As a change has."""
    backend.fails = {"read": StoreUnavailableError}
    began = backend.clock.monotonic()
    with pytest.raises(DeadlineExceededError):
        call(persister_of(backend, SHORT))
    assert SECONDS <= backend.clock.monotonic() - began < SECONDS + 0.5


def test_a_rollback_has_one_total_time(backend):
    """What its read of the old version took is not given to its commit again."""
    store = BackendStore(SlowBackend(backend), actor="tester", retry=STORES, clock=backend.clock)
    persister = StateMachinePersister(store, COUNTER, SHORT)
    began = backend.clock.monotonic()
    with pytest.raises(DeadlineExceededError):
        persister.rollback("g", "s", 1)
    assert backend.clock.monotonic() - began <= SECONDS + 1.5


def test_without_one_of_its_own_a_persister_has_the_stores(backend):
    """As every other user of the store."""
    backend.fails = {"commit": StoreUnavailableError}
    with pytest.raises(RetriesExhaustedError) as caught:
        persister_of(backend, PersistenceConfig()).transition("g", "s", "add")
    assert caught.value.attempts == 7


def test_a_persister_leaves_the_policy_of_its_store(backend):
    """Its own is nobody else's: the store goes on as it was."""
    persister = persister_of(backend, FEW)
    backend.fails = {"commit": StoreUnavailableError}
    with pytest.raises(RetriesExhaustedError) as caught:
        persister.store.save_state("g", "s", {})
    assert caught.value.attempts == 7
