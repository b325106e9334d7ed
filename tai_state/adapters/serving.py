"""The life of an async process that serves from a store: its requests under way, and their end."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Final

from tai_state import AsyncStateStore
from tai_state.adapters.problems import log

DRAIN_SECONDS: Final = 9.0
"""Cloud Run kills 10 seconds after SIGTERM; the last of them is for the server itself."""


class Serving:
    """A store, the requests that it serves, and their end.

    Attributes:
        store: The store of this process and this loop.
        draining: Whether the end has begun: no new request is served.
        ending: Set when it begins, for what goes on without an end.
    """

    def __init__(self, store: AsyncStateStore, drain_seconds: float) -> None:
        """Serve from *store*, until an end that takes at most *drain_seconds*."""
        self.store = store
        self.draining = False
        self.ending = asyncio.Event()
        self._seconds = drain_seconds
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._end: asyncio.Task[None] | None = None

    @contextmanager
    def one(self) -> Iterator[None]:
        """Be a request under way."""
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def drain(self) -> bool:
        """Serve no new request, wait for those under way, then drain the store; return whether all ended in time."""
        self.draining = True
        self.ending.set()
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(ends):
                await self._idle.wait()
        has_ended = await self.store.drain(max(0.0, ends - loop.time()))
        if self._under_way or not has_ended:
            log.error("%d requests were still under way after %g s of draining", self._under_way, self._seconds)
        return has_ended and not self._under_way

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """Be the life of the process: SIGTERM drains, and behind the block the store is drained and closed."""
        with self.draining_at_sigterm():
            try:
                yield
            finally:
                # Not by the store as a context manager, which would drain once more, and wait again.
                if not self.draining:
                    await self.drain()
                await self.store.close()

    @contextmanager
    def draining_at_sigterm(self) -> Iterator[None]:
        """Let SIGTERM drain first, and tell the server behind that, for as long as the block runs.

        It does nothing where no server handles SIGTERM, and outside of the main thread, which alone sets handlers:
        whoever runs an application there, as tests do, ends it by other means.
        """
        server = signal.getsignal(signal.SIGTERM)
        if not callable(server) or threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()

        async def end() -> None:
            try:
                await self.drain()
            finally:
                server(signal.SIGTERM, None)

        def begin() -> None:
            if self._end is None:
                self._end = loop.create_task(end())

        def at_sigterm(_number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(begin)

        signal.signal(signal.SIGTERM, at_sigterm)
        try:
            yield
        finally:
            # Whoever set another one meanwhile wanted that.
            if signal.getsignal(signal.SIGTERM) is at_sigterm:
                signal.signal(signal.SIGTERM, server)
