"""After how many seconds to call again: a number on every error that says that it helps."""

import pickle

import pytest

from tai_state import errors
from tai_state.errors import OutcomeUnknownError, StoreUnavailableError
from tests.unit.values.test_errors import ALL, SAMPLES

SECONDS = {
    "ConflictError": 0.01,
    "PreconditionFailedError": 0.01,
    "StaleReadError": 0.05,
    "RetriesExhaustedError": 0.05,
    "DeadlockError": 0.1,
    "PreparedError": 0.1,
    "StoreUnavailableError": 0.5,
    "CommitAmbiguousError": 0.5,
    "StoreClosedError": 0.5,
    "DeadlineExceededError": 1.0,
    "LockTimeoutError": 1.0,
}
"""Of every class that may be tried again, about: there is jitter."""


def test_every_class_that_may_be_tried_again_is_here():
    """A new one needs its number."""
    assert SECONDS.keys() == {name for name, kind in ALL.items() if kind.retryable}


def wait_of(error: errors.TaiStateError) -> float:
    assert error.retry_after is not None
    return error.retry_after


@pytest.mark.parametrize("name", SECONDS)
def test_an_error_that_may_be_tried_again_says_when(name):
    """Within half of the number and one and a half of it; another one says another time."""
    kind = type(SAMPLES[name])
    args = {
        "RetriesExhaustedError": (5,),
        "LockTimeoutError": ("r", "ann"),
        "DeadlockError": (["a", "a"],),
        "PreparedError": ("g", "s", "t", ""),
    }
    waits = [wait_of(kind(*args.get(name, ("message",)))) for _ in range(100)]
    assert all(SECONDS[name] * 0.5 <= wait <= SECONDS[name] * 1.5 for wait in waits)
    assert len(set(waits)) > 50
    assert max(waits) - min(waits) > SECONDS[name] / 2


@pytest.mark.parametrize("name", sorted(set(ALL) - set(SECONDS)))
def test_an_error_that_is_for_good_says_no_time(name):
    """Nobody is told to wait for what will not change."""
    assert SAMPLES[name].retry_after is None


def test_an_unknown_outcome_says_when_under_a_key():
    """As a store that did not answer; without a key never."""
    assert OutcomeUnknownError("t").retry_after is None
    assert 0.25 <= wait_of(OutcomeUnknownError("t", retryable=True)) <= 0.75


@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_what_the_engine_asked_for_is_what_is_said(seconds):
    """Exactly: it knows."""
    error = StoreUnavailableError(retry_after=seconds)
    assert (error.retry_after, error.asked_seconds) == (seconds, seconds)
    assert StoreUnavailableError().asked_seconds is None


@pytest.mark.parametrize("error", SAMPLES.values(), ids=SAMPLES)
def test_the_time_of_an_error_does_not_change(error):
    """However often it is asked, and wherever it goes."""
    assert error.retry_after == error.retry_after == pickle.loads(pickle.dumps(error)).retry_after


def test_an_error_of_a_users_own_needs_no_constructor_of_ours():
    """One that forgets to call it can still be asked."""

    class OwnError(errors.StoreUnavailableError):
        def __init__(self) -> None:
            """Call nobody."""

    assert OwnError().retry_after == 0.5
