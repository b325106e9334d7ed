"""What a program waits for before the first move: CPU of whole processes."""

import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.harness import Claim, Workload

FIRST = """
from tai_state import Machine, StateMachinePersister, Transition, connect
import os
with connect(f"sqlite:///{os.getpid()}.db") as store:
    persister = StateMachinePersister(store, Machine("m", "a", [Transition("go", "a", "b")]))
    persister.start("g", "s", {"n": 1})
    persister.transition("g", "s", "go")
"""
HELP = "import sys\nsys.argv = ['tai-state', '--help']\nfrom tai_state.cli import main\nmain()"


class Program:
    """A Python that runs *code* and ends."""

    def __init__(self, code: str) -> None:
        self._code = code

    def setup(self, folder: Path) -> None:
        self._folder = folder
        # As installed: with the package's code compiled.
        self._env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._env["PYTHONPATH"] = str(Path.cwd())

    def step(self) -> int:
        command = [sys.executable, "-c", self._code]
        subprocess.run(command, cwd=self._folder, env=self._env, stdout=subprocess.DEVNULL, check=True)
        return 1

    def teardown(self) -> None:
        pass


WORKLOADS = [
    Workload(
        "start-up",
        "CPU of a process",
        {
            "pydantic": lambda: Program("from pydantic import BaseModel"),
            "click + rich": lambda: Program("import click, rich"),
            "import": lambda: Program("from tai_state import Machine, StateMachinePersister, connect"),
            "first transition": lambda: Program(FIRST),
            "--help": lambda: Program(HELP),
        },
        [
            Claim("import", "pydantic", 1.8, less=True),
            Claim("first transition", "pydantic", 2.2, less=True),
            Claim("--help", "click + rich", 1.5, less=True),
        ],
        unit="us CPU",
    )
]
