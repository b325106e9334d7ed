"""What everything above the locks needs of one store."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tai_state._async.access.access import PAGE, AsyncAccess
from tai_state._async.access.damage import tell_damage, tell_missing
from tai_state._async.access.inflight import AsyncCall
from tai_state._async.access.turns import AsyncLines
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state._platform.iterators import async_ending
from tai_state.causality.conflicts import ConflictHistory
from tai_state.config import FAILED_TRANSACTIONS_MAX
from tai_state.documents import Cursor, DocumentPath, FieldEquals, Query
from tai_state.errors import CorruptLogError, ReplayError
from tai_state.frozen import quick_dataclass
from tai_state.layout import GovernorLayout, StateLayout
from tai_state.rules.commits.kinds import check_name
from tai_state.rules.history.id_ranges import ALL_IDS, IdRange
from tai_state.rules.records.again import read_state_again
from tai_state.rules.records.documents import owner_of, read_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tai_state._async.access.inflight import AsyncInFlight
    from tai_state._async.commits.writer import AsyncChangeWriter
    from tai_state._async.locking.registry import AsyncLockRegistry
    from tai_state.causality.conflicts import Conflict
    from tai_state.clock import Deadline, Span
    from tai_state.documents import Document
    from tai_state.models import FailedTransaction
    from tai_state.retry import RetryPolicy
    from tai_state.rules.commits.change import Settings
    from tai_state.rules.history.damaged import Damaged
    from tai_state.rules.records.record import StateRecord
    from tai_state.settings.model import Settings as Configured


@quick_dataclass(frozen=True, slots=True)
class Found:
    """A state, and whether it had to be rebuilt from its log."""

    record: StateRecord
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class AsyncRuntime:
    """The inside of a store, which persisters, transactions and locks share.

    Attributes:
        actor: The author of changes that nobody else signs.
        settings: Encodings, maintenance and the ttl of receipts, where no persister says otherwise.
        locks: The locks that were granted over the store, and who waits for more.
        inflight: The calls under way.
        turns: Where transactions stand in line for the states that they write.
        failed_transactions: The last of those that failed, for people and telemetry.
        coordinators: The stores, by their ids, in which transactions over several stores are decided that this store
            object took part in.
        conflicts: The versions in conflict that syncs and replicas met, as far as they are remembered.
        configured: What a program's settings say of all that is put over the store; None: each has its own defaults.
    """

    access: AsyncAccess
    writer: AsyncChangeWriter
    history: AsyncHistoryReader
    locks: AsyncLockRegistry
    inflight: AsyncInFlight
    settings: Settings
    actor: str
    turns: AsyncLines = field(default_factory=AsyncLines)
    conflicts: ConflictHistory = field(default_factory=ConflictHistory)
    failed_transactions: deque[FailedTransaction] = field(default_factory=lambda: deque(maxlen=FAILED_TRANSACTIONS_MAX))
    coordinators: dict[str, AsyncAccess] = field(default_factory=dict)
    configured: Configured | None = None

    def meet(self, conflict: Conflict) -> Conflict:
        """Remember versions in conflict, and tell of them; return what is remembered."""
        met = self.conflicts.record(conflict)
        if self.inflight.observers.all:
            # What a person should know of it beside may name what is in the state, or a key.
            self.inflight.observers.conflict_met(replace(met, detail="", fields=()))
        return met

    def with_retry(self, retry: RetryPolicy) -> AsyncRuntime:
        """Return the inside of the same store for one who tries again as *retry* says; all else is shared."""
        access = replace(self.access, retry=retry)
        return replace(self, access=access, writer=self.writer.over(access), history=AsyncHistoryReader(access))

    async def record(self, paths: StateLayout, timeout: Span) -> StateRecord | None:
        """Return a state's record, tombstones included, as ``find`` does; None where there never was one."""
        found = await self.find(paths, timeout)
        return found.record if found is not None else None

    async def find(self, paths: StateLayout, timeout: Span = None) -> Found | None:
        """Return a state, rebuilt from its log where its document is missing or damaged; None where it never was.

        Nothing is written. A state that is there costs one read, one that never was, one look at its events more.

        Raises:
            CorruptLogError: It cannot be rebuilt either.
        """
        with AsyncCall(self.inflight, "get_state", paths.governor_id, paths.state_id, is_new=True):
            deadline = self.access.begin(timeout)
            document, damage = await self.document(paths, deadline)
            if damage is None and document is not None:
                return Found(document)
            try:
                record = await self.history.lost(paths, deadline)
            except CorruptLogError as error:
                raise damage or error from error
            if record is not None:
                # Created in the meantime, it was never missing.
                document, again = await self.document(paths, deadline)
                if again is None and document is not None:
                    return Found(document)
                if damage is None:
                    tell_missing(paths)
                else:
                    tell_damage(damage)
                return Found(record, recovered=True)
            if damage is not None:
                raise damage
            return None

    async def find_many(
        self, wanted: Sequence[StateLayout], timeout: Span
    ) -> tuple[dict[DocumentPath, Found], list[str]]:
        """Return states as of one moment, by path, and the ids of those that are damaged for good.

        Those whose documents are missing or damaged are rebuilt as by ``find``. Where some are missing, one more read
        looks for their first events.
        """
        found: dict[DocumentPath, Found] = {}
        suspect: list[StateLayout] = []
        damaged: list[str] = []
        with self.inflight.one("get_states"):
            deadline = self.access.begin(timeout)
            read = await self.access.read([paths.state for paths in wanted], deadline)
            absent = [paths for paths in wanted if read.get(paths.state) is None]
            for paths in wanted:
                if (document := read.get(paths.state)) is not None:
                    try:
                        record = read_state(document, paths.governor_id, paths.state_id)
                    except CorruptLogError:
                        suspect.append(paths)
                    else:
                        found |= {paths.state: Found(record)} if record.is_made else {}
            if absent:
                made = await self.history.first_events(absent, deadline)
                suspect += [paths for paths in absent if paths.state in made]
            for paths in suspect:
                try:
                    one = await self.find(paths, deadline)
                except CorruptLogError:
                    damaged.append(paths.state_id)
                else:
                    found |= {paths.state: one} if one is not None else {}
        return found, damaged

    async def document(
        self, paths: StateLayout, deadline: Deadline
    ) -> tuple[StateRecord | None, CorruptLogError | None]:
        """Return what a state document says, and what is wrong with it; neither where there is no state."""
        document = (await self.access.read([paths.state], deadline)).documents.get(paths.state)
        if document is None:
            return None, None
        try:
            record = read_state_again(document, paths.governor_id, paths.state_id)
        except CorruptLogError as error:
            return None, error
        # A call less than to ask it: most reads pass here.
        return record if record.version else None, None

    async def records(
        self,
        governor_id: str,
        damaged: Damaged,
        *,
        status: str | None = None,
        machine: str | None = None,
        is_live: bool = False,
        ids: IdRange = ALL_IDS,
        is_descending: bool = False,
        first: int | None = None,
        page: int = PAGE,
        timeout: Span = None,
    ) -> AsyncIterator[StateRecord]:
        """Iterate over a governor's records, tombstones included, ascending by stored id.

        Args:
            damaged: Takes what cannot be read.
            status, machine: Ask the engine for those in this status alone, and for those that a machine of this name
                moved last.
            is_live: Ask the engine for those that are not deleted, so that it need not send the others.
            ids: Those with these ids alone.
            is_descending: From their end; the engine is to be asked for a status, or for those that are not deleted,
                and for nothing else.
            first: After how many the reader is likely to stop; see ``AsyncAccess.query``.
        """
        governor = GovernorLayout(governor_id)
        # "" is the status of states that were never given one.
        wanted = status if status in {None, ""} else check_name(status, "status")
        conditions = [FieldEquals("status", wanted)] if wanted is not None else []
        if machine is not None:
            conditions.append(FieldEquals("machine_name", machine))
        if is_live:
            conditions.append(FieldEquals("deleted", value=False))
        if conditions:
            place = ids.begins_behind(descending=is_descending)
            behind = None if place is None else Cursor(DocumentPath(governor.states, place))
            query = Query(
                collection=governor.states, equal=tuple(conditions), after=behind, is_descending=is_descending
            )
            found = self.access.query(query, first=first, page=page, timeout=timeout)
        else:
            found = self.access.scan(governor.states, start=ids.low, stop=ids.high, page=page, timeout=timeout)
        async with async_ending(self.inflight.reading(found, "list_states", governor_id)) as documents:
            async for document in documents:
                if ids.has_ended(document.path.id, descending=is_descending):
                    return
                record = readable_state(document, governor.governor_id, damaged)
                if record is not None:
                    yield record


def readable_state(document: Document, governor_id: str, damaged: Damaged) -> StateRecord | None:
    """Return the record in a document of the states; None for one that cannot be read, which *damaged* takes.

    And for one that is no state yet.
    """
    try:
        record = read_state(document, governor_id, owner_of(document, governor_id))
    except ReplayError as error:
        if isinstance(error, CorruptLogError):
            tell_damage(error)
        damaged.add(error, document)
        return None
    return record if record.is_made else None
