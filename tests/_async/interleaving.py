"""Several actors step by step: one runs at a time, in an order that the test gives."""

import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from tai_state._platform.tasks import async_together
from tai_state._platform.waits import AsyncSignal

WAIT_SECONDS = 30.0


class AsyncInterleaving:
    """Lets each actor go on when its turn comes; what it does up to its next turn is one step.

    An actor whose turns are spent goes on freely in its last step: a body that is run again repeats no script.
    """

    def __init__(self, *order: str, may_raise: type[Exception] | None = None) -> None:
        """Give the turns in this *order* of names; an actor may end with *may_raise*, and then returns it."""
        self._order = list(order)
        self._may_raise = () if may_raise is None else (may_raise,)
        self._floor: str | None = None
        self._signals: dict[str, AsyncSignal] = {}
        self._lock = threading.Lock()

    async def run(self, **actors: Callable[[], Awaitable[Any]]) -> list[Any]:
        """Run the actors at the same time and return what each returned."""
        outcomes: dict[str, Any] = {}
        await async_together([partial(self._act, name, actor, outcomes) for name, actor in actors.items()])
        return [outcomes[name] for name in actors]

    async def _act(self, name: str, actor: Callable[[], Awaitable[Any]], outcomes: dict[str, Any]) -> None:
        self._signals[name] = AsyncSignal()
        try:
            outcomes[name] = await actor()
        except self._may_raise as error:
            outcomes[name] = error
        finally:
            self._leave(name)

    async def turn(self, name: str) -> None:
        """Wait until it is *name*'s turn, having ended its step before."""
        self._release(name)
        while not self._take(name):
            assert await self._signals[name].wait(WAIT_SECONDS), f"{name} waits for its turn among {self._order}"

    def _take(self, name: str) -> bool:
        with self._lock:
            if name not in self._order:
                return True
            if self._floor is not None or self._order[0] != name:
                return False
            self._floor = self._order.pop(0)
            return True

    def _release(self, name: str) -> None:
        with self._lock:
            # Behind its last turn an actor keeps the floor to its end: its commit is in that step.
            if self._floor == name and name in self._order:
                self._floor = None
            self._wake()

    def _leave(self, name: str) -> None:
        with self._lock:
            self._order = [one for one in self._order if one != name]
            if self._floor == name:
                self._floor = None
            self._wake()

    def _wake(self) -> None:
        if self._floor is None and self._order and self._order[0] in self._signals:
            self._signals[self._order[0]].set()
