"""A short seeded part of the chaos runs: lost replies, aimed kills, and a client in which they find errors."""

import pytest

from tests.chaos import runs
from tests.chaos.faults import KILLS, Fault
from tests.chaos.worker import AFTER_COMMIT, BEFORE_COMMIT

SECONDS_MAX = 240.0
CLIENTS = 3
SHORT_FAULTS = {**runs.FAULTS, Fault.CUT_AFTER: 0.1, Fault.KILL_AFTER: 0.06}


@pytest.mark.timeout(300)
@pytest.mark.emulator
def test_nothing_is_lost_or_doubled_under_lost_replies_and_kills(
    tai_state_emulator_server, tai_state_project, tmp_path, scale
):
    """On the emulator: each acknowledged move is stored once, and every history is linearizable."""
    run = runs.on_emulator(
        tai_state_emulator_server.host,
        tai_state_project,
        tmp_path,
        seed="short",
        clients=CLIENTS,
        share=scale(12, 35),
        faults=SHORT_FAULTS,
        seconds_max=SECONDS_MAX,
    )
    run.tell("emulator")
    assert run.problems == []
    assert run.evidence.acknowledged >= scale(30, 90)
    assert run.lost_replies >= scale(2, 6)
    assert run.figures.kills == sum(run.faults[fault] for fault in KILLS) >= scale(1, 3)


@pytest.mark.timeout(300)
def test_nothing_is_lost_or_doubled_under_kills_around_the_commit(tmp_path, scale):
    """On SQLite, where the processes kill themselves before and behind the commit, and others kill and freeze them."""
    run = runs.on_sqlite(
        tmp_path,
        seed="short",
        clients=CLIENTS,
        share=scale(20, 70),
        dooms=scale({BEFORE_COMMIT: 0.06, AFTER_COMMIT: 0.08}, {BEFORE_COMMIT: 0.02, AFTER_COMMIT: 0.03}),
        kills_per_second=1.0,
        freezes_per_second=0.3,
        seconds_max=SECONDS_MAX,
    )
    run.tell("sqlite")
    assert run.problems == []
    assert run.evidence.acknowledged >= scale(45, 180)
    assert run.evidence.notes[AFTER_COMMIT] >= scale(2, 3)
    assert run.evidence.notes[BEFORE_COMMIT] >= scale(1, 2)
    assert run.figures.kills >= run.evidence.notes[AFTER_COMMIT] + run.evidence.notes[BEFORE_COMMIT]


@pytest.mark.more
@pytest.mark.timeout(300)
def test_redis_loses_and_doubles_nothing(tmp_path):
    """Clients are killed with commits on their way and behind them, and so is the server, which flushes always."""
    run, deaths = runs.on_redis(
        tmp_path,
        seed="short",
        clients=CLIENTS,
        share=120,
        dooms={BEFORE_COMMIT: 0.02, AFTER_COMMIT: 0.03},
        kills_per_second=0.5,
        freezes_per_second=0.3,
        seconds_between_deaths=1.5,
        seconds_max=SECONDS_MAX,
    )
    run.tell(f"redis, {deaths} deaths of the server")
    assert run.problems == []
    assert run.evidence.acknowledged >= 250
    assert run.evidence.notes[AFTER_COMMIT] >= 3
    assert run.evidence.notes[BEFORE_COMMIT] >= 2
    assert deaths >= 2


@pytest.mark.timeout(300)
@pytest.mark.emulator
def test_the_usual_loop_doubles_moves_under_the_same_faults(
    tai_state_emulator_server, tai_state_project, tmp_path, scale
):
    """The judge finds the duplicates, so it would have found ours."""
    run = runs.on_emulator(
        tai_state_emulator_server.host,
        tai_state_project,
        tmp_path,
        seed="naive",
        clients=CLIENTS,
        share=scale(20, 40),
        faults={Fault.CUT_AFTER: 0.1, Fault.KILL_AFTER: 0.05},
        naive=True,
        seconds_max=SECONDS_MAX,
    )
    run.tell("naive")
    aimed = run.lost_replies + run.figures.kills
    assert aimed >= scale(5, 10)
    assert len(run.verdict["duplicated"]) >= aimed // 2
    assert run.verdict["not linearizable"] != []
