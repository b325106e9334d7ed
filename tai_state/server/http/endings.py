"""Iterators that are left half way: what reads for them ends at once, and not when it is collected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def ending(found: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Give *found*, and close it at the end of the block, however far it was taken."""
    try:
        yield found
    finally:
        close = getattr(found, "aclose", None)
        if close is not None:
            await close()
