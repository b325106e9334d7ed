"""An event loop for one simulated run: time is virtual, and what runs next is drawn from a seed."""

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

from tai_state.testing.clock import ManualClock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


UNWINDING_ROUNDS_MAX = 10_000
UNWINDING_STEPS_MAX = 1_000_000
"""How often the tasks left behind a run are cancelled, and how many steps they get."""


class StuckError(Exception):
    """The run does not come to its end: everybody waits for nothing, or it takes too many steps."""


class SimulationLoop(asyncio.BaseEventLoop):
    """Runs callbacks on one thread, one at a time, in an order that its *choices* give.

    Among what is ready any callback may be next, so that tasks are interleaved at every await. When nothing is
    ready, the clock moves to the next timer: no run waits for real time, and none depends on it.
    """

    def __init__(self, clock: ManualClock, choices: random.Random, *, steps_max: int) -> None:
        """Begin with nothing to do."""
        super().__init__()
        self.steps = 0
        self.unhandled: list[dict[str, Any]] = []
        self.on_task: Callable[[asyncio.Task[Any]], None] | None = None
        self._manual_clock = clock
        self._choices = choices
        self._steps_max = steps_max
        self._callbacks: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()
        self._tasks: list[asyncio.Task[Any]] = []
        self._tasks_pruned_at = 64
        self.set_exception_handler(lambda _, context: self.unhandled.append(context))

    # What asyncio asks of a loop

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._manual_clock.monotonic()

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Make *callback* ready."""
        handle = asyncio.Handle(callback, args, self, context)
        self._callbacks.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Make *callback* ready; there is one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Make *callback* ready in *delay* virtual seconds."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Make *callback* ready at *when*."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task, and tell whoever keeps account of tasks."""
        task: asyncio.Task[Any] = super().create_task(coro, **options)
        if len(self._tasks) >= self._tasks_pruned_at:
            self._tasks = [one for one in self._tasks if not one.done()]
            self._tasks_pruned_at = 2 * len(self._tasks) + 64
        self._tasks.append(task)
        if self.on_task is not None:
            self.on_task(task)
        return task

    # Running

    def run_main(self, main: Coroutine[Any, Any, T], *, check: Callable[[], None] = lambda: None) -> T:
        """Run until *main* has ended, and return its result.

        Args:
            check: Called after each step; what it raises ends the run.

        Raises:
            StuckError: It never would.
        """
        asyncio._set_running_loop(self)  # noqa: SLF001 - as every loop does
        try:
            task = self.create_task(main)
            while not task.done():
                self._step()
                check()
            result: T = task.result()
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001 - as above
        return result

    def end_all(self) -> None:
        """Cancel whatever still runs, and let it unwind."""
        asyncio._set_running_loop(self)  # noqa: SLF001 - as every loop does
        self._steps_max = self.steps + UNWINDING_STEPS_MAX
        try:
            for _ in range(UNWINDING_ROUNDS_MAX):
                # Some take a cancellation for theirs and wait on: they are asked again.
                open_tasks = [task for task in self._tasks if not task.done()]
                if not open_tasks:
                    break
                for task in open_tasks:
                    task.cancel()
                for _ in range(len(self._callbacks)):
                    self._step()
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001 - as above
            self._callbacks.clear()
            self._timers.clear()
            for task in self._tasks:
                if task.done() and not task.cancelled():
                    task.exception()  # seen: the run is over

    def _step(self) -> None:
        """Run one callback: any of those that are ready."""
        self.steps += 1
        if self.steps > self._steps_max:
            message = f"the run did not end within {self._steps_max} steps"
            raise StuckError(message)
        ready = self._callbacks
        if not ready:
            self._let_time_pass()
        index = int(self._choices.random() * len(ready))
        ready[index], ready[-1] = ready[-1], ready[index]
        handle = ready.pop()
        if not handle.cancelled():
            handle._run()  # noqa: SLF001 - as every loop does

    def _let_time_pass(self) -> None:
        """Move the clock to the next timer, and make it ready with all that are due by then."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            message = "everybody waits, and nothing is left that could wake anybody"
            raise StuckError(message)
        when = self._timers[0][0]
        self._manual_clock.advance(max(0.0, when - self.time()))
        # A nanosecond is what the clock tells apart.
        due = max(when, self.time()) + 1e-9
        while self._timers and self._timers[0][0] <= due:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled():
                self._callbacks.append(timer)
