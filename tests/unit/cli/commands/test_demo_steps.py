"""What the demo says to try next: commands as they must be typed where it was run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tai_state.cli.commands.demo.steps import program_as_typed

SCRIPT = Path(sys.executable).with_name("tai-state")


@pytest.mark.parametrize(
    "folder", [SCRIPT.parent, SCRIPT.parents[1], Path("/")], ids=["beside it", "above it", "elsewhere"]
)
def test_the_program_is_named_as_a_shell_finds_it(monkeypatch, folder):
    """Wherever one stands, without the environment being activated."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert shutil.which("tai-state") is None
    told = subprocess.run(
        ["/bin/sh", "-c", f"{program_as_typed()} --version"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert told.stdout.startswith("tai-state, version"), told.stderr
