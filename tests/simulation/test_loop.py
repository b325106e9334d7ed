"""The simulation's event loop: virtual time, seeded order, and no run that never ends."""

import asyncio
import itertools
import random

import pytest

from tai_state.testing import ManualClock
from tai_state.testing.simulation.loop import SimulationLoop, StuckError


def loop_of(seed, steps_max=10_000):
    return SimulationLoop(ManualClock(), random.Random(seed), steps_max=steps_max)


def run(seed, main, **options):
    loop = loop_of(seed, **options)
    try:
        return loop.run_main(main)
    finally:
        loop.end_all()
        loop.close()


async def interleaved():
    """Let three tasks write their names, three times each."""
    order = []

    async def writer(name):
        for _ in range(3):
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(writer(name) for name in "abc"))
    return "".join(order)


def test_the_seed_decides_the_order():
    """One seed, one order; many seeds, many orders, and among them every first."""
    orders = [run(seed, interleaved()) for seed in range(50)]
    assert orders == [run(seed, interleaved()) for seed in range(50)]
    assert len(set(orders)) > 40
    assert {order[0] for order in orders} == {"a", "b", "c"}


def test_time_is_virtual():
    """An hour passes at once, and timers come in the order of their times."""

    async def main():
        loop, woken = asyncio.get_running_loop(), []

        async def sleeper(seconds):
            await asyncio.sleep(seconds)
            woken.append((seconds, loop.time()))

        await asyncio.gather(sleeper(3600.0), sleeper(0.5), sleeper(2.0))
        return woken

    assert run(1, main()) == [(0.5, 0.5), (2.0, 2.0), (3600.0, 3600.0)]


def test_a_timeout_is_virtual_too():
    """What waits for nothing is ended by its timeout."""

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60.0):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(1, main()) == 60.0


def test_a_run_in_which_all_wait_for_nothing_is_ended():
    """Nothing is ready, and no timer will come."""
    with pytest.raises(StuckError, match="everybody waits"):
        run(1, asyncio.Event().wait())


def test_a_run_that_takes_too_many_steps_is_ended():
    """Two that wake each other for ever."""

    async def main():
        for _ in itertools.count():
            await asyncio.sleep(0)

    with pytest.raises(StuckError, match="100 steps"):
        run(1, main(), steps_max=100)


def test_what_is_left_behind_is_unwound():
    """Tasks that still run when the main one ends get their cancellation, and their last words."""
    words, tasks = [], []

    async def forgotten():
        try:
            await asyncio.sleep(100.0)
        finally:
            words.append("ended")

    async def main():
        tasks.append(asyncio.ensure_future(forgotten()))
        await asyncio.sleep(0.1)

    run(1, main())
    assert words == ["ended"]
