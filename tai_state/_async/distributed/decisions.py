"""The coordinator's store: a transaction is begun there, decided, told as settled, and cleared away."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from tai_state._async.access.access import AsyncAccess
from tai_state._async.commits.protocol import AsyncSettlement, Settled, async_commit_once
from tai_state._platform.interrupts import async_shield
from tai_state.authors import Author
from tai_state.clock import Deadline, Span
from tai_state.documents import CommitResult, Put
from tai_state.errors import (
    DeadlineExceededError,
    OutcomeUnknownError,
    PreconditionFailedError,
    SchemaVersionError,
    StoreError,
)
from tai_state.layout import DISTRIBUTED
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.distributed.records import (
    PARTIES_AT_ONCE,
    Begin,
    Decision,
    Places,
    Verdict,
    begin_put,
    decision_writes,
    read_begin,
    read_decision,
    settled_writes,
)

log = logging.getLogger("tai_state")


class Told(NamedTuple):
    """What the coordinator's store tells of a transaction, as of one moment of its own."""

    begin: Begin | None
    decision: Decision | None
    read_time: datetime


class AsyncDecisions:
    """The decisions in one store."""

    def __init__(self, access: AsyncAccess, author: Author) -> None:
        """Read and write through *access*.

        Args:
            author: Who begins and decides.
        """
        self._access = access
        self._author = author

    async def begin(
        self, transaction_id: str, parties: Mapping[str, str], lease: timedelta, deadline: Deadline
    ) -> datetime:
        """Begin a transaction, and return when, by the store's clock.

        Raises:
            DeadlineExceededError, StoreError: It may be begun; nothing was prepared.
        """
        put = begin_put(transaction_id, parties, lease, self._author, self._access.clock.now())

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (await self._access.read([put.path], deadline)).get(put.path)
            # Nobody else has this id.
            if found is not None:
                return Settled(Outcome.APPLIED, CommitResult(found.create_time, {}))
            return Settled(Outcome.REFUSED if refused else Outcome.PENDING)

        settlement = AsyncSettlement(read, self._unknown(transaction_id))
        try:
            commit = await async_commit_once(self._access, [put], deadline, settlement)
        except OutcomeUnknownError as error:
            # Of what may be begun, and has nothing prepared, the outcome is known.
            message = f"distributed transaction {transaction_id} could not be begun in time; nothing was written"
            raise DeadlineExceededError(message) from error
        return commit.commit_time

    async def told(self, transaction_id: str, deadline: Deadline) -> Told:
        """Return what is known of a transaction, all of it as of one moment.

        Raises:
            StoreError: It is damaged.
        """
        places = Places(transaction_id)
        read = await self._access.read([places.begin, places.decision], deadline)
        begin, decision = read.get(places.begin), read.get(places.decision)
        return Told(
            None if begin is None else read_begin(begin),
            None if decision is None else read_decision(decision, transaction_id),
            read.read_time,
        )

    async def decide(
        self, transaction_id: str, verdict: Verdict, began_at: datetime, deadline: Deadline
    ) -> Verdict | None:
        """Decide, where nobody did before, and return how it is decided; None: neither begin nor decision stands.

        Args:
            began_at: When it was begun, as ``begin`` or ``told`` said.

        Raises:
            OutcomeUnknownError: It may be decided so, or not.
            DeadlineExceededError, StoreError: It was not decided by this call.
        """
        return await async_shield(self._decide, transaction_id, verdict, began_at, deadline)

    async def _decide(
        self, transaction_id: str, verdict: Verdict, began_at: datetime, deadline: Deadline
    ) -> Verdict | None:
        ours = Decision(verdict, self._access.new_id())
        writes = decision_writes(transaction_id, ours, began_at, self._author, self._access.clock.now())

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            told = await self.told(transaction_id, deadline)
            if told.decision is not None:
                is_ours = told.decision == ours
                return Settled(Outcome.APPLIED, CommitResult(told.read_time, {})) if is_ours else _REFUSED
            if told.begin is None:
                # Decided, settled by others and cleared away, for all that is known: not even how.
                return Settled(Outcome.UNKNOWN)
            return _REFUSED if refused else Settled(Outcome.PENDING)

        settlement = AsyncSettlement(read, self._unknown(transaction_id))
        try:
            await async_commit_once(self._access, writes, deadline, settlement)
        except PreconditionFailedError:
            told = await self.told(transaction_id, deadline)
            return told.decision.verdict if told.decision is not None else None
        return verdict

    async def note_settled(
        self, transaction_id: str, names: Sequence[str], verdict: Verdict, deadline: Deadline
    ) -> None:
        """Tell that parts are settled, as was seen behind the decision; what was told before is as good."""
        writes = settled_writes(transaction_id, names, verdict, self._access.clock.now())
        paths = [write.path for write in writes if isinstance(write, Put)]

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = await self._access.read(paths, deadline, consistent=False)
            if all(found.get(path) is not None for path in paths):
                return Settled(Outcome.APPLIED, CommitResult(found.read_time, {}))
            # Ours makes all of them at once: where another has made some, it never will.
            return _REFUSED if refused or found.documents else Settled(Outcome.PENDING)

        settlement = AsyncSettlement(read, self._unknown(transaction_id))
        try:
            await async_shield(async_commit_once, self._access, writes, deadline, settlement)
        except PreconditionFailedError:
            # Somebody else tells of some of them, or all is cleared away.
            for name in names if len(names) > 1 else ():
                await self.note_settled(transaction_id, [name], verdict, deadline)

    async def begun(self, timeout: Span) -> AsyncIterator[Begin]:
        """Iterate over the transactions of which not all is cleared away; what cannot be read is passed over."""
        async for document in self._access.scan(DISTRIBUTED, timeout=timeout):
            try:
                yield read_begin(document)
            except (StoreError, SchemaVersionError) as error:
                log.warning("it is not known who takes part: %s", error)

    async def unsettled(self, timeout: Span) -> AsyncIterator[tuple[Begin, list[str]]]:
        """Iterate over the transactions of which it is not told that all have settled their parts, with those who lack.

        Many are looked at in one request: of most of them all is told, and they stand until they are cleared away.
        """
        looked_at: list[Begin] = []
        parties = 0
        async for begin in self.begun(timeout):
            looked_at.append(begin)
            parties += len(begin.parties)
            if parties >= PARTIES_AT_ONCE:
                for one in await self._lacking(looked_at, timeout):
                    yield one
                looked_at, parties = [], 0
        for one in await self._lacking(looked_at, timeout):
            yield one

    async def _lacking(self, begun: Sequence[Begin], timeout: Span) -> list[tuple[Begin, list[str]]]:
        places = {
            (begin.transaction_id, name): Places(begin.transaction_id).settled(name)
            for begin in begun
            for name in begin.parties
        }
        if not places:
            return []
        read = await self._access.read([*places.values()], self._access.begin(timeout), consistent=False)
        lacking = [
            (begin, [name for name in begin.parties if read.get(places[begin.transaction_id, name]) is None])
            for begin in begun
        ]
        return [(begin, names) for begin, names in lacking if names]

    def _unknown(self, transaction_id: str) -> Callable[[], OutcomeUnknownError]:
        return partial(OutcomeUnknownError, transaction_id)


_REFUSED = Settled(Outcome.REFUSED)
