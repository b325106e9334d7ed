"""Programs that begin at the same moment, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tai_state


def raced(program: Path, calls: Sequence[Sequence[str]], seconds_max: float) -> list[Any]:
    """Run *program* once for each of *calls*, its arguments, and return what each prints in the end, from JSON.

    Each says "ready", waits for a line on its standard input, and must end well.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(tai_state.__file__).parents[1])}
    running = [
        subprocess.Popen(
            [sys.executable, str(program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for arguments in calls
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=seconds_max) for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
            for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
                pipe.close()
    assert [process.returncode for process in running] == [0] * len(calls), [errors for _, errors in said]
    return [json.loads(words) for words, _ in said]
