"""Settling what nobody ended: each open part of a store, by the decision, or by one that is made past the lease."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from tai_state._async.access.access import AsyncAccess
from tai_state._async.distributed.decisions import AsyncDecisions
from tai_state._async.distributed.parts import AsyncParts, Prepared
from tai_state._async.runtime import AsyncRuntime
from tai_state.authors import Author
from tai_state.clock import Deadline, Span
from tai_state.documents import Document
from tai_state.errors import SchemaVersionError, StoreError, TaiStateError
from tai_state.rules.distributed.records import Verdict
from tai_state.rules.records.prepared import Closed, Part, open_parts, read_prepared

log = logging.getLogger("tai_state")

AsyncDecisionsOf = Callable[[Part], Awaitable[AsyncAccess | None]]
"""Returns the access to the store in which a part's decision is; None: it is not known here, or is another one now."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one open part.

    Attributes:
        document: The document that it was found in.
        part: What that says; None: it cannot be read.
        verdict: How it is settled; None: it is not.
        why: Why it is not.
        is_under_way: Whether that is no more than that its lease runs.
        marked: How many of its states got back a mark that they had lost.
    """

    document: Document
    part: Part | None = None
    verdict: Verdict | None = None
    why: str = ""
    is_under_way: bool = False
    marked: int = 0


class AsyncSettler:
    """Settles the open parts of one store."""

    def __init__(
        self, runtime: AsyncRuntime, decisions_of: AsyncDecisionsOf, author: Author, *, is_dry_run: bool = False
    ) -> None:
        """Settle in the store of *runtime*.

        Args:
            author: Who decides where nobody did.
            is_dry_run: Write nothing, and tell what would be done.
        """
        self._access = runtime.access
        self._parts = AsyncParts(runtime)
        self._decisions_of = decisions_of
        self._author = author
        self._is_dry_run = is_dry_run

    async def all(self, timeout: Span = None) -> AsyncIterator[Settlement]:
        """Settle every part that can be, and tell of each; one that fails keeps no other one back.

        Args:
            timeout: Bounds each page that is read, and each settlement.
        """
        async for document in self._access.query(open_parts(), timeout=timeout):
            deadline = self._access.begin(timeout)
            try:
                part = read_prepared(document)
                settlement = await self.one(Prepared(part, document), deadline) if isinstance(part, Part) else None
            except (StoreError, SchemaVersionError) as error:
                settlement = Settlement(document, why=str(error))
            if settlement is not None:
                yield settlement

    async def one(self, found: Prepared, deadline: Deadline) -> Settlement:
        """Settle one part, where it can be, and tell of it."""
        part, document = found
        marked = 0
        try:
            marked, _ = await self._parts.mend(found, self._author.changed_by, deadline, is_dry_run=self._is_dry_run)
            return await self._settle(part, document, marked, deadline)
        except TaiStateError as error:
            return Settlement(document, part, why=str(error), marked=marked)

    async def _settle(self, part: Part, document: Document, marked: int, deadline: Deadline) -> Settlement:
        access = await self._decisions_of(part)
        if access is None:
            where = part.coordinator or "a store without a URL"
            why = (
                f"the decision is in {where} (id {part.coordinator_id}), which is not known here, or is another by now"
            )
            return Settlement(document, part, why=why, marked=marked)
        decisions = AsyncDecisions(access, self._author)
        told = await decisions.told(part.transaction_id, deadline)
        verdict = told.decision.verdict if told.decision is not None else None
        if verdict is None and told.begin is None:
            # Settled by others and cleared away since it was found, or nobody can tell.
            again = await self._parts.open(part.transaction_id, deadline)
            is_closed = not isinstance(again, Prepared)
            why = "neither its begin nor a decision is there: it may have been committed elsewhere"
            return Settlement(document, part, why="" if is_closed else why, is_under_way=is_closed, marked=marked)
        if verdict is None and told.begin is not None and not told.begin.is_over(told.read_time):
            return Settlement(document, part, why="its lease runs", is_under_way=True, marked=marked)
        if self._is_dry_run:
            return Settlement(document, part, verdict or Verdict.ABORT, marked=marked)
        if verdict is None and told.begin is not None:
            verdict = await decisions.decide(part.transaction_id, Verdict.ABORT, told.begin.began_at, deadline)
        if verdict is None:
            return Settlement(document, part, why="it was settled meanwhile", is_under_way=True, marked=marked)
        closed = await self._parts.settle(part.transaction_id, verdict, deadline)
        await async_note_settled(decisions, closed, [part.name], deadline)
        return Settlement(document, part, Verdict(closed.verdict), marked=marked)


async def async_note_settled(
    decisions: AsyncDecisions, closed: Closed, names: Sequence[str], deadline: Deadline
) -> None:
    """Tell the coordinator's store that parts are settled; where that fails it is told by who looks next."""
    try:
        await decisions.note_settled(closed.transaction_id, names, Verdict(closed.verdict), deadline)
    except TaiStateError as error:
        log.warning("that transaction %s is settled in %s is not told yet: %s", closed.transaction_id, names, error)
