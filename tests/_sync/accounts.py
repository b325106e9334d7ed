# Generated from tests/_async/accounts.py by .ci/generate_sync.py; do not edit.
"""A bank, and other writers who come between: what the tests of transactions share."""
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from tai_state import (
    BackendStore,
    StateStore,
    Transaction,
    TransactionManager,
    Capability,
    RetryPolicy,
)
from tai_state._sync.access.port import Backend
from tai_state.documents import CommitResult, Document, DocumentPath, Read, Write
from tests._sync.stores import WrappedBackend

BANK = "bank"
AT_ONCE = RetryPolicy(attempts=5, wait_initial=0.0, wait_max=0.0)


def manager_of(store, retry=AT_ONCE):
    return TransactionManager(store, retry=retry)


def open_accounts(store: StateStore, **amounts: int) -> None:
    """Open an account for each name."""
    for name, amount in amounts.items():
        store.save_state(BANK, name, {"n": amount})


def amounts(store: StateStore, *names: str) -> list[int]:
    """Return what the accounts hold, as of one moment."""
    found = (store.batch_get_states(BANK, names)).found
    return [found[name].data["n"] for name in names]


def amount(tx: Transaction, name: str) -> int:
    """Return what one account holds, read in a transaction."""
    snapshot, _ = tx.get_state(BANK, name)
    amount: int = snapshot.data["n"]
    return amount


def put(tx: Transaction, name: str, amount: int) -> int:
    """Let one account hold *amount*."""
    return tx.save_state(BANK, name, {"n": amount})


def transfer(tx: Transaction, source: str, target: str, amount: int) -> None:
    """Move *amount* between two accounts that are read in one go."""
    found = (tx.batch_get_states(BANK, [source, target])).found
    put(tx, source, found[source].data["n"] - amount)
    put(tx, target, found[target].data["n"] + amount)


class MeddledBackend(WrappedBackend):
    """Before the reads and the commits to come, makes the calls that are put into its lists, one each."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.before_reads: list[Callable[[], object]] = []
        self.before_commits: list[Callable[[], object]] = []

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        if self.before_reads:
            self.before_reads.pop(0)()
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        if self.before_commits:
            self.before_commits.pop(0)()
        return super().commit(writes, timeout=timeout)


class PresentBackend(WrappedBackend):
    """Reads the present alone, whatever the engine can."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.capabilities = inner.capabilities - {Capability.READ_AT}


class TearingBackend(WrappedBackend):
    """Reads a batch document by document where it need not be consistent, and calls ``between`` behind the first."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.capabilities = inner.capabilities - {Capability.STEADY_READS, Capability.READ_AT}
        self.between: list[Callable[[], object]] = []
        self.consistent_reads = 0

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        if consistent or at is not None:
            self.consistent_reads += 1
            return super().get_many(paths, timeout=timeout, consistent=True, at=at)
        found: dict[DocumentPath, Document] = {}
        read_time = datetime.min.replace(tzinfo=UTC)
        for number, path in enumerate(paths):
            if number == 1 and self.between:
                self.between.pop(0)()
            read = super().get_many([path], timeout=timeout)
            found.update(read.documents)
            read_time = read.read_time
        return Read(found, read_time)


def over(place, kind):
    """Return one more store in the place over a backend of that kind, and the backend."""
    backend = kind(place.store().runtime.access.backend)
    return BackendStore(backend, actor="tester"), backend
