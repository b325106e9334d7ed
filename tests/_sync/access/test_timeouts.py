# Generated from tests/_async/access/test_timeouts.py by .ci/generate_sync.py; do not edit.
"""A timeout is checked where it comes in, in one way, whoever takes it."""
from datetime import timedelta
from decimal import Decimal

import pytest

from tai_state import (
    LockManager,
    StateMachinePersister,
    TransactionManager,
    ConfigurationError,
)
from tests._sync.machines import COUNTER
from tests._sync.stores import in_memory

WRONG = [
    *(True, False, "1", b"1", [1], Decimal(1), 1j),
    *(-1, -0.001, float("nan"), float("inf"), float("-inf"), 10**400, 10**5000, -(10**5000), 1e12),
    *(timedelta(seconds=-1), timedelta.max),
]
ENDINGS = {
    "store": lambda store, timeout: store.drain(timeout=timeout),
    "persister": lambda store, timeout: StateMachinePersister(store, COUNTER).drain(timeout=timeout),
    "lock manager": lambda store, timeout: LockManager(store).drain(timeout=timeout),
}
CALLS = {
    "health": lambda store, timeout: store.health(timeout=timeout),
    "get": lambda store, timeout: store.get_state("g", "s", timeout=timeout),
    "save": lambda store, timeout: store.save_state("g", "s", {}, timeout=timeout),
    "transition": lambda store, timeout: StateMachinePersister(store, COUNTER).transition(
        "g", "s", "add", timeout=timeout
    ),
    "rollback": lambda store, timeout: StateMachinePersister(store, COUNTER).rollback(
        "g", "s", 1, timeout=timeout
    ),
    "run": lambda store, timeout: TransactionManager(store).run(
        lambda tx: tx.find_state("g", "s"), timeout=timeout
    ),
    "inspect": lambda store, timeout: LockManager(store).inspect("r", timeout=timeout),
}
WAITS = {"acquire": lambda store, timeout: LockManager(store).acquire("r", timeout=timeout)}


@in_memory
@pytest.mark.parametrize("name", [*ENDINGS, *CALLS, *WAITS])
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
def test_what_is_no_timeout_is_refused(place, name, wrong):
    """By one typed error; nothing is asked, and nothing is ended."""
    store, backend = place.counting()
    with pytest.raises(ConfigurationError, match="timeout must be a"):
        {**ENDINGS, **CALLS, **WAITS}[name](store, wrong)
    assert backend.calls == []
    assert store.save_state("g", "s", {}) == 1, "the store still takes calls"


@in_memory
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_needs_some_time(store, call):
    """With none it could only fail."""
    with pytest.raises(ConfigurationError, match="positive"):
        call(store, 0)


@pytest.mark.parametrize("timeout", [0, 0.0, timedelta(0), timedelta(seconds=5), 5, None])
@pytest.mark.parametrize("call", ENDINGS.values(), ids=ENDINGS)
def test_a_drain_takes_what_other_calls_take(store, call, timeout):
    """A timedelta, too, None for the time that is configured, and 0 for not waiting at all."""
    assert call(store, timeout)


@pytest.mark.parametrize("timeout", [timedelta(seconds=5), 5, None])
def test_health_takes_what_other_calls_take(store, timeout):
    """As every other call does."""
    assert (store.health(timeout=timeout)).ok
