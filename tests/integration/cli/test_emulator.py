"""``emulator``, as a user runs it."""

import json
import socket
import time
from datetime import datetime

import pytest

from tests.integration.cli.calls import run


@pytest.mark.emulator
def test_the_emulators_commands(tmp_path):
    """Start, status and stop: one emulator for a project's folder and those inside it, and none of another's."""
    project, other = tmp_path / "project", tmp_path / "other"
    (project / "inside").mkdir(parents=True)
    other.mkdir()
    (project / "pyproject.toml").touch()

    def emulator(command, code=0, folder=project):
        # The record of the emulator is kept in the folder for temporary files: here, one of our own.
        done = run("--json", "emulator", command, folder=folder, TMPDIR=str(tmp_path))
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    assert emulator("status", code=1) == {"running": False}
    try:
        started = emulator("start")
        assert started["running"]
        assert datetime.fromisoformat(started["started_at"]).utcoffset() is not None
        assert started["folder"] == str(project)
        assert emulator("status", folder=project / "inside")["pid"] == started["pid"]
        assert emulator("status", code=1, folder=other) == {"running": False}
        assert emulator("stop", folder=other) == {"stopped": False}
    finally:
        stopped = emulator("stop")
    assert stopped == {"stopped": True}
    assert emulator("stop") == {"stopped": False}


def test_a_port_that_is_taken_is_told_at_once(tmp_path):
    """Whoever listens there, and before any Java is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        began = time.monotonic()
        port = str(taken.getsockname()[1])
        done = run("emulator", "start", "--port", port, folder=tmp_path, TMPDIR=str(tmp_path))
    assert done.returncode == 3
    assert f"port {port}: it is taken" in done.stderr
    assert not list(tmp_path.glob("*.log"))
    assert time.monotonic() - began < 20
