"""The colour of a transaction's body, as far as it can be told without running it."""

import functools
import inspect
from typing import Any

from tai_state.errors import ConfigurationError

_LAMBDA = "<lambda>"


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
