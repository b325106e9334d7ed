"""One process of due workers: ``python due_worker.py URL SKEW``, until its standard input ends.

SKEW is by how many seconds its wall clock is wrong; its elapsed time has another origin than the host's, too.
"""

import sys
from datetime import timedelta
from threading import Thread

from tai_state import BackendStore, Machine, StateMachinePersister, SystemClock, Transition, connect
from tai_state.due import DueWorker, Timeout
from tests.children import end_with_parent

MOVES = 5
AFTER = {f"s{number}": timedelta(seconds=2 + number) for number in range(MOVES)}
RELAY = Machine(
    "relay",
    "s0",
    [Transition("go", f"s{number}", f"s{number + 1}") for number in range(MOVES)],
    timeouts={status: Timeout(after, "go") for status, after in AFTER.items()},
)
"""Each state moves through all statuses by its timeouts alone."""


class SkewedClock:
    """A host's clock that is wrong."""

    def __init__(self, skew: float) -> None:
        self._host = SystemClock()
        self._skew = timedelta(seconds=skew)

    def now(self):
        return self._host.now() + self._skew

    def monotonic(self):
        return self._host.monotonic() + self._skew.total_seconds()


def main() -> None:
    """Work until the parent has enough."""
    url, skew = sys.argv[1], float(sys.argv[2])
    end_with_parent()
    opened = connect(url)
    store = BackendStore(opened.runtime.access.backend, clock=SkewedClock(skew), actor=f"worker {skew:g}")
    worker = DueWorker(StateMachinePersister(store, RELAY), poll=0.5, batch=20)
    running = Thread(target=worker.run)
    running.start()
    sys.stdin.read()
    worker.drain()
    running.join()
    opened.close()


if __name__ == "__main__":
    main()
