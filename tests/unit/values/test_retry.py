"""The retry policy: bounded in attempts and in time, with full jitter."""

import random
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state._sync.access.retry import retry
from tai_state.clock import Deadline
from tai_state.errors import (
    ConfigurationError,
    DeadlineExceededError,
    DeadlockError,
    RetriesExhaustedError,
    StaleReadError,
    StoreError,
    StoreUnavailableError,
)
from tai_state.retry import RetryPolicy
from tai_state.testing.clock import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


def state(attempt, error=None):
    """Return what tenacity hands to a wait or a stop."""
    outcome = None if error is None else SimpleNamespace(exception=lambda: error)
    return SimpleNamespace(attempt_number=attempt, outcome=outcome)


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": -1},
        {"wait_initial": -0.1},
        {"wait_initial": 2.0, "wait_max": 1.0},
        {"wait_initial": float("nan")},
        {"wait_max": float("nan")},
        {"deadline": 0},
        {"deadline": -1},
        {"deadline": float("inf")},
        {"deadline": float("nan")},
        {"attempt_timeout": 0},
        {"attempt_timeout": float("inf")},
        {"deadline": 10**5000},
        {"attempts": -(10**5000)},
        {"attempt_timeout": 1e12},
        {"wait_max": float("inf")},
        {"wait_max": 10**5000},
    ],
    ids="-".join,
)
def test_a_policy_that_cannot_work_is_refused(options):
    """When it is made, not when it is used."""
    with pytest.raises(ConfigurationError):
        RetryPolicy(**options)


@pytest.mark.parametrize(
    ("timeout", "seconds"), [(None, 30.0), (5, 5.0), (0.25, 0.25), (timedelta(minutes=2), 120.0)], ids=str
)
def test_a_deadline_begins_with_the_call(clock, timeout, seconds):
    """The timeout given, or else the policy's."""
    deadline = RetryPolicy().begin(clock, timeout)
    assert (deadline.seconds, deadline.remaining()) == (seconds, seconds)
    clock.advance(seconds)
    assert (deadline.passed, deadline.remaining()) == (True, 0.0)


@pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan"), True, "5", timedelta(0), timedelta(-1)], ids=str)
def test_what_is_no_timeout_is_refused(clock, wrong):
    """Zero, too: nothing can be done in no time."""
    with pytest.raises(ConfigurationError, match="timeout"):
        RetryPolicy().begin(clock, wrong)


def test_an_attempt_gets_what_is_left_and_no_more(clock):
    """At most attempt_timeout, at most the rest, and none when nothing is left."""
    policy = RetryPolicy(attempt_timeout=4)
    deadline = policy.begin(clock, 10)
    assert policy.attempt_seconds(deadline) == 4
    clock.advance(7)
    assert policy.attempt_seconds(deadline) == 3
    clock.advance(3)
    with pytest.raises(DeadlineExceededError, match="10 seconds"):
        policy.attempt_seconds(deadline)


@given(st.integers(1, 200), st.integers())
def test_waits_are_jittered_and_bounded(attempt, seed):
    """Between nothing and the doubled wait, at most wait_max, whatever the attempt's number."""
    policy = RetryPolicy(wait_initial=0.01, wait_max=1.0)
    deadline = policy.begin(ManualClock(), 1000)
    seconds = policy.wait(random.Random(seed), deadline)(state(attempt))
    assert 0 <= seconds <= min(1.0, 0.01 * 2 ** (attempt - 1))


def test_waits_are_spread():
    """Full jitter: two callers who failed together do not come back together."""
    policy = RetryPolicy(wait_initial=1.0, wait_max=1.0)
    wait = policy.wait(random.Random(1), policy.begin(ManualClock(), 1000))
    waits = [wait(state(1)) for _ in range(1000)]
    assert min(waits) < 0.05
    assert max(waits) > 0.95
    assert 0.45 < sum(waits) / 1000 < 0.55


@pytest.mark.parametrize(
    "error", [StoreUnavailableError(), StaleReadError(), DeadlineExceededError("late"), DeadlockError(["a", "a"])]
)
def test_what_callers_are_told_slows_down_no_retry_of_ours(error):
    """``retry_after`` is for whoever calls us; here only the policy counts, and what the engine itself asked for."""
    assert error.retry_after > 0.02
    deadline = RetryPolicy().begin(ManualClock(), 1000)
    assert RetryPolicy(wait_initial=0.0, wait_max=0.0).wait(random.Random(1), deadline)(state(1, error)) == 0.0
    assert RetryPolicy().wait(random.Random(1), deadline)(state(1, error)) <= 0.01


def test_what_the_store_asks_for_is_waited():
    """What the engine asked for is the least."""
    policy = RetryPolicy()
    wait = policy.wait(random.Random(1), policy.begin(ManualClock(), 1000))
    assert wait(state(1, StoreUnavailableError(retry_after=7.0))) == 7.0


def test_no_wait_goes_past_the_deadline(clock):
    """Not even one that the store asks for."""
    policy = RetryPolicy()
    deadline = policy.begin(clock, 5)
    clock.advance(4)
    assert policy.wait(random.Random(1), deadline)(state(1, StoreUnavailableError(retry_after=7.0))) == 1.0


def test_it_stops_when_attempts_or_time_are_spent(clock):
    """Whichever comes first; without a number of attempts only time counts."""
    deadline = Deadline(clock, 10)
    bounded, unbounded = RetryPolicy(attempts=3).stop(deadline), RetryPolicy().stop(deadline)
    assert [bounded(state(attempt)) for attempt in (1, 2, 3, 4)] == [False, False, True, True]
    assert not unbounded(state(10**6))
    clock.advance(10)
    assert bounded(state(1))
    assert unbounded(state(1))


class Flaky:
    """Fails as often as told, each time taking some seconds."""

    def __init__(self, clock, failures, *, error=StoreUnavailableError, seconds=0.0):
        self.clock, self.failures, self.error, self.seconds = clock, failures, error, seconds
        self.calls = 0

    def __call__(self):
        self.calls += 1
        self.clock.advance(self.seconds)
        if self.calls <= self.failures:
            raise self.error(f"failure {self.calls}")
        return self.calls


def run(call, clock, policy=None, timeout=None):
    policy = policy or RetryPolicy(wait_initial=0, wait_max=0)
    return retry(
        call,
        StoreUnavailableError,
        policy=policy,
        deadline=policy.begin(clock, timeout),
        rng=random.Random(1),
        what="a test",
    )


@pytest.mark.parametrize("failures", [0, 1, 5])
def test_it_is_tried_until_it_succeeds(clock, failures):
    """Once more than it fails, and not again."""
    call = Flaky(clock, failures)
    assert run(call, clock) == failures + 1
    assert call.calls == failures + 1


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_spent_attempts_are_counted(clock, attempts):
    """Each one was made, and the last failure is the cause."""
    call = Flaky(clock, 99)
    with pytest.raises(RetriesExhaustedError) as caught:
        run(call, clock, RetryPolicy(attempts=attempts, wait_initial=0, wait_max=0))
    assert (caught.value.attempts, call.calls) == (attempts, attempts)
    assert str(caught.value.__cause__) == f"failure {attempts}"


def test_a_passed_deadline_is_told(clock):
    """With the last failure as its cause."""
    call = Flaky(clock, 99, seconds=4.0)
    with pytest.raises(DeadlineExceededError, match="10 seconds") as caught:
        run(call, clock, timeout=10)
    assert call.calls == 3
    assert str(caught.value.__cause__) == "failure 3"


def test_another_error_passes_at_once(clock):
    """Trying again would not help."""
    for failing_first in (0, 2):
        call = Flaky(clock, failing_first)

        def fail(call=call):
            call()
            raise StoreError("for good")

        with pytest.raises(StoreError, match="for good"):
            run(fail, clock)
        assert call.calls == failing_first + 1
