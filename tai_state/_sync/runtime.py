# Generated from tai_state/_async/runtime.py by .ci/generate_sync.py; do not edit.
"""What everything above the locks needs of one store."""
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tai_state._sync.access.access import PAGE, Access
from tai_state._sync.access.inflight import InFlight
from tai_state._sync.access.turns import Lines
from tai_state._sync.commits.writer import ChangeWriter
from tai_state._sync.history.reader import HistoryReader
from tai_state._sync.locking.registry import LockRegistry
from tai_state.clock import TimeLimit
from tai_state.config import FAILED_TRANSACTIONS_MAX
from tai_state.documents import Conditions, FieldEquals
from tai_state.layout import GovernorLayout, StateLayout, escape
from tai_state.models import FailedTransaction
from tai_state.rules.commits.change import Settings
from tai_state.rules.commits.kinds import check_name
from tai_state.rules.records.documents import owner_of, read_state
from tai_state.rules.records.record import StateRecord


@dataclass(frozen=True, slots=True)
class Runtime:
    """The inside of a store, which persisters, transactions and locks share.

    Attributes:
        actor: The author of changes that nobody else signs.
        settings: Encodings, maintenance and the ttl of receipts, where no persister says otherwise.
        locks: The locks that were granted over the store, and who waits for more.
        inflight: The calls under way.
        turns: Where transactions stand in line for the states that they write.
        failed_transactions: The last of those that failed, for people and telemetry.
    """

    access: Access
    writer: ChangeWriter
    history: HistoryReader
    locks: LockRegistry
    inflight: InFlight
    settings: Settings
    actor: str
    turns: Lines = field(default_factory=Lines)
    failed_transactions: deque[FailedTransaction] = field(default_factory=lambda: deque(maxlen=FAILED_TRANSACTIONS_MAX))

    def record(self, paths: StateLayout, timeout: TimeLimit) -> StateRecord | None:
        """Return a state's record, tombstones included; None where there never was one."""
        with self.inflight.one():
            read = self.access.read([paths.state], self.access.begin(timeout))
        document = read.get(paths.state)
        return read_state(document, paths.governor_id, paths.state_id) if document is not None else None

    def records(
        self,
        governor_id: str,
        *,
        status: str | None = None,
        after: str | None = None,
        page: int = PAGE,
        timeout: TimeLimit = None,
    ) -> Iterator[StateRecord]:
        """Iterate over a governor's records, tombstones included, ascending by stored id."""
        governor = GovernorLayout(governor_id)
        start = None if after is None else escape(after, "after")
        # "" is the status of states that were never given one.
        wanted = status if status in {None, ""} else check_name(status, "status")
        conditions: Conditions = () if wanted is None else (FieldEquals("status", wanted),)
        found = self.access.scan(governor.states, after=start, conditions=conditions, page=page, timeout=timeout)
        for document in self.inflight.reading(found):
            yield read_state(document, governor.governor_id, owner_of(document, governor.governor_id))
