"""The service of the evening: it moves two orders, holds a lock, and is in the middle of a commit when it is killed.

Argument: the store's URL. It says ``committing`` once its last commit is in the store and the reply is on its way, and
hears no more of it.
"""

import sys
import time

from tai_state import LockManager, Machine, PersistenceConfig, StateMachinePersister, Transition, connect
from tai_state._platform import owners
from tai_state.rules.locking.owners import process_name

ORDER = Machine(
    "order",
    "new",
    [
        Transition("pay", "new", "paid", apply=lambda data, paid: {**data, "paid": paid}),
        Transition("pack", "paid", "packed"),
        Transition("send", "packed", "sent", apply=lambda data, parcel: {**data, "parcel": parcel}),
        Transition("deliver", "sent", "delivered"),
    ],
)
GOVERNOR, FIRST, SECOND = "shop-1", "order-17", "order-18"
LOCK = "shop-1/till"
KEY = "delivered-17"
HOST, PID = "till-2", 4711
SEGMENT_EVENTS = 4


def serve(url):
    """Work until the last commit, and wait there for the end."""
    # A name that is the same on every machine: what the commands print of it stands on a page.
    owners._process_name = lambda: process_name(HOST, PID, "0123456789abcdef")
    store = connect(url, actor="till")
    persister = StateMachinePersister(store, ORDER, PersistenceConfig(segment_events=SEGMENT_EVENTS))
    for order, total in ((FIRST, 30), (SECOND, 12)):
        persister.start(GOVERNOR, order, {"total": total})
        persister.transition(GOVERNOR, order, "pay", total)
        persister.transition(GOVERNOR, order, "pack")
        persister.transition(GOVERNOR, order, "send", f"P-{total}")
    lock = LockManager(store).acquire(LOCK, owner="till", ttl=3_600.0)
    backend = store.runtime.access.backend
    commit = backend.commit

    def stuck(writes, *, timeout):
        commit(writes, timeout=timeout)
        sys.stdout.write("committing\n")
        sys.stdout.flush()
        time.sleep(600)

    backend.commit = stuck  # type: ignore[method-assign]  # what an evening is about
    persister.transition(GOVERNOR, FIRST, "deliver", lock=lock, idempotency_key=KEY)


if __name__ == "__main__":
    serve(sys.argv[1])
