# Generated from tests/_async/api/test_store_options.py by .ci/generate_sync.py; do not edit.
"""Options and arguments are checked where they come in: what cannot be is refused by name, before anything is done."""
import random
from datetime import timedelta
from typing import Any

import pytest

from tai_state import (
    LockManager,
    MemoryStore,
    StateMachinePersister,
    TransactionManager,
    ConfigurationError,
    Encoding,
    PersistenceConfig,
    RetryPolicy,
    connect,
)
from tests._sync.machines import COUNTER

STORE_OPTIONS: dict[str, list[Any]] = {
    "actor": [123, "", b"ann", "\ud800"],
    "head_cache_size": [-1, 1.0, True, "8", None],
    "receipt_ttl": [timedelta(0), timedelta(days=-1), timedelta.max, 7, None],
    "encoding": [{}, 5],
    "maintenance": [5, PersistenceConfig()],
    "retry": [3, {}],
    "rng": [7],
    "clock": [7, object()],
}


@pytest.mark.parametrize(("name", "wrong"), [(name, one) for name, each in STORE_OPTIONS.items() for one in each])
def test_an_option_of_a_store_that_cannot_be_is_refused(name, wrong):
    """Named, when the store is made."""
    with pytest.raises(ConfigurationError, match=name):
        MemoryStore(**{name: wrong})
    with pytest.raises(ConfigurationError, match=name):
        connect("memory://", **{name: wrong})


@pytest.mark.parametrize("wrong", [0, -1, 2.0, True, "2", None])
def test_a_schema_version_is_an_int_of_at_least_1(wrong):
    """A float would be written, and never be read."""
    with pytest.raises(ConfigurationError, match="schema_version"):
        PersistenceConfig(schema_version=wrong)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("attempts", 1.5), ("attempts", True), ("wait_initial", "1"), ("deadline", None), ("attempt_timeout", True)],
)
def test_a_retry_policy_has_numbers(name, wrong):
    """Named, when it is made."""
    with pytest.raises(ConfigurationError, match=name):
        RetryPolicy(**{name: wrong})


@pytest.mark.parametrize("name", ["json_bytes_min", "zstd_bytes_min"])
@pytest.mark.parametrize("wrong", [-1, 1.0, "1"])
def test_an_encoding_has_sizes(name, wrong):
    """In bytes, of at least 0."""
    with pytest.raises(ConfigurationError, match=name):
        Encoding(**{name: wrong})


def test_what_is_made_over_a_store_checks_its_settings(store):
    """Persisters, transactions and locks."""
    five: Any = 5
    with pytest.raises(ConfigurationError, match="config"):
        StateMachinePersister(store, COUNTER, five)
    with pytest.raises(ConfigurationError, match="machine"):
        StateMachinePersister(store, five)
    with pytest.raises(ConfigurationError, match="retry"):
        PersistenceConfig(retry=five)
    with pytest.raises(ConfigurationError, match="retry"):
        TransactionManager(store, retry=five)
    with pytest.raises(ConfigurationError, match="config"):
        LockManager(store, config=five)


def test_options_that_can_be_are_taken(place):
    """The longest time, no cache, and a generator of one's own."""
    store = place.store(
        receipt_ttl=timedelta(days=36_500), head_cache_size=0, rng=random.Random(1), retry=RetryPolicy(attempts=3)
    )
    assert store.save_state("g", "s", {}, idempotency_key="k") == 1
    assert store.save_state("g", "s", {}, idempotency_key="k") == 1
