"""A seeded log of status changes, of the shape of a real one: few governors, many machines, some with long lives."""

import gzip
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

Change = dict[str, Any]

STATUSES = [
    *(f"Accepted / {name}" for name in ("Assigned", "In Progress", "Wait", "Wait - Customer", "Wait - Vendor")),
    *(f"Queued / {name}" for name in ("Awaiting Assignment", "Second Line")),
    *(f"Completed / {name}" for name in ("Resolved", "Closed", "In Call", "Cancelled")),
    "Reopened",
    "Unmatched / état",
]
CHANGES_MAX = 123
_REAL_LOG = Path(__file__).parents[2] / "shared" / "data" / "incidents.jsonl.gz"


def incidents(count: int = 65_533) -> list[Change]:
    """Return the first *count* changes of a real log where it is beside the project, else of a seeded one like it."""
    if not _REAL_LOG.exists():
        return log_lines(count)
    with gzip.open(_REAL_LOG, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(lines, count)]


def log_lines(count: int, *, seed: int = 1) -> list[Change]:
    """Return *count* changes in time order; the longest life of a machine has 123."""
    rng = random.Random(seed)
    lives = [CHANGES_MAX]
    while sum(lives) < count:
        lives.append(min(CHANGES_MAX, int(rng.paretovariate(1.2)) + rng.randint(0, 6)) or 1)
    changes = []
    for number, length in enumerate(lives):
        changes += _life(rng, f"Org line {rng.choice('ABCDEFGV')}{rng.randint(1, 2)}", f"1-{number:06}", length)
    changes.sort(key=lambda change: change["at"])
    return changes[:count]


def _life(rng: random.Random, governor: str, machine: str, length: int) -> list[Change]:
    at = datetime(2010, 3, 31, tzinfo=UTC) + timedelta(minutes=rng.randint(0, 100_000))
    status: str | None = None
    changes: list[Change] = []
    data = {"org:group": f"V{rng.randint(1, 60)}", "impact": rng.choice(["Low", "Medium", "High"]), "steps": 0}
    for step in range(length):
        following = rng.choice(STATUSES)
        actor = None if rng.random() < 0.1 else f"r{rng.randint(1, 400):04}"
        changes.append(
            {
                "at": at.isoformat(),
                "governor": governor,
                "machine": machine,
                "from": status,
                "to": following,
                "actor": actor,
                "data": {**data, "steps": step},
            }
        )
        status = following
        # Several changes in one second, and long silences.
        at += timedelta(seconds=rng.choice([0, 1, 60, 7200]))
    return changes


def write_log(path: Path, lines: Iterable[Change]) -> Path:
    """Write *lines* as JSON lines, compressed when the name says so, and return *path*."""
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def chained(statuses: Iterable[str], *, governor: str = "g", machine: str = "m") -> list[Change]:
    """Return the changes of one machine through *statuses*, a minute apart."""
    lines: list[Change] = []
    for number, status in enumerate(statuses):
        lines.append(
            {
                "at": f"2026-03-31T15:{number:02}:00+00:00",
                "governor": governor,
                "machine": machine,
                "from": lines[-1]["to"] if lines else None,
                "to": status,
                "actor": "ann",
                "data": {"n": number},
            }
        )
    return lines
