"""The decorator of transactions: a function, or a method, each call of which runs one."""

import functools
from collections.abc import Awaitable, Callable
from types import MethodType
from typing import Any

from tai_state._async.api.transaction import AsyncTransaction
from tai_state._platform.bodies import async_run_body

Run = Callable[[Callable[[AsyncTransaction], Awaitable[Any]], tuple[Any, ...], dict[str, Any]], Awaitable[Any]]
"""Runs a body for a call with these arguments."""


class AsyncTransactional:
    """A function whose first argument is the transaction; of a method it is the one behind ``self``.

    Called with the other arguments. Copies what tells a function: name, docstring, signature.
    """

    def __init__(self, fn: Callable[..., Awaitable[Any]], run: Run) -> None:
        """Run *fn* by *run*."""
        self._fn = fn
        self._run = run
        self._is_method = False
        functools.update_wrapper(self, fn)

    def __set_name__(self, owner: type, name: str) -> None:
        """Note that it is defined in a class: its first argument is the object."""
        self._is_method = True

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Return the method of *instance*."""
        return self if instance is None else MethodType(self, instance)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run a transaction."""
        of, others = (args[:1], args[1:]) if self._is_method else ((), args)

        async def body(tx: AsyncTransaction) -> Any:
            return await async_run_body(lambda one: self._fn(*of, one, *others, **kwargs), tx)

        return await self._run(body, args, kwargs)
