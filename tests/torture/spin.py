"""Models in Promela, explored to their end by spin; and what a model says of its mutants."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MEGABYTES_MAX = 2_000
DEPTH_MAX = 100_000
SECONDS_MAX = 900


@dataclass(frozen=True, slots=True)
class Exploration:
    """What spin's verifier reported."""

    report: str

    @property
    def states(self) -> int:
        """How many states were explored."""
        found = re.search(r"(\d+) states, stored", self.report)
        assert found, self.report
        return int(found[1])

    @property
    def seconds(self) -> float:
        """How long it took."""
        found = re.search(r"elapsed time ([\d.]+) seconds", self.report)
        assert found, self.report
        return float(found[1])

    @property
    def is_complete(self) -> bool:
        """Whether every state was explored, and none violated a property."""
        cut = ("not completed", "too small", "truncated", "out of memory", "memory limit", "interrupted")
        return "errors: 0" in self.report and not any(word in self.report.lower() for word in cut)

    @property
    def violated(self) -> str:
        """The assertion that was violated, spaces left out."""
        found = re.search(r"assertion violated (.*) \(at depth", self.report)
        return found[1].replace(" ", "") if found else ""

    @property
    def unreached(self) -> list[str]:
        """The places of the model that no state reached; that nobody reaches an end is meant so."""
        _, _, listed = self.report.partition("unreached in")
        return [line.strip() for line in re.findall(r"^\t.*state \d+.*$", listed, re.MULTILINE) if "-end-" not in line]


def explore(model: Path, folder: Path, options: Sequence[str]) -> Exploration:
    """Compile *model* with *options*, and explore it in *folder* until its end or its first violation.

    Models that stand beside it may be parts of it.
    """
    for program in ("spin", "gcc"):
        assert shutil.which(program), f"{program} is missing: run .ci/ensure.sh {program}"
    for part in model.parent.glob("*.pml"):
        shutil.copy(part, folder)
    _run(folder, ["spin", "-a", *options, model.name])
    # -w silences gcc about code that spin wrote.
    _run(folder, ["gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEGABYTES_MAX}", "-o", "pan", "pan.c"])
    return Exploration(_run(folder, ["./pan", f"-m{DEPTH_MAX}", "-w22"]))


def _run(folder: Path, command: Sequence[str]) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def assert_mutants_are(model: Path, mutants: Iterable[str]) -> None:
    """Assert that *model* documents these mutants and no other, and that its code knows each."""
    source = model.read_text(encoding="utf-8")
    _, _, listed = source.partition("Mutants")
    names = re.findall(r"^ \*   ([A-Z_0-9]+) ", listed.partition("*/")[0], re.MULTILINE)
    assert names == list(mutants)
    code = "".join(part.read_text(encoding="utf-8") for part in model.parent.glob("*.pml"))
    assert [name for name in names if not re.search(rf"^#if.*\b{name}\b", code, re.MULTILINE)] == []
