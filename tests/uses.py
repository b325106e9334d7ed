"""What is done with a store, each use by its name: whatever a store holds, each gives an answer or an error of ours."""

from collections.abc import Callable, Iterable

from tai_state import LockManager, StateMachinePersister, StateStore, TaiStateError, verify
from tests._sync.machines import COUNTER


def fill(store: StateStore) -> None:
    """Have a store hold some of everything: states, events, snapshots, receipts and a lock."""
    persister = StateMachinePersister(store, COUNTER)
    for state_id in ("s", "t"):
        persister.start("g", state_id, {"n": 0}, labels={"colour": "red"})
        for number in range(3):
            persister.transition("g", state_id, "add", 1, idempotency_key=f"{state_id}{number}")
        persister.create_snapshot("g", state_id)
    LockManager(store).acquire("lock", heartbeat=False)


USES = {
    "load": lambda store, persister: persister.load_state("g", "s"),
    "move": lambda store, persister: persister.transition("g", "s", "add", 1),
    "move again": lambda store, persister: persister.transition("g", "s", "add", 1, idempotency_key="s1"),
    "start": lambda store, persister: persister.start("g", "u"),
    "states": lambda store, persister: list(persister.list_states("g")),
    "all states": lambda store, persister: list(store.list_states("g")),
    "governors": lambda store, persister: list(store.list_governors()),
    "found": lambda store, persister: list(store.find(status="open")),
    "labelled": lambda store, persister: list(store.find(labels={"colour": "red"})),
    "counted": lambda store, persister: store.count(status="open"),
    "events": lambda store, persister: list(store.get_events("g", "s")),
    "history": lambda store, persister: list(persister.history("g", "s")),
    "replay": lambda store, persister: persister.replay("g", "s"),
    "judged": lambda store, persister: persister.validate_consistency("g"),
    "snapshots": lambda store, persister: list(persister.list_snapshots("g", "s")),
    "locks": lambda store, persister: list(LockManager(store).list()),
    "usage": lambda store, persister: store.usage("g"),
    "recovered": lambda store, persister: persister.recover("g"),
    "verified": lambda store, persister: list(verify(store)),
    "collected": lambda store, persister: persister.gc(),
    "erased": lambda store, persister: store.erase_governor("g", reason="test"),
}


def strange_errors(opened: Callable[[], StateStore], before: Callable[[], object] = lambda: None) -> Iterable[object]:
    """Return what each use raises of errors that are not ours, each in a store that is *opened* anew.

    Args:
        before: What is done before each of them.
    """
    strange = []
    for name, use in USES.items():
        before()
        try:
            with opened() as store:
                use(store, StateMachinePersister(store, COUNTER))
        except TaiStateError:
            continue
        except Exception as error:  # noqa: BLE001 - told by the test
            strange.append((name, repr(error)))
    return strange
