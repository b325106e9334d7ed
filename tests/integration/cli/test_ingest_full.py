"""Ingest on a disk that becomes full: what was written, and what is said of it."""

import json
import re
import subprocess
import sys

import pytest

from tai_state import SqliteStore
from tests.data_log import log_lines, write_log
from tests.integration.cli.calls import environment
from tests.integration.cli.mounts import needs_mounts, run_with_mounts

LINES = log_lines(1_400, seed=7)
PROGRAM = [sys.executable, "-m", "tai_state", "--store", "sqlite:///small/s.db"]


def run_in_shell(script, *options, folder):
    return subprocess.run(
        ["bash", "-c", script, "bash", *PROGRAM, *options],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def folder(tmp_path):
    """A folder with a log, and one in it for the store."""
    write_log(tmp_path / "log", LINES)
    (tmp_path / "small").mkdir()
    return tmp_path


def check_said(said):
    """How far it came is told, and that nothing was written is not."""
    assert "nothing was written" not in said
    told = re.search(r"; ([0-9,]+) of 1,400 lines are known to be in the store; run the same command again", said)
    assert told, said
    return int(told[1].replace(",", ""))


@needs_mounts
def test_a_full_disk_tells_how_far_it_came(folder):
    """The lines that are told are those that the store holds, no more and no fewer."""
    script = 'mount -t tmpfs -o size=600k tmpfs small && "$@" ingest log; code=$?; "$@" --json stats; exit $code'
    done = run_with_mounts(script, *PROGRAM, folder=folder)
    assert done.returncode == 3
    assert "the disk is full" in done.stderr
    held = sum(json.loads(line)["events"] for line in done.stdout.splitlines())
    assert 0 < check_said(done.stderr) == held < 1_400


def test_a_limit_on_files_tells_how_far_it_came(folder):
    """Errors of the disk that may go away are waited for; then it is told the same way, and the next run goes on."""
    done = run_in_shell('ulimit -f 400; "$@" ingest log', "--timeout", "2", folder=folder)
    assert done.returncode == 3
    known = check_said(done.stderr)
    with SqliteStore(folder / "small" / "s.db") as store:
        held = sum(store.stats(governor).events for governor in store.list_governors())
    assert 0 < known <= held < 1_400
    again = run_in_shell('"$@" --json ingest log', folder=folder)
    assert (again.returncode, json.loads(again.stdout)["already_there"]) == (0, held)
