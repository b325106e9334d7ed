"""What a store, and what stands on one, is made of: its own colour, and options that there are."""

from typing import Any

import pytest

import tai_state
from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncSqliteStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ConfigurationError,
    async_connect,
)
from tai_state.testing import AsyncFaultyStore
from tests._async.machines import COUNTER
from tests._async.stores import in_memory

OWN = AsyncStateMachinePersister.__name__.removesuffix("StateMachinePersister")
OTHER = "" if OWN else "Async"
"""What the names of the other colour begin with."""


def other(name):
    """Return a public class of the other colour."""
    return getattr(tai_state, f"{OTHER}{name}")


@pytest.mark.parametrize(
    "kind", [AsyncStateMachinePersister, AsyncLockManager, AsyncTransactionManager], ids=lambda kind: kind.__name__
)
def test_a_store_of_the_other_colour_is_refused(kind):
    """Where the mistake is made, by the names of both, and not at the first call."""
    with pytest.raises(ConfigurationError, match="colour") as caught:
        kind(other("MemoryStore")())
    for name in (kind.__name__, f"{OWN}StateStore", f"{OTHER}MemoryStore"):
        assert name in str(caught.value)


@pytest.mark.parametrize("wrong", [None, "sqlite:///a.db", 5], ids=repr)
def test_what_is_no_store_is_refused(wrong):
    """A URL is not opened on the way."""
    with pytest.raises(ConfigurationError, match=type(wrong).__name__):
        AsyncStateMachinePersister(wrong, COUNTER)


def test_a_backend_of_the_other_colour_is_refused():
    """A store stands on one of its own."""
    with pytest.raises(ConfigurationError, match="colour"):
        AsyncBackendStore(other("MemoryStore")().runtime.access.backend)


@in_memory
async def test_a_lock_of_the_other_colour_is_refused(store):
    """Before anything is sent, by whatever takes one."""
    made = other("LockManager").__new__(other("LockManager"))
    persister = AsyncStateMachinePersister(store, COUNTER)

    async def body(tx):
        return await tx.find_state("g", "s")

    for call in (
        lambda: store.save_state("g", "s", {}, lock=made),
        lambda: store.delete_state("g", "s", lock=made),
        lambda: persister.transition("g", "s", "add", lock=made),
        lambda: persister.rollback("g", "s", 1, lock=made),
        lambda: persister.log_transition("g", "s", "a", to_status="b", data={}, lock=made),
        lambda: AsyncTransactionManager(store).run(body, lock=made),
    ):
        with pytest.raises(ConfigurationError, match="lock="):
            await call()


OPENED = {
    "memory": lambda **options: async_connect("memory://", **options),
    "sqlite": lambda **options: async_connect("sqlite:///a.db", **options),
    "firestore": lambda **options: async_connect("firestore://p", **options),
    "MemoryStore": AsyncMemoryStore,
    "SqliteStore": lambda **options: AsyncSqliteStore("a.db", **options),
    "FaultyStore": lambda **options: AsyncFaultyStore(AsyncMemoryStore(), **options),
}


@pytest.mark.parametrize("opened", OPENED)
def test_an_unknown_option_is_named_without_internals(opened):
    """With those that there are, and no name of a function or of a class that nobody asked for."""
    with pytest.raises(ConfigurationError) as caught:
        OPENED[opened](chache_size=5)
    message = str(caught.value)
    assert "option 'chache_size'" in message
    assert "head_cache_size" in message
    for internal in ("__init__", "BackendStore", "keyword", "argument"):
        assert internal not in message


@pytest.mark.parametrize(("url", "name"), [("sqlite:///a.db", "path"), ("firestore://p/d", "database")])
def test_what_the_url_says_is_no_option(url, name):
    """It is said once."""
    options: dict[str, Any] = {name: "b"}
    with pytest.raises(ConfigurationError, match=f"the URL says option '{name}'"):
        async_connect(url, **options)
