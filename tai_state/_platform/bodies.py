"""Functions that a user hands in: their colour, as far as that can be told without running them, and their run."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tai_state._platform.interrupts import Interruptible
from tai_state.errors import ConfigurationError

A = TypeVar("A")
T = TypeVar("T")

_LAMBDA = "<lambda>"
_NAME_LENGTH_MAX = 100


def async_check_body(body: object) -> None:
    """Refuse what an async store cannot run as a body, before any of it runs.

    What cannot be told from outside (a lambda, an object that is called) passes: it may well return an awaitable,
    and what it returns is looked at.

    Raises:
        ConfigurationError: It cannot be called, is a plain function, or a generator.
    """
    called = _called(body)
    unwrapped = inspect.unwrap(called)
    # A decorator may have put a plain function around an async one, and hand on what that returns.
    if inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(unwrapped):
        return
    if _is_generator(called) or (inspect.isfunction(unwrapped) and unwrapped.__name__ != _LAMBDA):
        message = f"{body!r} is not async: give an async store an `async def`, or use the sync classes"
        raise ConfigurationError(message)


def check_body(body: object) -> None:
    """Refuse what a sync store cannot run as a body, before any of it runs.

    Raises:
        ConfigurationError: It cannot be called, is async, or a generator.
    """
    called = _called(body)
    if inspect.iscoroutinefunction(called) or _is_generator(called):
        message = f"{body!r} is async or a generator: give a sync store a plain function, or use the Async classes"
        raise ConfigurationError(message)


def _called(body: object) -> Any:
    """Return the function that a call of *body* runs first, or *body* itself where that is none of Python's."""
    if not callable(body):
        message = f"a transaction runs a function of one argument, the transaction; not {body!r}"
        raise ConfigurationError(message)
    called: Any = body
    while isinstance(called, functools.partial):
        called = called.func
    if inspect.isroutine(called) or inspect.isclass(called):
        return getattr(called, "__func__", called)
    return getattr(type(called), "__call__", called)  # noqa: B004 - what it is, not whether it can be called


def _is_generator(called: object) -> bool:
    return inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called)


async def async_run_body(body: Callable[[A], Awaitable[T]], argument: A) -> T:
    """Await *body* with its argument.

    Raises:
        ConfigurationError: It is no coroutine function, so it is of the other colour.
    """
    awaitable = body(argument)
    if not _is_awaitable(awaitable):
        message = f"{body!r} is not async: give an async store an `async def`, or use the sync classes"
        raise ConfigurationError(message)
    return await awaitable


def run_body(body: Callable[[A], T], argument: A) -> T:
    """Call *body* with its argument.

    Raises:
        ConfigurationError: It is a coroutine function, so it is of the other colour.
    """
    with Interruptible():
        result = body(argument)
    if _is_awaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        message = f"{body!r} is async: give a sync store a plain function, or use the Async classes"
        raise ConfigurationError(message)
    return result


def async_check_callback(callback: object, what: str) -> None:
    """Refuse what nobody could be told with, before there is anything to tell.

    Raises:
        ConfigurationError: It cannot be called, or is a generator, whose call does nothing.
    """
    _check_told(callback, what)


def check_callback(callback: object, what: str) -> None:
    """Refuse what nobody could be told with by a sync store.

    Raises:
        ConfigurationError: As for ``async_check_callback``; or it is async.
    """
    _check_told(callback, what)
    if inspect.iscoroutinefunction(_called(callback)):
        message = f"{what} is async: give a sync store a plain function, or use the Async classes; not {callback!r}"
        raise ConfigurationError(message)


def _check_told(callback: object, what: str) -> None:
    if not callable(callback):
        message = f"{what} must be something to call, not {callback!r}"
        raise ConfigurationError(message)
    if _is_generator(_called(callback)):
        message = f"{what} is a generator, whose call does nothing: {callback!r}"
        raise ConfigurationError(message)


async def async_call_back(callback: Callable[..., object], *arguments: object) -> None:
    """Call what a user wants to be told with, and await it where it is async."""
    told = callback(*arguments)
    if inspect.isawaitable(told):
        await told


def call_back(callback: Callable[..., object], *arguments: object) -> None:
    """Call what a user wants to be told with.

    Raises:
        ConfigurationError: It is async: nobody would await it.
    """
    with Interruptible():
        told = callback(*arguments)
    if inspect.isawaitable(told):
        if inspect.iscoroutine(told):
            told.close()
        message = f"{callback!r} is async: give a sync store a plain function, or use the Async classes"
        raise ConfigurationError(message)


def _is_awaitable(value: object) -> bool:
    # Types say which it is; the caller of the wrong colour has none that say so.
    return inspect.isawaitable(value)


def body_name(body: object) -> str:
    """Return the qualified name of the function that *body* is, or calls: what an idempotency key stands for."""
    called = inspect.unwrap(_called(body))
    name: str = getattr(called, "__qualname__", type(called).__qualname__)
    # The end of it tells more than the beginning.
    return name[-_NAME_LENGTH_MAX:]
