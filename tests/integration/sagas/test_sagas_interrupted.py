"""Ctrl-C in the middle of a saga's step: the caller gets it, and another worker goes on with nothing lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tai_state import StateMachinePersister, connect
from tai_state.keys import OwnGovernor
from tai_state.sagas import SagaRunner
from tests.integration.sagas.interrupt_worker import NAMES, saga_of
from tests.waits import SECONDS_MAX, eventually

WORKER = Path(__file__).with_name("interrupt_worker.py")
ROOT = Path(__file__).parents[3]

on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
on_firestore = pytest.mark.parametrize("url", [pytest.param("firestore", marks=pytest.mark.emulator)], indirect=True)


def interrupted(url, deeds, *arguments):
    """Start a saga, and let a process work at it that is interrupted in the middle of its second step."""
    with connect(url, actor="tester") as store:
        SagaRunner(store, [saga_of(deeds)]).start("shop", "o-1", "order", {"sku": "tea"})
    done = subprocess.run(
        [sys.executable, str(WORKER), url, str(deeds), *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    # It ends as a process does that nothing of ours kept from being interrupted.
    assert done.returncode == -signal.SIGINT, done.stderr
    return [line.split() for line in deeds.read_text(encoding="utf-8").splitlines()]


def gone_on_with(url, deeds):
    """Let another worker end the saga, and return all that its steps were called with, in order."""
    with connect(url, actor="another") as store:
        runner = SagaRunner(store, [saga_of(deeds)])
        assert eventually(lambda: runner.run_due() or runner.get("shop", "o-1").status == "completed")
        state = runner.get("shop", "o-1")
        assert (state.status, state.errors) == ("completed", [])
        called = [line.split() for line in deeds.read_text(encoding="utf-8").splitlines()]
        assert state.results == {name: key for name, _, key in called}
        report = StateMachinePersister(store).validate_consistency(OwnGovernor("sagas", "shop"))
        assert report.problems == []
    return called


def check_left_behind(url, deeds, colour, way):
    before = interrupted(url, deeds, colour, way, "long")
    assert [step for step, _, _ in before] == ["reserve", "charge"]
    called = gone_on_with(url, deeds)
    assert [(step, attempt) for step, attempt, _ in called] == [
        *(("reserve", "1"), ("charge", "1")),
        *(("charge", "2"), ("ship", "1")),
    ]
    assert called[1][2] == called[2][2]


def check_ended(url, deeds, colour, way):
    before = interrupted(url, deeds, colour, way, "short")
    assert [step for step, _, _ in before] == ["reserve", "charge"]
    called = gone_on_with(url, deeds)
    assert [(step, attempt) for step, attempt, _ in called] == [(name, "1") for name in NAMES]


@on_sqlite
@pytest.mark.parametrize(("colour", "way"), [("sync", "run_due"), ("async", "run")])
def test_a_step_that_an_interrupt_leaves_behind_runs_again_under_its_key(url, tmp_path, colour, way):
    """By another worker, once the lease has ended; no other step does."""
    check_left_behind(url, tmp_path / "deeds", colour, way)


@on_firestore
@pytest.mark.parametrize(("colour", "way"), [("sync", "run")])
def test_a_step_that_an_interrupt_leaves_behind_on_firestore_runs_again_under_its_key(url, tmp_path, colour, way):
    """There, too."""
    check_left_behind(url, tmp_path / "deeds", colour, way)


@on_sqlite
@pytest.mark.parametrize(("colour", "way"), [("sync", "run"), ("async", "run_due")])
def test_a_step_that_ends_behind_an_interrupt_is_not_run_again(url, tmp_path, colour, way):
    """Its outcome is kept, and the saga is left to others at once, however long the lease is."""
    check_ended(url, tmp_path / "deeds", colour, way)


@on_firestore
@pytest.mark.parametrize(("colour", "way"), [("async", "run_due")])
def test_a_step_that_ends_behind_an_interrupt_on_firestore_is_not_run_again(url, tmp_path, colour, way):
    """There, too."""
    check_ended(url, tmp_path / "deeds", colour, way)
