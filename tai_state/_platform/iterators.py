"""Iterators that end with a block, or whose waits can be interrupted, in both colours."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import TypeVar

from tai_state._platform.interrupts import AsyncInterruptible, Interruptible

T = TypeVar("T")


async def async_interruptibly(items: AsyncIterator[T]) -> AsyncIterator[T]:
    """Pass *items* on; the wait for each of them can be interrupted."""
    while True:
        with AsyncInterruptible():
            try:
                item = await anext(items)
            except StopAsyncIteration:
                return
        yield item


def interruptibly(items: Iterator[T]) -> Iterator[T]:
    """Pass *items* on; the wait for each of them can be interrupted."""
    while True:
        with Interruptible():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


@contextlib.asynccontextmanager
async def async_ending(iterator: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """End *iterator* with the block, where it is a generator, so that what it holds is released then."""
    try:
        yield iterator
    finally:
        await async_end(iterator)


async def async_end(iterator: AsyncIterator[T] | None) -> None:
    """End *iterator*, where it is a generator; of None nothing is to be ended."""
    if isinstance(iterator, AsyncGenerator):
        await iterator.aclose()


@contextlib.contextmanager
def ending(iterator: Iterator[T]) -> Iterator[Iterator[T]]:
    """End *iterator* with the block; the sync twin of async_ending."""
    try:
        yield iterator
    finally:
        end(iterator)


def end(iterator: Iterator[T] | None) -> None:
    """End *iterator*; the sync twin of async_end."""
    if isinstance(iterator, Generator):
        iterator.close()
