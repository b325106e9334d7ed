"""A store that was opened by settings, and what is put over it without further words."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ConfigurationError,
    LockConfig,
    PersistenceConfig,
    RetryPolicy,
    async_connect,
)
from tai_state.config import HistoryPolicy, load
from tai_state.feeds import AsyncSubscription
from tai_state.replicas import AsyncReplicaStore, ReadLevel

TEXT = """
actor = "billing"
node = "eu"
receipt_ttl = "1h"
head_cache_size = 3
[sqlite]
synchronous = "NORMAL"
[encoding]
json_bytes_min = 10
[retry]
attempts = 4
[persistence]
snapshot_interval = 2
due_shards = 3
[history]
max_events = 50
[transactions]
attempts = 2
max_concurrent = 6
[locks]
ttl = "40s"
[replicas]
read_level = "bounded"
max_lag = 5
[subscriptions]
delivery = "exactly_once"
max_attempts = 9
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """What a file says, of a store in a file beside it."""
    monkeypatch.delenv("TAI_STATE_STORE", raising=False)
    path = tmp_path / "prod.toml"
    path.write_text(f'store = "sqlite:///{tmp_path}/s.db"\n{TEXT}', encoding="utf-8")
    return load(path)


async def test_what_is_put_over_a_store_is_as_its_settings_say(settings, tmp_path):
    """Each takes its own part; none is asked to name it."""
    async with async_connect(settings=settings) as store:
        persister = AsyncStateMachinePersister(store)
        assert (persister.config.snapshot_interval, persister.config.due_shards) == (2, 3)
        assert persister.config.history == HistoryPolicy(max_events=50)
        assert AsyncLockManager(store).config.ttl == 40.0
        transactions = AsyncTransactionManager(store)
        assert (transactions.retry.attempts, transactions.max_concurrent) == (2, 6)
        subscription = AsyncSubscription(store, "s", print)
        assert (subscription._terms.delivery, subscription._terms.max_attempts) == ("exactly_once", 9)
        async with AsyncMemoryStore() as remote:
            assert AsyncReplicaStore(store, remote).level == ReadLevel.bounded(5)
            assert AsyncReplicaStore(store, remote, level=ReadLevel.eventual).level == ReadLevel.eventual
            assert AsyncReplicaStore(remote, store).level == ReadLevel.strong
        assert store.actor == "billing"
        assert store.runtime.access.retry.attempts == 4
        assert store.runtime.settings.receipt_ttl == timedelta(hours=1)
        assert store.runtime.settings.encoding.json_bytes_min == 10
        assert store.runtime.settings.node == "eu"
        for number in range(4):
            await store.save_state("g", "s", {"n": number})
        assert [one.version async for one in persister.list_snapshots("g", "s")] == [2, 4]
    assert (tmp_path / "s.db").exists()


async def test_what_is_said_goes_before_the_settings(settings):
    """For the store itself, and for each thing over it."""
    async with async_connect("memory://", settings=settings, actor="me", retry=RetryPolicy(attempts=1)) as store:
        assert store.actor == "me"
        assert store.runtime.access.retry.attempts == 1
        assert store.runtime.settings.receipt_ttl == timedelta(hours=1)
        persister = AsyncStateMachinePersister(store, config=PersistenceConfig())
        assert persister.config.snapshot_interval == 100
        assert AsyncLockManager(store, LockConfig(ttl=5)).config.ttl == 5
        transactions = AsyncTransactionManager(store, RetryPolicy(attempts=7), max_concurrent=1)
        assert (transactions.retry.attempts, transactions.max_concurrent) == (7, 1)
        subscription = AsyncSubscription(store, "s", print, delivery="at_most_once", max_attempts=1)
        assert (subscription._terms.delivery, subscription._terms.max_attempts) == ("at_most_once", 1)


async def test_no_working_directory_steers_who_does_not_ask(settings, tmp_path, monkeypatch):
    """`connect` alone reads no file of settings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tai-state.toml").write_text("nonsense = 1", encoding="utf-8")
    async with async_connect("memory://") as store:
        assert store.runtime.configured is None
        assert AsyncLockManager(store).config.ttl == 30.0


@pytest.mark.parametrize("wrong", [{}, "tai-state.toml", True])
def test_what_are_no_settings_is_refused(wrong):
    """By its type, before anything is opened."""
    with pytest.raises(ConfigurationError, match="settings must be of type Settings"):
        async_connect("memory://", settings=wrong)
