# Generated from tests/_async/api/test_colours_and_options.py by .ci/generate_sync.py; do not edit.
"""What a store, and what stands on one, is made of: its own colour, and options that there are."""
from typing import Any

import pytest

import tai_state
from tai_state import (
    BackendStore,
    LockManager,
    MemoryStore,
    SqliteStore,
    StateMachinePersister,
    TransactionManager,
    ConfigurationError,
    connect,
)
from tai_state.testing import FaultyStore
from tests._sync.machines import COUNTER
from tests._sync.stores import in_memory

OWN = StateMachinePersister.__name__.removesuffix("StateMachinePersister")
OTHER = "" if OWN else "Async"
"""What the names of the other colour begin with."""


def other(name):
    """Return a public class of the other colour."""
    return getattr(tai_state, f"{OTHER}{name}")


@pytest.mark.parametrize(
    "kind", [StateMachinePersister, LockManager, TransactionManager], ids=lambda kind: kind.__name__
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
        StateMachinePersister(wrong, COUNTER)


def test_a_backend_of_the_other_colour_is_refused():
    """A store stands on one of its own."""
    with pytest.raises(ConfigurationError, match="colour"):
        BackendStore(other("MemoryStore")().runtime.access.backend)


@in_memory
def test_a_lock_of_the_other_colour_is_refused(store):
    """Before anything is sent, by whatever takes one."""
    made = other("LockManager").__new__(other("LockManager"))
    persister = StateMachinePersister(store, COUNTER)

    def body(tx):
        return tx.find_state("g", "s")

    for call in (
        lambda: store.save_state("g", "s", {}, lock=made),
        lambda: store.delete_state("g", "s", lock=made),
        lambda: persister.transition("g", "s", "add", lock=made),
        lambda: persister.rollback("g", "s", 1, lock=made),
        lambda: persister.log_transition("g", "s", "a", to_status="b", data={}, lock=made),
        lambda: TransactionManager(store).run(body, lock=made),
    ):
        with pytest.raises(ConfigurationError, match="lock="):
            call()


OPENED = {
    "memory": lambda **options: connect("memory://", **options),
    "sqlite": lambda **options: connect("sqlite:///a.db", **options),
    "firestore": lambda **options: connect("firestore://p", **options),
    "MemoryStore": MemoryStore,
    "SqliteStore": lambda **options: SqliteStore("a.db", **options),
    "FaultyStore": lambda **options: FaultyStore(MemoryStore(), **options),
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
        connect(url, **options)
