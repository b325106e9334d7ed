# Generated from tests/_async/transactions/test_transactions_conflicts.py by .ci/generate_sync.py; do not edit.
"""What a run does about its conflicts: how long it waits, which states it takes for contended, and what it tells."""
from types import SimpleNamespace

import pytest

from tai_state import (
    BackendStore,
    DeadlineExceededError,
    PreconditionFailedError,
    RetryPolicy,
    StaleReadError,
    StoreUnavailableError,
)
from tai_state._sync.transactions.run import Run
from tai_state.clock import Deadline
from tai_state.documents import DocumentPath
from tai_state.testing.clock import ManualClock
from tests._sync.accounts import BANK, MeddledBackend, open_accounts, put, manager_of
from tests._sync.stores import NO_WAIT, in_memory

A, B, C = (DocumentPath("governors/g/states", name) for name in "abc")


def body(attempt):
    """Do nothing."""


@pytest.fixture
def run(place):
    """A run that waits two seconds between its attempts, where it waits."""
    runtime = place.store().runtime
    policy = RetryPolicy(attempts=9, wait_initial=2.0, wait_max=2.0)
    return Run(
        runtime,
        body,
        policy=policy,
        deadline=Deadline(runtime.access.clock, 600.0),
        guarding=None,
        record_ttl=None,
    )


@in_memory
@pytest.mark.parametrize(("attempts", "waits"), [(1, False), (2, True), (3, True), (4, False), (5, False)])
def test_who_has_his_turn_does_not_wait(run, attempts, waits):
    """From the first conflict, and in the queue from the third: others would wait for him."""
    state = SimpleNamespace(attempt_number=attempts, outcome=None)
    wait = run._wait(state)
    assert (wait > 0) is waits
    assert wait >= 0


@in_memory
@pytest.mark.parametrize(
    ("error", "told", "contended"),
    [
        (PreconditionFailedError("it was", path=str(B)), None, {B}),
        (PreconditionFailedError("it was", path=str(B)), A, {B}),
        (PreconditionFailedError("it was", path="another"), A, {C}),
        (PreconditionFailedError("it was"), A, {C}),
        (StaleReadError(str(A)), A, {A}),
        (StaleReadError(str(A)), None, {C}),
    ],
    ids=str,
)
def test_what_another_writer_changed_is_contended(run, error, told, contended):
    """Where nobody tells what that was, it is what the run writes."""
    run._last = SimpleNamespace(conflict=told, read=[A, B], states_written={C})
    run._note_conflict(error)
    assert run._conflicts == contended


@in_memory
@pytest.mark.parametrize("is_slow", [True, False], ids=["the store is slow", "the time is over"])
def test_a_deadline_that_ends_behind_conflicts_says_so(place, is_slow):
    """From the conflict; in which attempt, where the store did not answer any more."""
    clock = ManualClock()
    other = place.store()
    open_accounts(other, a=1)
    backend = MeddledBackend(other.runtime.access.backend)
    store = BackendStore(backend, clock=clock)

    def meddle():
        other.save_state(BANK, "a", {"n": 3})
        if not is_slow:
            clock.advance(99)

    def fail():
        clock.advance(99)
        raise StoreUnavailableError

    def body(tx):
        put(tx, "a", 2)

    backend.before_commits += [meddle, fail]
    with pytest.raises(DeadlineExceededError) as caught:
        manager_of(store, NO_WAIT).run(body)
    assert ("over in attempt 2 of a transaction, after conflicts" in str(caught.value)) is is_slow
    assert isinstance(caught.value.__cause__, PreconditionFailedError)
