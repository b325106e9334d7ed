"""``demo``, as a user runs it."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tai_state.cli.commands.demo import steps
from tests.integration.cli.calls import environment, run
from tests.waits import eventually

# With one lane of two governors in place of three lanes, for its workers are processes that cost their start.
SMALL = """
from tai_state.cli import main
from tai_state.cli.commands.demo import command
command._LANES, command._NAMES = 1, command._NAMES[:2]
main()
"""
PROGRAMS = (("-c", SMALL), ("-m", "tai_state"))


def check_numbers(summary, *, lanes=3):
    """What the demo says of itself adds up, and nothing was lost or doubled."""
    assert summary["sound"] is True
    assert summary["planned"] == summary["acknowledged"] == summary["found"]
    assert summary["planned"] % (2 * lanes) == 0
    assert (summary["lost"], summary["doubled"], summary["findings"]) == (0, 0, [])
    assert summary["kills"] >= lanes
    assert summary["workers"] == summary["kills"] + lanes


def test_the_demo_is_sound_on_sqlite(tmp_path):
    """Without a store it makes its file where it runs; exit code 0, and the numbers add up."""
    done = run("--json", "demo", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    check_numbers(json.loads(done.stdout))
    assert (tmp_path / "tai_state_demo.db").exists()
    assert f"{tmp_path}/tai_state_demo.db" in done.stderr


def test_the_demo_tells_its_story_twice(tmp_path, scale):
    """A second run on the same store has governors of its own; in a pipe the story is plain."""
    url = f"sqlite:///{tmp_path}/demo.db"
    command = ("--store", url, "demo", "--seed", "3", "--timeline")
    first, second = (run(*command, folder=tmp_path, program=scale(*PROGRAMS)) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "SOUND" in first.stdout
    assert "killed -9" in first.stdout
    assert "takes over at version" in first.stdout
    assert "\x1b" not in first.stdout
    governors = run("--store", url, "governors", folder=tmp_path).stdout.split()[1:]
    assert len(governors) == 2 * scale(2, 6)


def test_an_interrupted_demo_leaves_no_worker(tmp_path):
    """Ctrl-C: exit code 130, no traceback, every process gone."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tai_state", "demo"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline() + process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130, said + rest
    assert "Traceback" not in said + rest
    workers = re.findall(r"\(process ([0-9]+)\)", said + rest)
    assert workers
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_memory_is_refused(tmp_path):
    """Processes cannot share it."""
    done = run("--json", "--store", "memory://", "demo", folder=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"] == "configuration"


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """The demo ends before any worker begins."""
    done = run("--store", "sqlite:///none/demo.db", "demo", folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "worker" not in done.stderr


@pytest.mark.emulator
def test_the_demo_is_sound_on_firestore(tai_state_project, tmp_path, scale):
    """On the emulator that the environment names."""
    command = ("--json", "--store", f"firestore://{tai_state_project}", "demo")
    done = run(*command, folder=tmp_path, program=scale(*PROGRAMS))
    assert done.returncode == 0, done.stderr
    check_numbers(json.loads(done.stdout), lanes=scale(1, 3))


def test_the_demo_is_short_and_says_what_to_try_next(tmp_path, scale):
    """At most 25 lines in all, no blanks at their ends; each of the three commands works as it is printed."""
    command = ("--store", "sqlite:///my demo.db", "demo")
    done = run(*command, folder=tmp_path, program=scale(*PROGRAMS), NO_COLOR="1")
    assert done.returncode == 0, done.stderr
    lines = (done.stderr + done.stdout).splitlines()
    assert len(lines) <= 25
    assert all(line == line.rstrip() for line in lines)
    commands = [line.strip() for line in lines[-3:]]
    for command in commands:
        tried = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert tried.returncode == 0, command + tried.stderr
        assert tried.stdout


def test_a_demo_that_leaves_nothing_says_how_it_would(monkeypatch):
    """An emulator that ends with the demo takes its data along: the commands start one that stays."""
    monkeypatch.setattr(steps, "program_as_typed", lambda: ".venv/bin/tai-state")
    first, second, _ = steps.commands_to_try("firestore://demo", "demo-1-alder", stays=False)
    assert first == "export $(.venv/bin/tai-state emulator start)"
    assert second == ".venv/bin/tai-state --store firestore://demo demo"


def test_the_program_is_named_as_it_must_be_typed(monkeypatch, tmp_path):
    """By its name where the shell finds it, by a path from here, by a whole path, or as a module."""
    script = tmp_path / "venv" / "bin" / "tai-state"
    script.parent.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert steps.program_as_typed() == f"{script.with_name('python')} -m tai_state"
    script.write_text("")
    script.chmod(0o755)
    assert steps.program_as_typed() == "venv/bin/tai-state"
    monkeypatch.chdir("/")
    assert steps.program_as_typed() in (str(script), str(script).removeprefix("/"))
    monkeypatch.setenv("PATH", str(script.parent))
    assert steps.program_as_typed() == "tai-state"
