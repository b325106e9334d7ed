"""Chaos at length: ten thousand moves through lost replies, aimed kills and frozen processes; and what finds errors."""

import os

import pytest

from tests.chaos import runs
from tests.chaos.faults import KILLS, Fault
from tests.chaos.worker import AFTER_COMMIT, BEFORE_COMMIT

SEED = os.environ.get("TORTURE_SEED", "chaos")
ACKNOWLEDGED = 10_000
LOST_REPLIES = 500
SIGKILLS = 200
SECONDS_MAX = 1_800.0


@pytest.mark.torture
@pytest.mark.emulator
def test_the_emulator_loses_and_doubles_nothing(tai_state_emulator_server, tai_state_project, tmp_path):
    """Under every fault of the proxy, zombies and stolen locks among them, each history is linearizable."""
    run = runs.on_emulator(
        tai_state_emulator_server.host,
        tai_state_project,
        tmp_path,
        seed=SEED,
        clients=6,
        share=1_850,
        seconds_max=SECONDS_MAX,
    )
    run.tell("emulator")
    assert run.problems == []
    assert run.evidence.acknowledged >= ACKNOWLEDGED
    assert run.lost_replies >= LOST_REPLIES
    assert run.figures.kills == sum(run.faults[fault] for fault in KILLS) >= SIGKILLS
    assert min(run.faults[fault] for fault in Fault) >= 20
    assert run.evidence.notes["replayed"] >= SIGKILLS // 4
    assert run.evidence.notes["lost a lock"] >= 3


@pytest.mark.torture
def test_sqlite_loses_and_doubles_nothing(tmp_path):
    """Under kills before, behind and around the commit, and under freezes, each history is linearizable."""
    run = runs.on_sqlite(
        tmp_path,
        seed=SEED,
        clients=6,
        share=1_850,
        dooms={BEFORE_COMMIT: 0.006, AFTER_COMMIT: 0.012},
        kills_per_second=0.3,
        freezes_per_second=0.4,
        seconds_max=SECONDS_MAX,
    )
    run.tell("sqlite")
    notes = run.evidence.notes
    assert run.problems == []
    assert run.evidence.acknowledged >= ACKNOWLEDGED
    assert run.figures.kills >= SIGKILLS
    assert notes[AFTER_COMMIT] >= 50
    assert notes[BEFORE_COMMIT] >= 20
    assert run.figures.kills > notes[AFTER_COMMIT] + notes[BEFORE_COMMIT]
    assert run.figures.freezes >= 5
    assert notes["replayed"] >= 25


@pytest.mark.torture
def test_redis_loses_and_doubles_nothing_for_long(tmp_path):
    """Under kills around the commit, under freezes, and under deaths of a server that flushes always."""
    run, deaths = runs.on_redis(
        tmp_path,
        seed=SEED,
        clients=6,
        share=1_850,
        dooms={BEFORE_COMMIT: 0.006, AFTER_COMMIT: 0.012},
        kills_per_second=0.3,
        freezes_per_second=0.4,
        seconds_between_deaths=3.0,
        seconds_max=SECONDS_MAX,
    )
    run.tell(f"redis, {deaths} deaths of the server")
    notes = run.evidence.notes
    assert run.problems == []
    assert run.evidence.acknowledged >= ACKNOWLEDGED
    assert run.figures.kills >= SIGKILLS
    assert notes[AFTER_COMMIT] >= 50
    assert notes[BEFORE_COMMIT] >= 20
    assert run.figures.freezes >= 5
    assert notes["replayed"] >= 25
    assert deaths >= 10


@pytest.mark.torture
@pytest.mark.emulator
def test_the_usual_loop_is_found_out_on_the_emulator(tai_state_emulator_server, tai_state_project, tmp_path):
    """The official client, read again and tried again, doubles a move for most of the lost replies."""
    run = runs.on_emulator(
        tai_state_emulator_server.host,
        tai_state_project,
        tmp_path,
        seed=SEED,
        clients=4,
        share=250,
        naive=True,
        seconds_max=SECONDS_MAX,
    )
    run.tell("the usual loop")
    assert run.lost_replies >= 20
    assert run.figures.kills >= 5
    assert len(run.verdict["duplicated"]) >= run.lost_replies // 2
    assert run.verdict["not linearizable"] != []


@pytest.mark.torture
def test_moves_without_keys_are_found_out_on_sqlite(tmp_path):
    """Whoever is killed behind the commit makes its move again, and the log has it twice."""
    run = runs.on_sqlite(
        tmp_path,
        seed=SEED,
        clients=4,
        share=250,
        dooms={AFTER_COMMIT: 0.03},
        kills_per_second=0.0,
        freezes_per_second=0.0,
        keys=False,
        seconds_max=SECONDS_MAX,
    )
    run.tell("without keys")
    assert run.figures.kills >= 10
    assert len(run.verdict["duplicated"]) >= 5
    assert run.verdict["not linearizable"] != []
