"""``emulator``, as a user runs it."""

import json

import pytest

from tests.integration.cli.calls import run


@pytest.mark.emulator
def test_the_emulators_commands(tmp_path):
    """Start, status and stop, each as its help shows it."""

    def emulator(command, code=0):
        # The record of the emulator is kept in the folder for temporary files: here, one of our own.
        done = run("--json", "emulator", command, folder=tmp_path, TMPDIR=str(tmp_path))
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    assert emulator("status", code=1) == {"running": False}
    try:
        started = emulator("start")
        assert started["running"]
        assert emulator("status")["pid"] == started["pid"]
    finally:
        stopped = emulator("stop")
    assert stopped == {"stopped": True}
    assert emulator("stop") == {"stopped": False}
