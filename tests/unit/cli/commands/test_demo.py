"""The demo's audit: it finds what it is there to find."""

import asyncio
from dataclasses import replace

import pytest

from tai_state import MemoryStore, StateMachinePersister, SystemClock
from tai_state.cli.commands.demo.audit import Audit
from tai_state.cli.commands.demo.command import MOVES as MOVES_OF_A_GOVERNOR
from tai_state.cli.commands.demo.crew import LEASH_MOVES, Crew, Shift
from tai_state.cli.commands.demo.plan import JOB_VARIABLE, MACHINE, STATE, Ack, Job, walk

MOVES = 12


@pytest.fixture
def store():
    with MemoryStore(actor="worker-1") as store:
        yield store


def driven(store, moves=MOVES):
    """Let one worker drive governor g through its walk; return its shift."""
    persister = StateMachinePersister(store, MACHINE)
    shift = Shift(Job("memory://", "worker-1", ("g",), MOVES), 1)
    for step in walk("g", moves):
        if step.action is None:
            result = persister.start("g", STATE, {"steps": 1, "load": 0}, idempotency_key=step.key)
        else:
            result = persister.transition("g", STATE, step.action, step.payload, idempotency_key=step.key)
        shift.acks.append(Ack("g", step.number, step.key, result.version, result.to_status, result.replayed))
    return shift


def judged(store, shift):
    return Audit(store, [shift]).judge(["g"], MOVES)


def test_a_whole_run_is_sound(store):
    """Every move acknowledged and found once."""
    verdict = judged(store, driven(store))
    assert verdict.is_sound
    assert (verdict.planned, verdict.acknowledged, verdict.found, verdict.lost) == (MOVES, MOVES, MOVES, 0)


def test_an_acknowledged_move_that_is_not_there_is_lost(store):
    """What a worker was told must be in the history."""
    shift = driven(store, MOVES - 1)
    last = walk("g", MOVES)[-1]
    shift.acks.append(Ack("g", last.number, last.key, MOVES, last.status, again=False))
    verdict = judged(store, shift)
    assert (verdict.lost, verdict.is_sound) == (1, False)


def test_an_acknowledgement_of_another_version_is_lost(store):
    """Being there is not enough: it must be there as acknowledged."""
    shift = driven(store)
    shift.acks[3] = Ack("g", 4, shift.acks[3].key, 5, shift.acks[3].status, again=False)
    assert judged(store, shift).lost == 1


def test_a_move_too_many_is_found(store):
    """A change that nobody planned is not sound."""
    shift = driven(store)
    store.save_state("g", STATE, {})
    assert not judged(store, shift).is_sound


def test_a_move_that_nobody_acknowledged_is_not_sound(store):
    """The last worker of a governor acknowledges all that was left open."""
    shift = driven(store)
    shift.acks.pop()
    assert not judged(store, shift).is_sound


def test_a_walk_is_the_same_in_every_process():
    """That is how one worker takes over from another."""
    assert walk("g", 30) == walk("g", 30)
    assert walk("g", 30) != walk("h", 30)


def test_a_doomed_worker_cannot_end_its_work():
    """It waits at its leash before its governors are through: the kill always finds it alive."""
    # A second generation asks for two moves again and goes on from what the first one made.
    assert 2 * LEASH_MOVES < 2 * MOVES_OF_A_GOVERNOR + 2


def test_a_job_is_read_as_it_was_written():
    """Nothing is lost on the way to the worker."""
    assert Job.from_json(Job("s", "w", ("a", "b"), 3, 4).to_json()) == Job("s", "w", ("a", "b"), 3, 4)


async def test_a_password_stands_in_no_list_of_processes(monkeypatch):
    """What a worker is told comes by its environment, which its own user alone can read."""
    job, started = Job("redis://:hush@host/0", "", (), MOVES), []

    async def start(*arguments, env, **_):
        started.append((arguments, env))
        raise FileNotFoundError

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    with pytest.raises(FileNotFoundError):
        await Crew(job, clock=SystemClock(), seed=1, say=print).run([(("g",), 0)], timeout=60)
    ((arguments, env),) = started
    assert "hush" not in "".join(arguments)
    assert Job.from_json(env[JOB_VARIABLE]) == replace(job, worker="worker-1", governors=("g",))
