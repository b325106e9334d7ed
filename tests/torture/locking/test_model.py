"""The model of the lease and fence protocol, explored to its end by spin; and mutants of it, each of which is found."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

MODEL = Path(__file__).parent / "lease.pml"
MEGABYTES_MAX = 2_000
DEPTH_MAX = 100_000
SECONDS_MAX = 900

PROPERTIES = {
    "STALE_WRITE": "==holder)&&",
    "FALLING_WRITE": ">=fence",
    "TWO_TRUST": "trust[i]==0",
    "FALLING_TOKEN": ">last_granted",
    "ORPHAN_GRANT": "!(((holder==",
}
"""What each property's assertion looks like when spin reports it, spaces left out."""

SOUND = {
    "the protocol": ["-DTOKENS=3"],
    "locks that are broken": ["-DTOKENS=2", "-DBREAK"],
    "leases that are restored": ["-DTOKENS=2", "-DBREAK", "-DRESTORE"],
}

MUTANTS = {
    "UNGUARDED": ("STALE_WRITE", []),
    "NO_FENCE": ("FALLING_WRITE", ["-DTOKENS=2", "-DBREAK", "-DRESTORE"]),
    "LATE_TRUST": ("TWO_TRUST", []),
    "SHORT_TTL": ("TWO_TRUST", []),
    "NO_NONCE": ("TWO_TRUST", []),
    "NO_CAS": ("FALLING_TOKEN", []),
    "NO_SETTLEMENT": ("ORPHAN_GRANT", []),
    "FORGETS_TOKEN": ("FALLING_TOKEN", []),
    "LATE_RELEASE": ("TWO_TRUST", []),
}

pytestmark = [pytest.mark.torture, pytest.mark.timeout(SECONDS_MAX + 120)]


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


def explore(folder: Path, options: list[str]) -> Exploration:
    """Compile the model with *options*, and explore it in *folder* until its end or its first violation."""
    for program in ("spin", "gcc"):
        assert shutil.which(program), f"{program} is missing: run .ci/ensure.sh {program}"
    shutil.copy(MODEL, folder)
    _run(folder, ["spin", "-a", *options, MODEL.name])
    # -w silences gcc about code that spin wrote.
    _run(folder, ["gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEGABYTES_MAX}", "-o", "pan", "pan.c"])
    return Exploration(_run(folder, ["./pan", f"-m{DEPTH_MAX}", "-w22"]))


def _run(folder, command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("variant", SOUND)
def test_the_protocol_is_sound_in_every_state(tmp_path, variant, tell):
    """All states are explored, each line of the model is reached, and no property is violated."""
    found = explore(tmp_path, SOUND[variant])
    tell(f"model, {variant}: {found.states} states in {found.seconds:.0f} s")
    assert found.violated == ""
    assert found.is_complete, found.report
    assert found.unreached == []
    assert found.states > 100_000


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_protocol_that_lacks_a_part_is_found_out(tmp_path, mutant, tell):
    """The property that the part is there for is violated."""
    broken, options = MUTANTS[mutant]
    found = explore(tmp_path, [f"-D{mutant}", *options])
    tell(f"model, {mutant}: {found.violated or 'nothing'} after {found.states} states")
    assert PROPERTIES[broken] in found.violated, found.report
    assert [name for name, text in PROPERTIES.items() if text in found.violated] == [broken]


def test_every_mutation_of_the_model_is_tried():
    """Each that it documents, and no other."""
    _, _, listed = MODEL.read_text(encoding="utf-8").partition("Mutants")
    names = re.findall(r"^ \*   ([A-Z_]+) ", listed.partition("*/")[0], re.MULTILINE)
    assert names == list(MUTANTS)
    source = MODEL.read_text(encoding="utf-8")
    assert [name for name in names if not re.search(rf"^#if(n?def|def) {name}$", source, re.MULTILINE)] == []
