"""The simulation: sound code passes every seed, planted bugs are found, and a seed replays its run exactly."""

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tai_state import ConfigurationError
from tai_state.testing import Simulation, SimulationFailure, SimulationPlan
from tests.simulation import planted
from tests.simulation.totals import run_seeds

ROOT = Path(__file__).resolve().parents[2]
CHUNK = 30
SEEDS = [first if first < 2 * CHUNK else pytest.param(first, marks=pytest.mark.more) for first in range(0, 240, CHUNK)]
"""The first ones of each chunk: two chunks run in `make test`, eight in all."""
FOUND_WITHIN = 1000
FINGERPRINTS = """
import logging
logging.disable()
from tai_state.testing import Simulation
for seed in range({first}, 6):
    print(seed, Simulation(seed).run().fingerprint)
"""


@pytest.mark.parametrize("first", SEEDS)
def test_every_seed_passes(first):
    """No invariant is broken; and the runs were not idle, and met every fault."""
    assert run_seeds(first, first + CHUNK).shortcomings() == []


@pytest.mark.parametrize("plant", planted.PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant, monkeypatch):
    """One of the seeds finds it."""
    plant(monkeypatch)
    with pytest.raises(SimulationFailure):
        run_seeds(planted.PLANTED[plant], FOUND_WITHIN)


@pytest.mark.parametrize("plant", planted.PLANTED_DEEPER, ids=lambda plant: plant.__name__)
def test_a_deeper_bug_is_found(plant, monkeypatch):
    """A plan of a user's own finds what the seeds' plans seldom do; and the sound code passes it."""
    plan = planted.PLANTED_DEEPER[plant]
    run_seeds(0, 3, plan)
    plant(monkeypatch)
    with pytest.raises(SimulationFailure):
        run_seeds(0, FOUND_WITHIN, plan)


@pytest.mark.parametrize("plant", planted.PLANTED_DISTURBED, ids=lambda plant: plant.__name__)
def test_a_bug_that_shows_when_clocks_jump_or_strangers_write_is_found(plant, monkeypatch):
    """By those disturbances: the sound code passes them, and without them the bug does not show."""
    plan = planted.PLANTED_DISTURBED[plant]
    run_seeds(0, 3, plan)
    plant(monkeypatch)
    run_seeds(0, 3, replace(plan, store_jumps=0, wall_jumps=0, strangers=0))
    with pytest.raises(SimulationFailure):
        run_seeds(0, FOUND_WITHIN, plan)


def test_a_failure_names_its_seed_and_happens_again(monkeypatch):
    """The message holds what one needs to replay it, and the replay ends in the very same line."""
    planted.unguarded_write(monkeypatch)
    failures = []
    for _ in range(2):
        with pytest.raises(SimulationFailure) as raised:
            run_seeds(0, FOUND_WITHIN)
        failures.append(raised.value)
    first, second = failures
    assert f"Simulation({first.seed}).run()" in str(first)
    assert str(first) == str(second)
    assert len(first.trace) == 60
    assert str(pickle.loads(pickle.dumps(first))) == str(first), "it comes from a process of its own"


def test_a_seed_replays_one_run_exactly():
    """Step by step the same, in other processes with other hash seeds, and whatever ran before."""
    told = set()
    for first, hash_seed in ((0, "1"), (3, "2")):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        program = [sys.executable, "-c", FINGERPRINTS.format(first=first)]
        printed = subprocess.check_output(program, env=environment, cwd=ROOT, text=True, timeout=60)
        told.add(tuple(printed.splitlines()[-3:]))
    assert len(told) == 1
    assert Simulation(5).run().fingerprint in next(iter(told))[-1]


def test_two_seeds_make_two_runs():
    """Also with the same plan."""
    plan = SimulationPlan()
    assert Simulation(1, plan).run().fingerprint != Simulation(2, plan).run().fingerprint


def test_a_run_without_faults_leaves_no_doubt():
    """Everybody gets an answer, and nobody dies."""
    plan = SimulationPlan(cancelled=0.0, hurried=0.0, requests=6)
    report = Simulation(1, plan).run()
    assert (report.in_doubt, report.crashes, report.injected.total()) == (0, 0, 0)
    assert report.events >= report.acknowledged > 10


async def test_a_simulation_inside_a_coroutine_is_refused():
    """It has an event loop of its own."""
    with pytest.raises(ConfigurationError, match="an event loop of its own"):
        Simulation(1).run()


def test_a_lock_is_trusted_no_longer_than_by_the_renewal_that_landed():
    """A guarded change had renewed it, and its reply was lost; the heartbeat behind it took that for its own."""
    Simulation(69783).run()
