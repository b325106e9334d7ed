"""A process that is interrupted in the middle of a saga's step; run by test_sagas_interrupted.py.

Arguments: the store's URL, the file in which steps write down what they do, "sync" or "async", "run" or "run_due", and
"short" where the step ends by itself once the runner has stopped, or "long" where it never does.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tai_state import async_connect, connect
from tai_state._async.sagas import working as async_working
from tai_state._sync.sagas import working
from tai_state.sagas import AsyncSagaRunner, Saga, SagaRunner, Step, StepContext
from tests.children import end_with_parent

NAMES = ("reserve", "charge", "ship")
SHORT_DRAIN_SECONDS = 0.2


def write_down(deeds: Path, ctx: Any) -> None:
    """Add a line of what a step was called with."""
    with deeds.open("a", encoding="utf-8") as file:
        file.write(f"{ctx.step} {ctx.attempt} {ctx.key}\n")


def saga_of(deeds: Path) -> Saga:
    """Return the saga as one runs it whom nobody interrupts."""

    def act(ctx: StepContext) -> str:
        write_down(deeds, ctx)
        return ctx.key

    return Saga("order", [Step(name, act) for name in NAMES])


def interrupt(ctx: Any, deeds: Path) -> None:
    """Write down a step; in the middle of one of them, Ctrl-C comes."""
    write_down(deeds, ctx)
    if ctx.step == "charge":
        os.kill(os.getpid(), signal.SIGINT)


def run_sync(url: str, deeds: Path, way: str, length: str) -> None:
    stopped, end = threading.Event(), working.SagaWork._end

    def ends(self, hands):
        stopped.set()
        end(self, hands)

    working.SagaWork._end = ends  # type: ignore[method-assign]

    def act(ctx):
        interrupt(ctx, deeds)
        if ctx.step == "charge":
            stopped.wait()
            time.sleep(0 if length == "short" else 3600)
        return ctx.key

    # Not left in a ``with``, which would wait for the step once more.
    store = connect(url, actor="interrupted")
    getattr(SagaRunner(store, [Saga("order", [Step(name, act) for name in NAMES])], lease=lease_of(length)), way)()


async def async_run(url: str, deeds: Path, way: str, length: str) -> None:
    stopped, end = asyncio.Event(), async_working.AsyncSagaWork._end

    async def ends(self, hands):
        stopped.set()
        await end(self, hands)

    async_working.AsyncSagaWork._end = ends  # type: ignore[method-assign]

    async def act(ctx):
        interrupt(ctx, deeds)
        if ctx.step == "charge":
            await stopped.wait()
            await asyncio.sleep(0 if length == "short" else 3600)
        return ctx.key

    async with async_connect(url, actor="interrupted") as store:
        saga = Saga("order", [Step(name, act) for name in NAMES])
        await getattr(AsyncSagaRunner(store, [saga], lease=lease_of(length)), way)()


def lease_of(length: str) -> float:
    """Return how long nobody else may take the saga whose step was left behind; one that ended leaves it at once."""
    return 3600.0 if length == "short" else 1.0


def main(url: str, deeds: str, colour: str, way: str, length: str) -> None:
    if length == "long":
        for module in (working, async_working):
            vars(module)["DRAIN_SECONDS"] = SHORT_DRAIN_SECONDS
    if colour == "sync":
        run_sync(url, Path(deeds), way, length)
    else:
        asyncio.run(async_run(url, Path(deeds), way, length))


if __name__ == "__main__":
    end_with_parent()
    # A process that a shell started in the background ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(*sys.argv[1:])
