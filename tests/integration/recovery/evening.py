"""An operator's evening: a service dies in mid-commit, somebody mends by hand what he should not, commands repair it.

The test runs it in its own process, and docs/operations.md tells it with what the program printed
(``.ci/generate_evening.py``).
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tai_state import StateStore, connect
from tai_state.documents import Delete, DocumentPath, Put
from tai_state.layout import state_layout
from tests.integration.cli.calls import environment
from tests.integration.recovery import evening_service as service

TIMEOUT = 10.0
FIRST = state_layout(service.GOVERNOR, service.FIRST)
SECOND = state_layout(service.GOVERNOR, service.SECOND)


class Step(NamedTuple):
    """A command of the evening.

    Attributes:
        code: Its exit code.
        says: What each line of its output is about that matters, by its words, in order.
    """

    name: str
    words: tuple[str, ...]
    code: int
    says: tuple[str, ...]


BREAK = ("locks", "break", service.LOCK, "--token", "1", "--actor", "ann", "--reason", "till-2 was killed")
RECOVER = ("recover", "--yes", "--actor", "ann", "--reason", "the evening of the 31st")

STEPS = (
    Step("doctor", ("doctor",), 0, ("reachable ok", "formats ok", "leases", "receipts ok")),
    Step(
        "verify",
        ("verify",),
        1,
        (
            "shop-1 order-17 state_missing",
            "shop-1 order-17 corrupt_segment",
            "shop-1 order-18 corrupt_event",
            "3 found",
        ),
    ),
    Step("locks", ("locks", "list"), 0, ("shop-1/till held 1 till till-2:4711",)),
    Step("break", BREAK, 0, ("status broken", "was held by till")),
    Step(
        "plan",
        ("recover", "--dry-run"),
        1,
        (
            "shop-1 order-17 to do state_missing",
            "shop-1 order-17 to do corrupt_segment",
            "shop-1 order-18 to do corrupt_event",
            "3 would be repaired, 0 left",
        ),
    ),
    Step(
        "recover",
        RECOVER,
        0,
        (
            "shop-1 order-17 repaired state_missing",
            "shop-1 order-17 repaired corrupt_segment",
            "shop-1 order-18 repaired corrupt_event",
            "4 repaired, 0 left",
        ),
    ),
    Step("again", ("verify",), 0, ("2 states and 9 events checked: nothing found",)),
    Step(
        "history",
        ("history", service.GOVERNOR, service.FIRST, "--follow", "--limit", "5"),
        0,
        ("1 start", "2 pay new -> paid", "3 pack", "4 send", "5 deliver sent -> delivered"),
    ),
    Step("diff", ("diff", service.GOVERNOR, service.FIRST, "4", "5"), 0, ('status "sent" "delivered"',)),
)

Run = Callable[[tuple[str, ...]], tuple[int, str]]
"""Runs the program, and gives its exit code and all that it printed."""


def kill_in_mid_commit(url: str, folder: Path) -> None:
    """Start the service, and end it by SIGKILL while it waits for the reply to a commit."""
    process = subprocess.Popen(
        [sys.executable, "-m", service.__name__, url],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "committing\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def mend_by_hand(url: str) -> None:
    """Do what should not be done: delete one state's document, edit an event, cut a segment short."""
    with connect(url) as store:
        backend = store.runtime.access.backend
        event, segment = SECOND.event(2), FIRST.segment(1)
        edited = {**_fields(store, event), "to_status": "refunded"}
        sealed = _fields(store, segment)
        cut = {**sealed, "events": sealed["events"][: len(sealed["events"]) // 2]}
        backend.commit([Delete(FIRST.state), Put(event, edited), Put(segment, cut)], timeout=TIMEOUT)


def _fields(store: StateStore, path: DocumentPath) -> dict[str, Any]:
    document = store.runtime.access.backend.get(path, timeout=TIMEOUT).get(path)
    assert document is not None
    return document.fields


def evening(url: str, folder: Path, run: Run) -> Iterator[tuple[Step, int, str]]:
    """Let it happen, then run each command; give what it ended with and what it printed."""
    kill_in_mid_commit(url, folder)
    mend_by_hand(url)
    for step in STEPS:
        yield step, *run(step.words)


def unsaid(step: Step, said: str) -> list[str]:
    """Return what a command should have said, and did not; a line may say more between the words."""
    lines = [" ".join(line.split()) for line in said.splitlines()]
    patterns = [".*".join(map(re.escape, words.split())) for words in step.says]
    return [pattern for pattern in patterns if not any(re.search(pattern, line) for line in lines)]
