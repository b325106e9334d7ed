"""The words of a benchmark, and its one loop: rounds of subjects, each in a process of its own."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Protocol

ROUNDS = 5
WARM_SECONDS = 1.5


class Subject(Protocol):
    """What is measured. It is set up in an empty folder, makes steps, and is torn down."""

    def setup(self, folder: Path) -> None:
        """Open what it needs."""
        ...

    def step(self) -> int:
        """Do the work once, and return how many operations that were."""
        ...

    def teardown(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True)
class Claim:
    """That a *subject* is so many times as good as *against*: the least that must hold, and the goal.

    ``less`` turns it round: its figure is to be at most so many times the other's.
    """

    subject: str
    against: str
    must: float
    goal: float | None = None
    less: bool = False


@dataclass(frozen=True)
class Workload:
    """Subjects of one kind of work, by name, and what is claimed of them.

    ``unit`` says what is compared: "op/s", "us CPU" (of one operation), or any other, where a step returns the figure.
    ``once`` is for what does not vary from round to round.
    """

    name: str
    title: str
    subjects: Mapping[str, Callable[[], Subject]]
    claims: Sequence[Claim]
    unit: str = "op/s"
    once: bool = False
    needs_emulator: bool = False


@dataclass
class Measured:
    """The figures of each subject, one a round, and why those that have none were not measured."""

    figures: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def ratio(self, claim: Claim) -> float | None:
        """Return the median of the ratios within the rounds; None where a side was not measured."""
        ours, theirs = self.figures.get(claim.subject), self.figures.get(claim.against)
        if not ours or not theirs:
            return None
        return median(one / other for one, other in zip(ours, theirs, strict=False))


def verdict(claim: Claim, ratio: float | None) -> str:
    """Return what became of a claim."""
    if ratio is None:
        return "not measured"
    holds = [
        ratio <= bound if claim.less else ratio >= bound for bound in (claim.must, claim.goal) if bound is not None
    ]
    if not holds[0]:
        return "short"
    return "goal" if len(holds) > 1 and holds[1] else "must"


class Process:
    """One subject in a Python of its own, which is told how long to work and answers with figures."""

    def __init__(self, workload: str, subject: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        command = [sys.executable, "-m", "tests.benchmarks.subject", workload, subject, str(folder)]
        # What it says is kept beside its store: a line that is no answer tells why it ended.
        self._log = (folder.parent / f"{subject}.log").open("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )

    def ask(self, request: str) -> Any:
        """Return the answer to *request*.

        Raises:
            ChildProcessError: It ended instead; says why.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{request}\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            self._process.wait(10)
            self._log.seek(0)
            lines = self._log.read().strip().splitlines()
            raise ChildProcessError(lines[-1] if lines else "it ended") from error

    def end(self) -> None:
        """Let it close its store and end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def run(workload: Workload, folder: Path, seconds: float) -> Measured:
    """Measure *workload*: *seconds* of work in all, in interleaved rounds."""
    measured, processes = Measured(), {}
    for name in workload.subjects:
        process = Process(workload.name, name, folder / workload.name / name)
        try:
            process.ask("setup")
        except ChildProcessError as error:
            measured.missing[name] = str(error)
            process.end()
        else:
            processes[name] = process
    rounds = 1 if workload.once else ROUNDS
    share = seconds / rounds / max(1, len(processes))
    try:
        for _ in range(rounds):
            for name, process in list(processes.items()):
                try:
                    answer = process.ask(f"round {0 if workload.once else share}")
                except ChildProcessError as error:
                    measured.missing[name] = str(error)
                    measured.figures.pop(name, None)
                    processes.pop(name).end()
                else:
                    measured.figures.setdefault(name, []).append(_figure(workload, answer))
    finally:
        for process in processes.values():
            process.end()
    return measured


def _figure(workload: Workload, answer: Mapping[str, float]) -> float:
    if workload.unit == "op/s":
        return answer["operations"] / answer["seconds"]
    if workload.unit == "us CPU":
        return answer["cpu"] / answer["operations"] * 1e6
    return answer["operations"]


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it waited for, user and system."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def work(subject: Subject, seconds: float) -> dict[str, float]:
    """Make steps for *seconds*, at least one, and return what that was."""
    operations, began, cpu = 0, time.perf_counter(), cpu_seconds()
    while True:
        operations += subject.step()
        passed = time.perf_counter() - began
        if passed >= seconds:
            return {"operations": operations, "seconds": passed, "cpu": cpu_seconds() - cpu}


def seconds_of_environment() -> float:
    """Return how long one workload may measure."""
    return float(os.environ.get("BENCH_SECONDS", "20"))
