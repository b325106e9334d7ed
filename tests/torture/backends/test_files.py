"""Workers fork in the middle of calls and with held locks, and their file is moved away and replaced, for a while."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tai_state import SqliteStore, StateMachinePersister
from tests.torture.backends.files_worker import MACHINE, STATES

pytestmark = pytest.mark.torture

SECONDS = 25.0
WORKERS = 2
SEED = os.environ.get("TORTURE_SEED", "0")
ROOT = Path(__file__).resolve().parents[3]


def started(path, seconds):
    return [
        subprocess.Popen(
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "tests.torture.backends.files_worker",
                path,
                f"w{number}",
                f"{seconds}",
                f"{SEED}{number}",
            ],
            cwd=ROOT,
        )
        for number in range(WORKERS)
    ]


def journal(folder):
    """Return the acknowledged keys with their state and version, and how often each other thing was noted."""
    acked: dict[str, tuple[str, int]] = {}
    counts: Counter[str] = Counter()
    for path in folder.glob("*.journal"):
        for line in path.read_text(encoding="utf-8").splitlines():
            what, *rest = line.split()
            counts[what] += 1
            if what == "acked":
                key, state, version = rest
                assert key not in acked
                acked[key] = (state, int(version))
    return acked, counts


def contents(path):
    """Return the keys in a file with their state and version: sound, and each there once."""
    found = {}
    with SqliteStore(path) as store:
        assert StateMachinePersister(store, MACHINE).validate_consistency("g").is_consistent
        for state in STATES:
            for event in store.get_events("g", state):
                if event.idempotency_key is not None:
                    assert event.idempotency_key not in found, "doubled"
                    found[event.idempotency_key] = (state, event.version)
    return found


def test_forks_lose_and_double_nothing(tmp_path, tell):
    """Whatever a thread was doing: parent and child go on, no child holds its parent's lock, and all acked is there."""
    path = tmp_path / "store.db"
    for worker in started(path, SECONDS):
        assert worker.wait(SECONDS + 120) == 0
    acked, counts = journal(tmp_path)
    found = contents(path)
    assert acked.items() <= found.items()
    assert counts["forked"] >= 10
    tell(f"forks: {counts['forked']} children, {len(acked)} acknowledged changes")


def test_files_that_are_replaced_lose_nothing_silently(tmp_path, tell):
    """The file goes away with its log, and a copy takes its place: what was acknowledged is in one of them."""
    path, rng = tmp_path / "store.db", random.Random(SEED)
    with SqliteStore(path) as store:
        store.save_state("g", "a", {"n": 0}, status="on")
    workers = started(path, SECONDS)
    gone: list[Path] = []
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        time.sleep(rng.uniform(0.5, 2.0))
        gone.append(replaced(path, tmp_path / f"gone-{len(gone)}.db"))
    for worker in workers:
        assert worker.wait(SECONDS + 120) == 0
    acked, counts = journal(tmp_path)
    found = [contents(each) for each in [*gone, path]]
    lost = {key: made for key, made in acked.items() if not any(one.get(key) == made for one in found)}
    assert lost == {}
    assert counts["told"] >= len(gone)
    tell(f"files: {len(gone)} replaced, {counts['told']} calls told so, {len(acked)} acknowledged changes")


def replaced(path, away):
    """Move the file *away* with its log, and put a copy that was made before in its place; return where it went."""
    copy = path.with_name("copy.db")
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    # The file first: from then on nobody commits to it.
    path.rename(away)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(away.with_name(away.name + suffix))
    # A worker may have made an empty one meanwhile, which counts as well.
    with suppress(FileExistsError):
        path.hardlink_to(copy)
    copy.unlink()
    return away
