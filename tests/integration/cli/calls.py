"""The program, called as a user calls it: in a process and a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def environment(**changes):
    inherited = {name: value for name, value in os.environ.items() if name != "TAI_STATE_STORE"}
    return inherited | {"PYTHONPATH": str(ROOT)} | changes


def run(*arguments, folder, program=("-m", "tai_state"), **changes):
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
