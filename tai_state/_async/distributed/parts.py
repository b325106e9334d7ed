"""A store that takes part: its part is prepared, settled, forced; and the marks of it are mended."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from tai_state._async.commits.protocol import AsyncSettlement, Settled, async_commit_once
from tai_state._async.runtime import AsyncRuntime
from tai_state._platform.interrupts import async_shield
from tai_state.clock import Deadline
from tai_state.codec import Payload
from tai_state.documents import Check, CommitResult, Document, DocumentPath, MustNotExist, Put, UpdatedAt, Write
from tai_state.errors import OutcomeUnknownError, PreconditionFailedError
from tai_state.layout import AUDIT, FORMAT, state_of
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.distributed.parts import Concerned, lost_marks, prepare_writes, settle_writes, settlement_of
from tai_state.rules.distributed.records import Verdict
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.prepared import Closed, Part, prepared_path, read_prepared


class Prepared(NamedTuple):
    """A part that is not settled, as it was read."""

    part: Part
    document: Document


class AsyncParts:
    """The parts of one store."""

    def __init__(self, runtime: AsyncRuntime) -> None:
        """Read and write in the store of *runtime*."""
        self._runtime = runtime
        self._access = runtime.access

    async def check(self, part: Part, concerned: Concerned, changed_by: str) -> None:
        """Refuse a part that could not be prepared, or that nobody could ever settle; nothing is sent.

        Raises:
            DocumentTooLargeError: It is more than the store takes in one commit.
            PreparedError: As for ``prepare``, by what was read before.
        """
        backend, encoding = self._access.backend, self._runtime.settings.encoding
        await backend.check_size(self._prepared(part, concerned, changed_by))
        await backend.check_size(settlement_of(part, concerned, encoding, self._access.clock.now()))

    def _prepared(self, part: Part, concerned: Concerned, changed_by: str) -> list[Write]:
        encoding, now = self._runtime.settings.encoding, self._access.clock.now()
        return prepare_writes(part, concerned, changed_by, encoding, now)

    async def prepare(self, part: Part, concerned: Concerned, changed_by: str, deadline: Deadline) -> None:
        """Prepare a part: one commit.

        Raises:
            PreparedError: Another transaction has one of its states in hand.
            PreconditionFailedError: What it rests on has changed, or it was closed meanwhile.
            OutcomeUnknownError, TaiStateError: It may be prepared, or is not.
        """
        writes = self._prepared(part, concerned, changed_by)

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (await self._access.read([part.path], deadline)).get(part.path)
            if found is None:
                return Settled(Outcome.REFUSED if refused else Outcome.PENDING)
            # One that was closed meanwhile is not to be committed any more, whatever it was before.
            is_open = isinstance(read_prepared(found), Part)
            return Settled(Outcome.APPLIED, CommitResult(found.create_time, {})) if is_open else _REFUSED

        for path in part.states:
            self._runtime.writer.heads.drop(path)
        settlement = AsyncSettlement(read, _unknown(part.transaction_id))
        await async_shield(async_commit_once, self._access, writes, deadline, settlement)

    async def open(self, transaction_id: str, deadline: Deadline) -> Prepared | Closed | None:
        """Return the part of a transaction as it stands; None: there is none."""
        path = prepared_path(transaction_id)
        document = (await self._access.read([path], deadline)).get(path)
        if document is None:
            return None
        found = read_prepared(document)
        return found if isinstance(found, Closed) else Prepared(found, document)

    async def is_open(self, transaction_id: str, deadline: Deadline) -> bool:
        """Whether there is a part of a transaction that is not settled."""
        return isinstance(await self.open(transaction_id, deadline), Prepared)

    async def settle(
        self, transaction_id: str, verdict: Verdict, deadline: Deadline, *, forced_by: Sequence[Write] = ()
    ) -> Closed:
        """Settle the part of a transaction as it was decided, and return how it is closed.

        One that was not prepared cannot be any more: it is closed, too.

        Args:
            forced_by: The record of an operator who says so without a decision.

        Raises:
            CorruptLogError: It commits, and a state of it is damaged, or has lost its mark.
            OutcomeUnknownError, TaiStateError: It may be settled, or is not; whoever comes next settles it.
        """

        async def attempt() -> Closed:
            return await async_shield(self._settle, transaction_id, verdict, deadline, forced_by)

        return await self._access.retried(attempt, deadline, also=(PreconditionFailedError,), what="a settlement")

    async def _settle(
        self, transaction_id: str, verdict: Verdict, deadline: Deadline, forced_by: Sequence[Write]
    ) -> Closed:
        found = await self.open(transaction_id, deadline)
        if isinstance(found, Closed):
            return found
        now = self._access.clock.now()
        closed = Closed(transaction_id, verdict.value, is_forced=bool(forced_by))
        if found is None:
            put = Put(closed.path, closed.fields(now), MustNotExist())
            await self._commit(closed, [put, *forced_by], deadline)
            return closed
        part, document = found
        states = await self._access.read(list(part.states), deadline, consistent=False)
        put = Put(closed.path, closed.fields(now), UpdatedAt(document.update_time))
        writes = settle_writes(part, put, states.documents, verdict, self._runtime.settings.encoding)
        for path in part.states:
            self._runtime.writer.heads.drop(path)
        commit = await self._commit(closed, [*writes, *forced_by], deadline)
        if verdict is Verdict.COMMIT:
            self._tell(part, commit.commit_time)
        return closed

    async def _commit(self, closed: Closed, writes: Sequence[Write], deadline: Deadline) -> CommitResult:
        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            document = (await self._access.read([closed.path], deadline)).get(closed.path)
            # Closed, by us or by another one who settles: there is one decision.
            if document is not None and isinstance(read_prepared(document), Closed):
                return Settled(Outcome.APPLIED, CommitResult(document.update_time, {}))
            return _REFUSED if refused else Settled(Outcome.PENDING)

        settlement = AsyncSettlement(read, _unknown(closed.transaction_id))
        return await async_commit_once(self._access, writes, deadline, settlement)

    def _tell(self, part: Part, committed_at: datetime) -> None:
        """Tell those who listen in this process of the changes that are durable now."""
        writer = self._runtime.writer
        if not writer.listeners:
            return
        for path, write in part.writes.items():
            if isinstance(write, Put) and path.collection.endswith("/events"):
                document = Document(path, dict(write.fields), committed_at, committed_at)
                writer.tell(read_event(document, *state_of(str(path))))

    async def force(
        self, transaction_id: str, verdict: Verdict, changed_by: str, reason: str, deadline: Deadline
    ) -> Closed:
        """Settle a part as an operator says, and leave a record of it; raises as ``settle`` does."""
        now = self._access.clock.now()
        fields = {
            "format": FORMAT,
            "kind": "forced_settlement",
            "path": str(prepared_path(transaction_id)),
            "message": f"distributed transaction {transaction_id} is settled by hand: {verdict.value}",
            "state_id": "",
            "version": None,
            "changed_by": changed_by,
            "reason": reason,
            "timestamp": now,
            "before": None,
            "after": Payload.of({"verdict": verdict.value}).value(),
        }
        record = Put(DocumentPath(AUDIT, self._access.new_id()), fields, MustNotExist())
        return await self.settle(transaction_id, verdict, deadline, forced_by=[record])

    async def mend(self, found: Prepared, changed_by: str, deadline: Deadline, *, is_dry_run: bool) -> tuple[int, int]:
        """Give the states of a part the marks that they have lost; return how many got one, and how many cannot.

        Each goes with a check that the part is still open: it may be settled meanwhile.
        """
        part, document = found
        encoding, now = self._runtime.settings.encoding, self._access.clock.now()
        states = await self._access.read(list(part.states), deadline)
        puts, left = lost_marks(part, states.documents, changed_by, encoding, now)
        if not puts or is_dry_run:
            return len(puts), len(left)
        stands = Check(document.path, UpdatedAt(document.update_time))

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            again = await self._access.read(list(part.states), deadline)
            missing, _ = lost_marks(part, again.documents, changed_by, encoding, now)
            if not missing:
                return Settled(Outcome.APPLIED, CommitResult(again.read_time, {}))
            return _REFUSED if refused else Settled(Outcome.PENDING)

        settlement = AsyncSettlement(read, _unknown(part.transaction_id))
        try:
            await async_shield(async_commit_once, self._access, [*puts, stands], deadline, settlement)
        except PreconditionFailedError:
            # Somebody settles it, or has changed a state: the next look tells.
            return 0, len(left)
        for put in puts:
            self._runtime.writer.heads.drop(put.path)
        return len(puts), len(left)


def _unknown(transaction_id: str) -> Callable[[], OutcomeUnknownError]:
    return partial(OutcomeUnknownError, transaction_id)


_REFUSED = Settled(Outcome.REFUSED)
