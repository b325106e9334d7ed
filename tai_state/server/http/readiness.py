"""Whether the store answers, asked for all who want to know: anybody may, and what the store is asked is billed."""

import asyncio

from tai_state import AsyncStateStore

HEALTH_SECONDS = 2.0
"""How long readiness waits for the store."""

KEPT_SECONDS = 1.0
"""For how long one answer of the store is told to all."""


class Readiness:
    """Asks the store at most once a second, however many ask."""

    def __init__(self, store: AsyncStateStore) -> None:
        """Ask *store*."""
        self._store = store
        self._asked: asyncio.Task[bool] | None = None
        self._ends = 0.0

    async def is_ready(self) -> bool:
        """Whether the store answers, or did within the last second."""
        loop = asyncio.get_running_loop()
        if self._asked is None or (self._asked.done() and loop.time() >= self._ends):
            self._asked = loop.create_task(self._ask())
        # One who asks and goes away takes the answer from nobody else.
        return await asyncio.shield(self._asked)

    async def _ask(self) -> bool:
        try:
            return (await self._store.health(timeout=HEALTH_SECONDS)).ok
        finally:
            self._ends = asyncio.get_running_loop().time() + KEPT_SECONDS
