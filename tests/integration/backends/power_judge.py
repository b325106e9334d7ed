"""Opens what a power cut left of a SQLite store, and says whether something acknowledged is lost or half there."""

import itertools
import random
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tai_state import SqliteStore, StateMachinePersister, StateNotFoundError, TaiStateError
from tests._sync.machines import COUNTER
from tests.integration.backends.power_cuts import Step, cuts, trace

WORKER = Path(__file__).with_name("power_worker.py")


@dataclass(frozen=True)
class Verdict:
    """How many images were opened, and what is wrong with them."""

    images: int
    wrong: list[str]

    @property
    def lost(self) -> list[str]:
        """What was acknowledged and is gone."""
        return [one for one in self.wrong if ": lost:" in one]

    @property
    def broken(self) -> list[str]:
        """Whatever else is wrong."""
        return [one for one in self.wrong if ": lost:" not in one]


def traced_worker(synchronous: str, moves: int, base: Path) -> list[Step]:
    """Return what a worker with the given setting of ``synchronous`` does to its files."""
    if shutil.which("strace") is None:
        pytest.fail("strace is missing: run `make install`, or `apt-get install strace`", pytrace=False)
    disk = base / "disk"
    disk.mkdir()
    return trace([str(WORKER), str(disk / "store.db"), synchronous, str(moves)], disk, base / "trace.txt")


def checkpoints(steps: list[Step]) -> int:
    """Count how often the WAL was folded into the file."""
    return len([one for one in steps if one.kind == "flush" and one.path.endswith("store.db")])


def acknowledged_versions(lines: list[bytes]) -> dict[str, int]:
    versions: dict[str, int] = {}
    for state_id, version in re.findall(r"ack (\w+) (\d+)\n", b"".join(lines).decode()):
        versions[state_id] = max(versions.get(state_id, 0), int(version))
    return versions


def lost_in(store: SqliteStore, acknowledged: dict[str, int]) -> list[str]:
    lost = []
    for state_id, version in acknowledged.items():
        state = store.find_state("g", state_id)
        if state is None or state.version < version:
            lost.append(f"lost: {state_id} was acknowledged at {version} and is {state and state.version}")
    return lost


def half_done_in(store: SqliteStore) -> list[str]:
    persister = StateMachinePersister(store, COUNTER)
    report = persister.validate_consistency("g")
    found = [f"inconsistent: {problem}" for problem in report.problems]
    for state_id in ("s", "t"):
        try:
            version = persister.load_state("g", state_id).snapshot.version
            versions = [event.version for event in persister.history("g", state_id)]
            if versions != list(range(1, version + 1)):
                found.append(f"gaps: {state_id} is at {version} and has the events {versions}")
            persister.transition("g", state_id, "add", 1)
        except StateNotFoundError:
            persister.start("g", state_id)
    return found


def judged(folder: Path, acknowledged: dict[str, int]) -> list[str]:
    """Open an image, and return what is wrong with it: nothing, save where something was lost or is half there."""
    try:
        with SqliteStore(folder / "store.db", synchronous="NORMAL", actor="judge") as store:
            return lost_in(store, acknowledged) + half_done_in(store)
    except TaiStateError as error:
        return [f"unusable: {error}"]


def judge_all(steps: list[Step], base: Path, seed: int, *, per_boundary: int = 1, flushes: bool = True) -> Verdict:
    """Open images of every boundary, and say what is wrong with any of them."""
    rng = random.Random(seed)
    wrong: list[str] = []
    count = 0
    for disk in cuts(steps, flushes=flushes):
        for _ in range(per_boundary):
            folder = base / f"image-{count}"
            folder.mkdir()
            disk.cut(rng, folder)
            found = judged(folder, acknowledged_versions(disk.acknowledged))
            wrong += [f"image {count} of seed {seed}: {one}" for one in found]
            shutil.rmtree(folder)
            count += 1
    return Verdict(count, wrong)


def judge_each_sector(steps: list[Step], base: Path) -> Verdict:
    """Open images of every boundary, each without one of the sectors that may be missing then."""
    wrong: list[str] = []
    count = 0
    for boundary, disk in enumerate(cuts(steps)):
        for number in itertools.count():
            folder = base / f"image-{count}"
            folder.mkdir()
            is_missing = disk.miss(number, folder)
            found = judged(folder, acknowledged_versions(disk.acknowledged)) if is_missing else []
            wrong += [f"boundary {boundary} without sector {number}: {one}" for one in found]
            shutil.rmtree(folder)
            if not is_missing:
                break
            count += 1
    return Verdict(count, wrong)
