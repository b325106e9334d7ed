"""``erase``."""

import json
import shutil

import pytest
from click.testing import CliRunner

from tai_state.cli import main


@pytest.fixture
def url(store_url, tmp_path):
    """A copy of the store, of which something is to go."""
    shutil.copy(store_url.removeprefix("sqlite:///"), tmp_path / "copy.db")
    return f"sqlite:///{tmp_path / 'copy.db'}"


def run(url, *arguments, code=0):
    result = CliRunner().invoke(main, ["--store", url, "--actor", "ann", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_a_state_is_erased(url):
    """It is gone, the store is sound, and the record tells who and why."""
    record = json.loads(run(url, "erase", "house", "front", "--reason", "asked", "--yes", "--json").stdout)
    assert (record["governor_id"], record["state_id"], record["states"]) == ("house", "front", 1)
    assert "was deleted" in run(url, "show", "house", "front", code=1).stderr
    assert "nothing found" in run(url, "verify").stdout
    last = json.loads(run(url, "history", "house", "front", "--json").stdout.splitlines()[-1])
    assert (last["kind"], last["metadata"]["changed_by"], last["metadata"]["reason"]) == ("erase", "ann", "asked")


def test_a_governor_is_erased(url):
    """With all of its states."""
    assert "states" in run(url, "erase", "house", "--reason", "closed", "--yes").stdout
    assert run(url, "states", "house").stdout == ""


def test_it_needs_a_reason(url):
    """Nothing is erased without."""
    assert "--reason" in run(url, "erase", "house", "front", "--yes", code=2).stderr
    run(url, "show", "house", "front")


def test_it_asks(url):
    """Without a terminal, and without --yes, nothing is done."""
    assert "--yes" in run(url, "erase", "house", "front", "--reason", "asked", code=2).stderr


def test_a_state_that_never_was(url):
    """Is told."""
    assert "does not exist" in run(url, "erase", "house", "nobody", "--reason", "asked", "--yes", code=1).stderr
