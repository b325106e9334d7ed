# Generated from tests/_async/transactions/test_transactions_cost.py by .ci/generate_sync.py; do not edit.
"""What a transaction costs: each document is read once, however many reads there are before it."""
import pytest

from tai_state import (
    BackendStore,
    StateMachinePersister,
    TransactionManager,
    Capability,
    Machine,
    Transition,
)
from tests._sync.stores import WrappedBackend

CHAIN = Machine(
    "link",
    "on",
    [Transition("fail", "on", "failed"), Transition("follow", "on", "failed")],
    on_dependency={"failed": "follow"},
)


class ReadCounter(WrappedBackend):
    """Counts the documents that are asked for."""

    documents = 0

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.documents += len(paths)
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@pytest.fixture
def counted(place):
    """A store whose backend counts the documents read; the place has a state already."""
    place.store().save_state("g", "first", {})
    backend = ReadCounter(place.store().runtime.access.backend)
    return BackendStore(backend, actor="tester"), backend


def test_blind_saves_read_each_state_once(counted):
    """Fifty saves of fifty states: fifty documents, the store's own, and what the record of it takes."""
    store, backend = counted

    def body(tx):
        for number in range(50):
            tx.save_state("g", f"s{number}", {"n": number})

    TransactionManager(store).run(body)
    assert backend.documents <= 50 + 1


def test_a_cascade_reads_each_state_once(counted):
    """Down a chain of forty states: each one, the store's own, and what the cold start of the move took."""
    store, backend = counted
    persister = StateMachinePersister(store, CHAIN)
    persister.start("g", "n0")
    for number in range(1, 40):
        persister.start("g", f"n{number}", depends_on=[f"n{number - 1}"])
    cold = BackendStore(backend, actor="tester")
    backend.documents = 0
    StateMachinePersister(cold, CHAIN).transition("g", "n0", "fail")
    assert backend.documents <= 40 + 3
    assert (cold.get_state("g", "n39"))[0].status == "failed"


def test_reads_that_go_together_are_not_repeated(counted):
    """Twenty reads, one after the other, and one validation of what a body returns without a commit."""
    store, backend = counted
    for number in range(20):
        store.save_state("g", f"s{number}", {"n": number})
    backend.documents = 0

    def body(tx):
        return [(tx.get_state("g", f"s{number}"))[1] for number in range(20)]

    assert TransactionManager(store).run(body) == [1] * 20
    assert backend.documents <= 2 * 20


def test_what_was_changed_since_the_first_read_is_seen(place, counted):
    """Something new that is younger than the first read: all is read again, and the body begins anew.

    Where the engine can read the past it is read as it was then.
    """
    store, _ = counted
    other = place.store()
    for name in ("a", "b"):
        other.save_state("g", name, {"n": 0})
    seen: list[int] = []

    def body(tx):
        (one, _) = tx.get_state("g", "a")
        if not seen:
            for name in ("a", "b"):
                other.save_state("g", name, {"n": 1})
        seen.append(one.data["n"])
        (two, _) = tx.get_state("g", "b")
        return one.data["n"], two.data["n"]

    reads_the_past = Capability.READ_AT in store.capabilities
    assert TransactionManager(store).run(body) == ((0, 0) if reads_the_past else (1, 1))
    assert seen == ([0] if reads_the_past else [0, 1])
