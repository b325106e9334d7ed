"""A simulation of a user's own workload: his worker in processes that die, and his invariants behind them."""

import pytest

from tai_state import AsyncTransactionManager, ConfigurationError, StateExistsError, TaiStateError
from tai_state.testing import Faults, Simulation, SimulationFailure, SimulationPlan

PLAN = SimulationPlan(workers=3, faults=Faults(crash=0.02, reply_lost=0.1), downtime=0.1)
TRANSFERS = 6


async def fill(store, name, rng):
    """Open the account of a worker, and move what it holds to the others, a key for each move."""
    own, others = f"account-{name}", [f"account-w{number}" for number in range(3)]
    await store.save_state("bank", own, {"n": 10}, idempotency_key="open")
    manager = AsyncTransactionManager(store)
    for number in range(TRANSFERS):
        target = rng.choice([one for one in others if one != own])

        async def move(tx, target=target):
            left = await tx.find_state("bank", own)
            there = await tx.find_state("bank", target)
            if left is None or there is None:
                return
            await tx.save_state("bank", own, {"n": left.data["n"] - 1})
            await tx.save_state("bank", target, {"n": there.data["n"] + 1})

        try:
            await manager.run(move, idempotency_key=f"{name}-{number}", timeout=20.0)
        except TaiStateError:
            continue


async def nothing_is_lost(store):
    """The accounts hold what was put into them."""
    assert sum([one.data["n"] async for one in store.list_states("bank")]) == 30


def test_a_users_worker_and_invariants_are_run():
    """With crashes and lost replies; the same seed makes the same run."""
    first, second = (Simulation(4, PLAN, worker=fill, invariants=[nothing_is_lost]).run() for _ in range(2))
    assert first == second
    assert first.events >= 3
    assert first.crashes >= 1
    assert sum(first.injected.values()) > 1


async def racy(store, name, rng):
    """Read and write back without a check, so that increments are lost."""
    del name, rng
    for _ in range(5):
        found = await store.find_state("g", "s")
        await store.save_state("g", "s", {"n": 1 if found is None else found.data["n"] + 1})


async def counted(store):
    """Every increment is there."""
    found = await store.find_state("g", "s")
    assert found is not None
    assert found.data["n"] == 15


def test_an_invariant_that_does_not_hold_is_named():
    """With the seed that shows it."""
    with pytest.raises(SimulationFailure) as caught:
        Simulation(1, SimulationPlan(workers=3), worker=racy, invariants=[counted]).run()
    assert (caught.value.seed, caught.value.invariant) == (1, "counted")


async def failing(store, name, rng):
    """Fail as a service does."""
    del name, rng
    await store.save_state("g", "s", {}, expected_version=0)
    await store.save_state("g", "s", {}, expected_version=0)


def test_a_worker_that_raises_fails_the_run():
    """Whatever it is."""
    with pytest.raises(SimulationFailure) as caught:
        Simulation(1, SimulationPlan(workers=1), worker=failing).run()
    assert caught.value.__cause__ is not None
    assert isinstance(caught.value.__cause__, TaiStateError | StateExistsError)


def plain(store, name, rng):
    """No coroutine function."""


WRONG = {
    "a text for a seed": {"seed": "1"},
    "a bool for a seed": {"seed": True},
    "a dict for a plan": {"plan": {"workers": 1}},
    "a plain worker": {"worker": plain},
    "a number for a worker": {"worker": 3},
    "a plain invariant": {"worker": fill, "invariants": [plain]},
    "no list of invariants": {"worker": fill, "invariants": 3},
    "invariants alone": {"invariants": [nothing_is_lost]},
}


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG)
def test_an_argument_that_is_none_is_refused(options):
    """Where it comes in, and named."""
    with pytest.raises(ConfigurationError):
        Simulation(**{"seed": 1, **options})


@pytest.mark.parametrize(
    "options", [{"workers": "3"}, {"workers": -1}, {"faults": 0.1}, {"work": [1]}, {"think": True}]
)
def test_a_plan_that_is_none_is_refused(options):
    """The error names the field."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        SimulationPlan(**options)
