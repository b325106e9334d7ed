"""A whole log carried from SQLite to the emulator and back into a file, each step a process, in bounded memory."""

import sys

import pytest

from tests._sync.recovery.moving import comparable
from tests.data_log import incidents, write_log
from tests.integration.cli.calls import environment
from tests.integration.memory import taken_by

LINES = 65_533
MEMORY_KIB_MAX = 160 * 1024
"""Of one process: three quarters of it are the interpreter and the libraries, Google's among them."""


def memory_of(*arguments, folder):
    """Run the package's program, and return what memory it took at most, in KiB."""
    return taken_by(sys.executable, "-m", "tai_state", *arguments, folder=folder, environment=environment())


@pytest.mark.torture
@pytest.mark.emulator
@pytest.mark.timeout(7_200)
def test_a_whole_log_is_carried_in_bounded_memory(tai_state_project, tmp_path):
    """Exported from there again it is the same, line by line."""
    write_log(tmp_path / "log.jsonl.gz", incidents(LINES))
    there = f"firestore://{tai_state_project}"
    memory_of("--store", "sqlite:///log.db", "ingest", "log.jsonl.gz", folder=tmp_path)
    taken = [
        memory_of("--store", "sqlite:///log.db", "export", "a.jsonl", folder=tmp_path),
        memory_of("--store", there, "import", "a.jsonl", folder=tmp_path),
        memory_of("--store", there, "export", "b.jsonl", folder=tmp_path),
    ]
    assert comparable(tmp_path / "a.jsonl") == comparable(tmp_path / "b.jsonl")
    assert max(taken) < MEMORY_KIB_MAX, taken
