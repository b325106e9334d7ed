"""Export, import and backup as processes: killed, and on a full disk."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tai_state import SqliteStore, StateMachinePersister, verify
from tests.integration.cli.calls import environment, run
from tests.integration.cli.mounts import needs_mounts, run_with_mounts
from tests.waits import eventually

STATES = 250
PROGRAM = [sys.executable, "-m", "tai_state", "--store", "sqlite:///s.db"]


@pytest.fixture
def folder(tmp_path):
    """A folder with a store of many states."""
    with SqliteStore(tmp_path / "s.db", synchronous="NORMAL") as store:
        persister = StateMachinePersister(store)
        for number in range(STATES):
            data = {"text": os.urandom(300).hex()}
            persister.log_transition("g", f"s{number:03}", "made", to_status="made", data=data, idempotency_key="k")
    return tmp_path


def test_an_import_that_was_killed_goes_on(folder):
    """With SIGKILL in the middle; run again it completes, and nothing is there twice or missing."""
    assert run("--store", "sqlite:///s.db", "export", "a.jsonl", folder=folder).returncode == 0
    command = [sys.executable, "-m", "tai_state", "--store", "sqlite:///copy.db", "import", "a.jsonl"]
    with subprocess.Popen(command, cwd=folder, env=environment(), stderr=subprocess.PIPE) as process:
        log = folder / "copy.db-wal"
        assert eventually(lambda: log.exists() and log.stat().st_size > 200_000)
        process.send_signal(signal.SIGKILL)
    assert process.returncode in {-signal.SIGKILL, 0}
    result = run("--store", "sqlite:///copy.db", "--json", "import", "a.jsonl", folder=folder)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["documents"], told["reports"]) == (3 * STATES, [])
    assert told["present"] > 0
    with SqliteStore(folder / "copy.db", read_only=True) as store:
        assert sum(report.states for report in verify(store)) == STATES


@needs_mounts
@pytest.mark.parametrize("command", ["export", "backup"])
def test_a_full_disk_is_told_in_one_line(folder, command):
    """And nothing is left there that looks like a whole file."""
    (folder / "small").mkdir()
    script = 'mount -t tmpfs -o size=100k tmpfs small && "$@" small/a; code=$?; ls -A small; exit $code'
    result = run_with_mounts(script, *PROGRAM, command, folder=folder)
    assert result.returncode in {1, 3}
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "disk is full" in line or "No space left on device" in line
