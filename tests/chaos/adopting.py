"""An adoption from the emulator that is killed on its way, again and again, and then runs to its end."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.cloud import firestore

from tai_state import StateStore, connect
from tai_state.adoption.marks import GROUP
from tai_state.keys import Keys
from tests.integration.memory import taken_by

_BATCH = 500
_LOOK_SECONDS = 0.05
_SECONDS_MAX = 1_200.0


def write_documents(project: str, count: int) -> None:
    """Write *count* orders as the official client's user has them."""
    client = firestore.Client(project=project)
    orders = client.collection("orders")
    for first in range(0, count, _BATCH):
        batch = client.batch()
        for number in range(first, min(first + _BATCH, count)):
            fields = {"state": ("new", "paid")[number % 2], "total": number, "note": f"order {number} " * 8}
            batch.set(orders.document(f"o-{number:06d}"), fields)
        batch.commit()
    client.close()


def write_lines(path: Path, count: int) -> None:
    """Write *count* orders as lines of a file."""
    with path.open("w", encoding="utf-8") as opened:
        for number in range(count):
            fields = {"id": f"o-{number:06d}", "state": ("new", "paid")[number % 2], "note": f"order {number} " * 8}
            opened.write(json.dumps(fields) + "\n")


def adopted_under_kills(folder: Path, url: str, source: Sequence[str], rows: int, kills: int) -> dict[str, Any]:
    """Adopt *rows* of a *source* into the store at *url*, killed with SIGKILL *kills* times; return what came of it.

    Each kill comes when the mark shows that the run has come further by its part of them; what a kill left behind that
    mark is what the next run meets.

    Args:
        source: The words behind `adopt`.
    """
    # What is started stands in the folder, and finds the package where this process did.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    words = [sys.executable, "-m", "tai_state", "--store", url, "--json"]
    adopt = [*words, "adopt", *source, "--status-field", "state", "--governor", "orders"]
    places = [rows * kill // (kills + 1) for kill in range(1, kills + 1)]
    killed_at = [_killed(adopt, folder, environment, url, place) for place in places]
    memory = taken_by(*adopt, folder=folder, environment=environment)
    report = json.loads((folder / "said").read_text().splitlines()[-1])
    verified = subprocess.run([*words, "verify"], env=environment, cwd=folder, capture_output=True, check=False)
    return {
        "killed_at": killed_at,
        "memory_kib": memory,
        "report": report,
        "verify": verified.returncode,
        **_states(url),
    }


def _killed(words: list[str], folder: Path, environment: Mapping[str, str], url: str, rows: int) -> int:
    """Run until the mark says that *rows* were looked at, kill it, and return what the mark says."""
    process = subprocess.Popen(words, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(url) as store:
            ends = time.monotonic() + _SECONDS_MAX
            while (told := _rows(store)) < rows:
                assert process.poll() is None, "it ended before it was killed"
                assert time.monotonic() < ends, "it came no further"
                time.sleep(_LOOK_SECONDS)
            return told
    finally:
        process.kill()
        process.wait()


def _rows(store: StateStore) -> int:
    return max((int(mark["rows"]) for _, mark in Keys(store, GROUP).items()), default=0)


def _states(url: str) -> dict[str, int]:
    """Return how many states there are, and how many of them have more than one version."""
    with connect(url) as store:
        found = [state.version for state in store.list_states("orders")]
    return {"states": len(found), "twice": sum(version != 1 for version in found)}
