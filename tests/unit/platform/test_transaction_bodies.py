"""Bodies of the wrong colour: refused at once, in both colours and in every form that takes one."""

import asyncio
import functools

import pytest

from tai_state import (
    AsyncMemoryStore,
    AsyncTransactionManager,
    ConfigurationError,
    MemoryStore,
    TransactionManager,
)

DONE: list[str] = []


@pytest.fixture(autouse=True)
def nothing_done():
    """Every body here notes that it ran."""
    DONE.clear()


def sync_body(tx):
    DONE.append("sync")


async def async_body(tx):
    DONE.append("async")


class Objects:
    """Bodies that are not functions."""

    def __call__(self, tx):
        DONE.append("sync")

    def sync_method(self, tx):
        DONE.append("sync")

    async def async_method(self, tx):
        DONE.append("async")


class AsyncObject:
    async def __call__(self, tx):
        DONE.append("async")


def generator(tx):
    DONE.append("sync")
    yield


async def async_generator(tx):
    DONE.append("async")
    yield


@functools.wraps(async_body)
def around_async(tx):
    return async_body(tx)


@functools.wraps(sync_body)
def around_sync(tx):
    return sync_body(tx)


def kinds(function, method, unbound, instance):
    """Return the same body in every kind of callable, by name."""
    return {
        "function": function,
        "partial": functools.partial(function),
        "nested partial": functools.partial(functools.partial(function)),
        "method": method,
        "partial method": functools.partial(method),
        "unbound method": functools.partial(unbound, Objects()),
        "object": instance,
    }


SYNC = kinds(sync_body, Objects().sync_method, Objects.sync_method, Objects())
ASYNC = kinds(async_body, Objects().async_method, Objects.async_method, AsyncObject())
NEITHER = {"generator": generator, "async generator": async_generator}
HIDDEN_SYNC = {"lambda": lambda tx: sync_body(tx)}  # noqa: PLW0108 - that it is a lambda is the point
HIDDEN_ASYNC = {"lambda": lambda tx: async_body(tx), "wrapped": around_async}  # noqa: PLW0108 - as above


def each(name, **bodies):
    return pytest.mark.parametrize(name, list(bodies.values()), ids=list(bodies))


@each("wrong", **ASYNC, **NEITHER)
def test_a_sync_manager_refuses_at_once(wrong):
    """By run, for one governor, and where it decorates."""
    manager = TransactionManager(MemoryStore())
    for refused in (
        lambda: manager.run(wrong),
        lambda: manager.execute_transaction("g", wrong),
        lambda: manager.transactional(wrong),
        lambda: manager.transactional(read_only=True)(wrong),
    ):
        with pytest.raises(ConfigurationError, match="async"):
            refused()
    assert DONE == []


@each("wrong", **SYNC, **NEITHER, wrapped=around_sync)
async def test_an_async_manager_refuses_at_once(wrong):
    """By run, for one governor, and where it decorates."""
    manager = AsyncTransactionManager(AsyncMemoryStore())
    for refused in (
        lambda: manager.run(wrong),
        lambda: manager.execute_transaction("g", wrong),
    ):
        with pytest.raises(ConfigurationError, match="not async"):
            await refused()
    for decorated in (lambda: manager.transactional(wrong), lambda: manager.transactional(read_only=True)(wrong)):
        with pytest.raises(ConfigurationError, match="not async"):
            decorated()
    assert DONE == []


@each("hidden", **HIDDEN_ASYNC)
def test_a_sync_manager_refuses_what_turns_out_to_be_async(hidden):
    """Its result tells; the coroutine never starts."""
    manager = TransactionManager(MemoryStore())
    for refused in (
        lambda: manager.run(hidden),
        lambda: manager.execute_transaction("g", hidden),
        manager.transactional(hidden),
    ):
        with pytest.raises(ConfigurationError, match="is async"):
            refused()
    assert DONE == []


@each("hidden", **HIDDEN_SYNC)
async def test_an_async_manager_refuses_what_turns_out_to_be_sync(hidden):
    """Its result tells."""
    manager = AsyncTransactionManager(AsyncMemoryStore())
    for refused in (
        lambda: manager.run(hidden),
        lambda: manager.execute_transaction("g", hidden),
        manager.transactional(hidden),
    ):
        with pytest.raises(ConfigurationError, match="not async"):
            await refused()


@each("right", **ASYNC, **{f"hidden in a {name}": body for name, body in HIDDEN_ASYNC.items()})
def test_an_async_manager_takes_its_own(right):
    """Functions, methods, objects, partial functions, and plain functions that hand on what an async one returns."""
    asyncio.run(AsyncTransactionManager(AsyncMemoryStore()).run(right))
    assert DONE == ["async"]


@each("right", **SYNC, **HIDDEN_SYNC, wrapped=around_sync)
def test_a_sync_manager_takes_its_own(right):
    """Functions, methods, objects and partial functions."""
    TransactionManager(MemoryStore()).run(right)
    assert DONE == ["sync"]


@pytest.mark.parametrize("wrong", [None, 7, "body"])
def test_what_cannot_be_called_is_no_body(wrong):
    """In either colour."""
    with pytest.raises(ConfigurationError, match="function"):
        TransactionManager(MemoryStore()).run(wrong)
    with pytest.raises(ConfigurationError, match="function"):
        asyncio.run(AsyncTransactionManager(AsyncMemoryStore()).run(wrong))
