"""What has changed in the store since: numbered once for all streams of this process, and told to each."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from tai_state import AsyncStateStore, StoreUnavailableError, TaiStateError
from tai_state.adapters.serving import Serving
from tai_state.feeds import AsyncPositions
from tai_state.server.http.failures import log_unexpected

log = logging.getLogger("tai_state.server")

LOOK_SECONDS = 1.0
"""How often it is looked for what other processes have changed; what this one changes is told at once."""


class Numbering:
    """Numbers changes while somebody wants to be told of them, and says up to which position there is something.

    Several servers may number one store: one at a time does, and all tell the same positions.
    """

    def __init__(self, store: AsyncStateStore, serving: Serving) -> None:
        """Number the changes of *store*, until the process is told to end."""
        self.positions = AsyncPositions(store)
        self._store = store
        self._serving = serving
        self._streams = 0
        self._task: asyncio.Task[None] | None = None
        self._last = 0
        self._failed: TaiStateError | None = None
        self._moved = asyncio.Event()
        self._changed = asyncio.Event()

    async def begin(self) -> None:
        """Number what is there.

        Raises:
            ConfigurationError: The store has no feed.
            TaiStateError: It failed.
        """
        while await self.positions.run_once():
            pass
        self._last = await self.positions.last()

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """Be somebody who wants to be told."""
        self._streams += 1
        if self._task is None or self._task.done():
            self._failed = None
            self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            yield
        finally:
            self._streams -= 1
            self._changed.set()

    async def behind(self, position: int) -> bool:
        """Wait until there is something behind *position*; return False where the process is to end.

        Raises:
            TaiStateError: The store failed meanwhile; who was told begins again.
        """
        while not self._serving.draining:
            if self._failed is not None:
                raise self._failed
            if self._last > position:
                return True
            moved = self._moved
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await moved.wait()
        return False

    async def _run(self) -> None:
        listener = self._store.on_change(lambda _: self._changed.set(), on_missed=lambda _: None, buffer=1)
        try:
            while self._streams and not self._serving.draining:
                self._changed.clear()
                await self.begin()
                self._moved.set()
                self._moved = asyncio.Event()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._changed.wait()
        except TaiStateError as error:
            log.warning("changes are told no more: %s", error, extra={"event": "changes_failed", "code": error.code})
            self._failed = error
        except Exception as error:  # noqa: BLE001 - whatever it is: who waits is told, and begins again
            log_unexpected(error)
            self._failed = StoreUnavailableError("changes cannot be told now")
        finally:
            self._moved.set()
            self._moved = asyncio.Event()
            await listener.close()
