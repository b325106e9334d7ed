"""What memory a process takes at most."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# It is counted from before the process became its program: whoever starts it must be small.
_STARTER = """
import os, subprocess, sys
with open("said", "w") as said:
    process = subprocess.Popen(sys.argv[1:], stdout=said, stderr=said)
    _, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def taken_by(*program: str, folder: Path, environment: Mapping[str, str] | None = None) -> int:
    """Run a program in *folder*, which must end well, and return what memory it took at most, in KiB."""
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, *program]
    done = subprocess.run(starter, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    code, memory = map(int, done.stdout.split())
    assert code == 0, (folder / "said").read_text()
    return memory
