"""The program as the system sees it: its names, its pipes."""

import subprocess
import sys
from pathlib import Path

import tai_state
from tests.integration.cli.calls import environment, run


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
