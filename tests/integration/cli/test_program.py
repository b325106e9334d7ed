"""The program as the system sees it: its names, its pipes."""

import os
import subprocess
import sys
from pathlib import Path

import tai_state
from tai_state import SqliteStore
from tests.integration.cli.calls import ROOT, environment, run


def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    """`| head` closes the pipe: nothing is said about it."""
    with SqliteStore(tmp_path / "store.db") as store:
        for number in range(60):
            store.save_state("g", "m", {"n": number})
    url = f"sqlite:///{tmp_path}/store.db"
    arguments = [sys.executable, "-m", "tai_state", "--json", "--store", url, "history", "g", "m"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            arguments, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (1, "")


def test_the_module_is_called_like_the_command(tmp_path):
    """`python -m tai_state` says that it is tai-state."""
    assert run("--version", folder=tmp_path).stdout == f"tai-state, version {tai_state.__version__}\n"
    assert run("--help", folder=tmp_path).stdout.startswith("Usage: tai-state [OPTIONS] COMMAND")


def test_the_installed_command_is_the_program(tmp_path):
    """The script that an installation puts beside Python runs it."""
    script = Path(sys.executable).with_name("tai-state")
    done = subprocess.run(
        [script, "--version"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"tai-state, version {tai_state.__version__}\n"
