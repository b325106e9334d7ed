"""The program as the system sees it: its names, its pipes."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import tai_state
from tai_state import SqliteStore
from tests.integration.cli.calls import environment, run
from tests.integration.cli.mounts import needs_mounts, run_with_mounts


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


@needs_mounts
def test_a_store_on_a_read_only_mount_is_read(tmp_path):
    """Every command that only reads does so there, and leaves nothing."""
    with SqliteStore(tmp_path / "s.db") as store:
        store.save_state("g", "s", {"n": 1})
    (tmp_path / "still").mkdir()
    script = (
        "mount -t tmpfs tmpfs still && cp s.db still && mount -o remount,ro still && "
        '"$@" governors && "$@" states g && "$@" show g s && "$@" history g s && "$@" stats && ls still'
    )
    program = [sys.executable, "-m", "tai_state", "--store", "sqlite:///still/s.db"]
    done = run_with_mounts(script, *program, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "2 documents read\n")
    assert done.stdout.splitlines()[:2] == ["GOVERNOR", "g"]
    assert done.stdout.splitlines()[-1] == "s.db"


@needs_mounts
def test_what_changes_a_store_on_a_read_only_mount_is_told_that_it_cannot(tmp_path):
    """One line, and the exit code of a store that cannot be used."""
    with SqliteStore(tmp_path / "s.db") as store:
        store.save_state("g", "s", {"n": 1})
    (tmp_path / "still").mkdir()
    script = 'mount -t tmpfs tmpfs still && cp s.db still && mount -o remount,ro still && "$@" snapshot g s'
    program = [sys.executable, "-m", "tai_state", "--store", "sqlite:///still/s.db"]
    done = run_with_mounts(script, *program, folder=tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)
    assert "still/s.db" in done.stderr


def test_a_command_that_reads_makes_nothing(tmp_path):
    """Neither a folder nor a store of an empty file."""
    (tmp_path / "empty.db").touch()
    for url in ("sqlite:///empty.db", "sqlite:///none.db", "sqlite:///no/folder.db"):
        done = run("--json", "--store", url, "stats", folder=tmp_path)
        assert done.returncode == 3
        assert json.loads(done.stderr)["error"] == "store_missing"
    assert [(file.name, file.stat().st_size) for file in tmp_path.iterdir()] == [("empty.db", 0)]


def test_a_history_that_is_followed_ends_with_ctrl_c(tmp_path):
    """What comes is seen at once, in a pipe too, and the end is no failure of ours: exit code 130, one line."""
    with SqliteStore(tmp_path / "s.db") as store:
        store.save_state("g", "s", {"n": 1})
        following = subprocess.Popen(
            [sys.executable, "-m", "tai_state", "--store", "sqlite:///s.db", "history", "g", "s", "--follow", "--json"],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["version"] == 1
        store.save_state("g", "s", {"n": 2})
        assert json.loads(following.stdout.readline())["version"] == 2
        following.send_signal(signal.SIGINT)
        _, said = following.communicate(timeout=60)
    assert (following.returncode, json.loads(said)) == (130, {"error": "interrupted", "message": "interrupted"})
