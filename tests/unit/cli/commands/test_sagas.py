"""``sagas``."""

import json

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main
from tai_state.sagas import Saga, SagaRunner, Step


def fails(ctx):
    """Fail, by what the saga's data says."""
    if ctx.data["fails"] == (ctx.step if ctx.outcome is None else f"undo {ctx.step}"):
        message = "no"
        raise OSError(message)


ORDER = Saga("order", [Step("reserve", print, fails), Step("pay", fails, fails), Step("ship", fails)])


@pytest.fixture
def runner(tmp_path):
    """A store with a saga that has been undone, one that has completed, and one that is to run."""
    with SqliteStore(tmp_path / "sagas.db", actor="ann") as store:
        runner = SagaRunner(store, [ORDER])
        for saga_id, step in (("a", "ship"), ("b", "")):
            runner.start("shop", saga_id, "order", {"fails": step})
        runner.run_due()
        runner.start("shop", "c", "order", {"fails": ""})
        yield runner


@pytest.fixture
def call(runner, tmp_path):
    """Run a command of the group on it, and expect its exit code."""
    url = f"sqlite:///{tmp_path / 'sagas.db'}"

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, ["--store", url, "--actor", "eve", "--reason", "so", "sagas", *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def listed(result):
    """Return what a list shows, by id."""
    return {one["saga_id"]: one for one in map(json.loads, result.stdout.splitlines())}


def test_the_sagas_of_a_governor_are_listed(call):
    """With where they stand; by status, and by name."""
    shown = listed(call("list", "shop", "--json"))
    assert {id_: one["status"] for id_, one in shown.items()} == {"a": "compensated", "b": "completed", "c": "running"}
    assert list(listed(call("list", "shop", "--status", "running", "--json"))) == ["c"]
    assert listed(call("list", "shop", "--saga", "refund", "--json")) == {}
    assert "no such saga" in call("list", "none").stderr
    assert [line.split()[0] for line in call("list", "shop").stdout.splitlines()][1:] == ["a", "b", "c"]


def test_a_saga_is_shown_with_its_steps_and_errors(call):
    """To people and to programs."""
    shown = call("show", "shop", "a").stdout
    assert "compensated" in shown
    assert "ship, action, attempt 1: OSError: no" in shown
    told = json.loads(call("show", "shop", "a", "--json").stdout)
    assert [step["stage"] for step in told["steps"]] == ["compensated", "compensated", "failed"]
    assert told["data"] == {"fails": "ship"}
    assert call("show", "shop", "z", code=1).stderr


def test_a_saga_turns_back_when_it_is_told_to(call, runner):
    """By who asks, for his reason; the workers undo it."""
    shown = json.loads(call("compensate", "shop", "b", "--yes", "--json").stdout)
    assert (shown["status"], shown["reason"]) == ("compensating", "so")
    runner.run_due()
    assert runner.get("shop", "b").status == "compensated"
    assert "--yes" in call("compensate", "shop", "c", code=2).stderr
    assert call("compensate", "shop", "b", "--yes", code=1).stderr


def test_a_saga_that_has_ended_has_nothing_to_try_again(call):
    """It is left as it is, and the exit code says so."""
    assert "resume" in call("retry", "shop", "b", code=1).stderr
    assert json.loads(call("retry", "shop", "c", "--json").stdout)["status"] == "running"
