"""Pipes, terminals and streams that are not there, as the system gives them."""

import json
import os
import pty
import sqlite3
import subprocess
import sys
import time

import pytest

from tai_state import SqliteStore
from tests.integration.cli.calls import environment
from tests.waits import patience

COMMAND = [sys.executable, "-m", "tai_state"]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A store with a governor and 1,500 states, more than a pipe holds."""
    path = tmp_path_factory.mktemp("streams") / "store.db"
    with SqliteStore(path) as store:
        for number in range(1_500):
            store.save_state("g", f"state-{number}", {"text": "x" * 40})
    return f"sqlite:///{path}"


def shell(line, *arguments, folder):
    """Run a line of the shell, in which "$@" is the program and its arguments."""
    command = ["bash", "-o", "pipefail", "-c", line, "bash", *COMMAND, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("arguments", [["states", "g"], ["states", "g", "--json"], ["--help"]])
def test_head_is_no_error(url, tmp_path, arguments):
    """The reader has all that it wanted: exit code 0, and nothing is said."""
    done = shell('"$@" | head -n 1', "--store", url, *arguments, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["governors"], ["governors", "--json"], ["states", "g"], ["--help"]])
def test_a_closed_stdout_is_a_line_on_stderr(url, tmp_path, arguments):
    """What was asked for cannot be told: exit code 1, without a traceback."""
    done = shell('"$@" >&-', "--store", url, *arguments, folder=tmp_path)
    assert done.returncode == 1
    assert "a standard stream is closed" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_closed_stderr_leaves_the_exit_code(tmp_path):
    """There is nobody to tell, and no traceback to write."""
    done = shell('"$@" 2>&-', "show", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_closed_stdin_is_no_empty_log(url, tmp_path):
    """Nothing was read, and that is not the same as nothing to read."""
    done = shell('"$@" <&-', "--store", url, "ingest", "-", folder=tmp_path)
    assert done.returncode == 1
    assert "a standard stream is closed" in done.stderr


def test_a_store_never_gets_the_number_of_a_closed_stream(tmp_path):
    """With stdout closed, what is written to it must not land in a file of the store."""
    (tmp_path / "log").write_text(
        '{"at": "2026-01-01T00:00:00Z", "governor": "g", "machine": "m", "from": null, "to": "a", '
        '"actor": null, "data": {}}\n'
    )
    shell('"$@" <&- >&- 2>&-', "--store", "sqlite:///x.db", "ingest", "log", folder=tmp_path)
    done = shell('"$@"', "--store", "sqlite:///x.db", "states", "g", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "m" in done.stdout


def terminal(*arguments, folder, columns=80, **variables):
    """Run the program at a terminal of its own, and return what that showed."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env=environment(COLUMNS=str(columns), TERM="xterm-256color", **variables),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65_536):
                shown += piece
        except OSError:  # Linux says EIO at the end
            pass
        process.wait(timeout=60)
    finally:
        os.close(ours)
    return shown.decode()


@pytest.mark.parametrize(
    "arguments", [["states", "g", "--limit", "3"], ["show", "g", "none"], ["no-such-command"], ["--help"]]
)
def test_no_color_is_kept_everywhere(url, tmp_path, arguments):
    """Lists, errors, usage and help: no escape reaches the terminal."""
    shown = terminal("--store", url, *arguments, folder=tmp_path, NO_COLOR="1")
    assert shown
    assert "\x1b" not in shown


def test_without_it_a_terminal_has_colours(url, tmp_path):
    """So the test above sees something."""
    assert "\x1b[" in terminal("--store", url, "show", "g", "none", folder=tmp_path)
    assert "\x1b[" in terminal("--store", url, "states", "g", "--limit", "1", folder=tmp_path)


@pytest.fixture
def locked(tmp_path):
    """The URL of a store that somebody else keeps locked, for readers, too."""
    with SqliteStore(tmp_path / "locked.db") as store:
        store.save_state("g", "s", {})
    holder = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    yield f"sqlite:///{tmp_path}/locked.db"
    holder.close()


def test_who_waits_is_told_and_waits_no_longer_than_asked(locked, tmp_path):
    """A line after two seconds, exit code 3 after the timeout."""
    began = time.monotonic()
    done = shell('"$@"', "governors", "--store", locked, "--timeout", "3", folder=tmp_path)
    took = time.monotonic() - began
    assert done.returncode == 3
    first, second = done.stderr.splitlines()
    assert first.startswith("waiting for the store sqlite:///")
    assert "3 seconds" in second
    assert 3 <= took < patience(15)


def test_a_program_that_waits_gets_the_error_alone(locked, tmp_path):
    """With --json stderr holds one object."""
    done = shell('"$@"', "governors", "--json", "--store", locked, "--timeout", "3", folder=tmp_path)
    assert json.loads(done.stderr)["error"] == "deadline_exceeded"


def test_who_does_not_wait_is_told_nothing(url, tmp_path):
    """No line for an answer that comes at once."""
    assert shell('"$@"', "governors", "--store", url, folder=tmp_path).stderr == ""
