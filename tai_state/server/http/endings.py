"""Iterators that are left half way: by whoever took enough, and at the end of the process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def ending(found: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Give *found*, and close it at the end of the block, however far it was taken: not when it is collected."""
    try:
        yield found
    finally:
        close = getattr(found, "aclose", None)
        if close is not None:
            await close()


async def until(event: asyncio.Event, found: AsyncIterator[T]) -> AsyncIterator[T]:
    """Iterate over *found* until it ends, or *event* is set: what is waited for then is left."""
    is_set = asyncio.ensure_future(event.wait())
    try:
        async with ending(found) as items:
            while True:
                following = asyncio.ensure_future(_next(items))
                try:
                    await asyncio.wait({following, is_set}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    # Also where whoever waits here is left himself.
                    if not following.done():
                        following.cancel()
                        await asyncio.wait({following})
                if following.cancelled():
                    return
                for item in following.result():
                    yield item
                if not following.result():
                    return
    finally:
        is_set.cancel()


async def _next(items: AsyncIterator[T]) -> list[T]:
    """Return the next item, as a list; an empty one: there is none."""
    try:
        return [await anext(items)]
    except StopAsyncIteration:
        return []
