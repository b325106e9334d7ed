"""Ingest of logs whose times are in no order, lie ahead, or have no offset."""

import json

import pytest
from click.testing import CliRunner

from tai_state import SqliteStore
from tai_state.cli import main
from tests.data_log import chained, write_log


@pytest.fixture
def run(tmp_path):
    def run(*arguments, code=0):
        command = ["--json", "--store", f"sqlite:///{tmp_path}/s.db", "ingest", str(tmp_path / "log"), *arguments]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == code, result.output
        return json.loads(result.stderr if code else result.stdout)

    return run


def write(folder, *times):
    lines = [{**line, "at": at} for line, at in zip(chained("abcdef"), times, strict=False)]
    write_log(folder / "log", lines)


def events(folder):
    with SqliteStore(folder / "s.db") as store:
        return list(store.get_events("g", "m"))


BACK = ["2026-01-02T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"]


def test_times_in_no_order_are_kept_beside_the_changes(run, tmp_path):
    """Each change is written now, and keeps its line's time; the second run knows them again."""
    write(tmp_path, *BACK)
    assert run("--allow-unordered")["applied"] == 3
    found = events(tmp_path)
    assert [event.occurred_at.isoformat() for event in found] == BACK
    assert sorted(event.timestamp for event in found) == [event.timestamp for event in found]
    assert run("--allow-unordered")["already_there"] == 3


def test_without_the_option_a_time_that_runs_back_is_a_bad_line(run, tmp_path):
    """And the option is named."""
    write(tmp_path, *BACK[:2])
    assert "--allow-unordered" in run(code=1)["problems"][0]["reason"]


def test_without_the_option_a_time_that_lies_ahead_is_refused(run, tmp_path):
    """The line is named, and the option."""
    write(tmp_path, BACK[0], BACK[2])
    error = run(code=1)
    assert error["line"] == 2
    assert "--allow-unordered" in error["message"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "+01:00", "+0100"])
def test_times_without_an_offset_are_those_of_a_zone(run, tmp_path, zone):
    """By its name or its offset."""
    write(tmp_path, "2026-01-15T12:00:00", "2026-01-15T13:00:00")
    assert run("--timezone", zone)["applied"] == 2
    assert [event.timestamp.hour for event in events(tmp_path)] == [11, 12]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "+25:00", "", "/etc/passwd", "Europe"])
def test_a_zone_that_is_none_is_bad_usage(run, tmp_path, zone):
    """Exit code 2, before the log is read."""
    write(tmp_path)
    assert "time zone" in run("--timezone", zone, code=2)["message"]
