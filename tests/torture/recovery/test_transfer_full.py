"""A whole log carried from SQLite to the emulator and back into a file, each step a process, in bounded memory."""

import subprocess
import sys

import pytest

from tests._sync.recovery.moving import comparable
from tests.data_log import incidents, write_log
from tests.integration.cli.calls import environment

LINES = 65_533
MEMORY_KIB_MAX = 160 * 1024
"""Of one process: three quarters of it are the interpreter and the libraries, Google's among them."""


# What a process took at most is counted from before it became this program: whoever starts it must be small.
STARTER = """
import os, subprocess, sys
with open("said", "w") as said:
    process = subprocess.Popen(sys.argv[1:], stdout=said, stderr=said)
    _, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def memory_of(*arguments, folder):
    """Run the program, which must end well, and return what memory it took at most, in KiB."""
    program = [sys.executable, "-m", "tai_state", *arguments]
    starter = [sys.executable, "-I", "-S", "-c", STARTER, *program]
    done = subprocess.run(starter, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    code, memory = map(int, done.stdout.split())
    assert code == 0, (folder / "said").read_text()
    return memory


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
