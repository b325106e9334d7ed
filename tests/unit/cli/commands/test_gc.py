"""``gc``."""

import json
import shutil

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore, TransactionManager
from tai_state.cli import main


@pytest.fixture
def grown(store_url, tmp_path):
    """A copy of the store with a state of 210 versions."""
    shutil.copy(store_url.removeprefix("sqlite:///"), tmp_path / "copy.db")
    with SqliteStore(tmp_path / "copy.db", synchronous="NORMAL") as store:
        for number in range(210):
            store.save_state("long", "s", {"n": number})
    return f"sqlite:///{tmp_path / 'copy.db'}"


def gc(url, *arguments, code=0, answer=None):
    result = CliRunner().invoke(main, ["--store", url, *arguments], input=answer)
    assert result.exit_code == code, result.output
    return result


def test_without_options_histories_stay(grown):
    """One line says what was removed: nothing."""
    assert "0 documents" in gc(grown, "gc", "--yes").stdout


def test_what_transactions_wrote_is_sealed(tmp_path):
    """As many at a time as the settings say, 100 where they say nothing; then it can be compacted."""
    with SqliteStore(tmp_path / "s.db", synchronous="NORMAL") as store:
        for number in range(130):
            with TransactionManager(store).begin() as tx:
                tx.save_state("g", "s", {"n": number})
    url = f"sqlite:///{tmp_path / 's.db'}"
    assert json.loads(gc(url, "gc", "--dry-run", "--json").stdout)["sealed"] == 100
    assert "events sealed" in gc(url, "gc", "--yes").stdout
    (tmp_path / "few.toml").write_text("[persistence]\nsegment_events = 10\n")
    few = ("--config", str(tmp_path / "few.toml"), "gc", "--compact-after", "0", "--yes", "--json")
    record = json.loads(gc(url, *few).stdout)
    assert (record["sealed"], record["events"]) == (30, 130)
    assert "nothing found" in gc(url, "verify").stdout


def test_a_dry_run_counts_and_writes_nothing(grown):
    """Its exit code says that something would go."""
    for _ in range(2):
        result = gc(grown, "gc", "long", "--compact-after", "0", "--dry-run", code=1)
        assert "would be removed  200 documents" in result.stdout


def test_sealed_events_are_kept_in_segments_alone(grown):
    """And the store stays sound."""
    record = json.loads(gc(grown, "gc", "long", "--compact-after", "0", "--yes", "--json").stdout)
    assert (record["events"], record["documents"], record["is_dry_run"], record["left"]) == (200, 200, False, [])
    assert record["bytes"] > 0
    assert "nothing found" in gc(grown, "verify").stdout


def test_histories_are_trimmed(grown):
    """The oldest first; what is left is told, and what is not."""
    assert "histories trimmed" in gc(grown, "gc", "long", "--max-events", "5", "--yes").stdout
    assert "nothing found" in gc(grown, "verify").stdout
    assert "history_trimmed" in gc(grown, "history", "long", "s", "--after", "1", "--json", code=1).stderr
    assert len(gc(grown, "history", "long", "s", "--after", "205", "--json").stdout.splitlines()) == 5
    listed = gc(grown, "history", "long", "s", "--json")
    assert len(listed.stdout.splitlines()) == 5
    assert "versions up to 205 were trimmed" in listed.stderr


def test_fewer_snapshots_are_kept(grown):
    """As many as asked for."""
    assert json.loads(gc(grown, "gc", "--snapshots", "1", "--yes", "--json").stdout)["snapshots"] == 1


def test_it_asks(grown):
    """Without a terminal, and without --yes, nothing is done."""
    assert "--yes" in gc(grown, "gc", code=2).stderr


def test_a_governor_that_is_not_there(grown):
    """Is told."""
    gc(grown, "gc", "nobody", "--yes", code=1)
