"""Settling what was left of transactions over several stores: of one store, by itself, or with its recovery."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

from tai_state._async.access.access import AsyncAccess
from tai_state._async.api.connect import async_connect
from tai_state._async.api.store import AsyncStateStore
from tai_state._async.commits.feeding import store_id_in
from tai_state._async.distributed.parts import AsyncParts, Prepared
from tai_state._async.distributed.settling import AsyncSettler, Settlement
from tai_state._async.runtime import AsyncRuntime
from tai_state.authors import Author, author_of
from tai_state.clock import Deadline, Span, TimeLimit
from tai_state.config import check_kind
from tai_state.errors import ConfigurationError, InvalidDataError, PreparedError, StoreMissingError, TaiStateError
from tai_state.layout import META, check_id
from tai_state.rules.distributed.records import Verdict
from tai_state.rules.records.prepared import Part
from tai_state.urls import parse_url

log = logging.getLogger("tai_state")


class AsyncCoordinators:
    """Where the decisions are of the transactions that a store takes part in; opened at most once each.

    1. The store that the caller gives.
    2. The store itself, where it is its own coordinator.
    3. One that this store object took part with.
    4. The one at the URL that the part names. SQLite's must be there; none is made.

    Each of them only where it has the id that the part names: a copy that took the place of the coordinator's store may
    lack its decisions.
    """

    def __init__(self, runtime: AsyncRuntime, given: AsyncAccess | None, timeout: Span) -> None:
        """Find those of the store in *runtime*.

        Args:
            given: The store that the caller says it is; None: he does not say.
        """
        self._runtime = runtime
        self._given = given
        self._timeout = timeout
        self._stack = AsyncExitStack()
        self._found: dict[str, AsyncAccess | None] = {}

    async def close(self) -> None:
        """Close those that were opened."""
        await self._stack.aclose()

    async def of(self, part: Part) -> AsyncAccess | None:
        """Return the access to the coordinator's store of a part; None: it is not known here, or is another by now."""
        if part.coordinator_id not in self._found:
            self._found[part.coordinator_id] = await self._find(part)
        return self._found[part.coordinator_id]

    async def _find(self, part: Part) -> AsyncAccess | None:
        known = self._runtime.coordinators.get(part.coordinator_id)
        for access in (self._given, self._runtime.access, known):
            if access is not None and await self._is(access, part.coordinator_id):
                return access
        return await self._opened(part)

    async def _opened(self, part: Part) -> AsyncAccess | None:
        if not part.coordinator:
            return None
        try:
            if parse_url(part.coordinator).scheme == "sqlite":
                # Looked at first: to open a store is to make it where there is none.
                async with async_connect(part.coordinator, read_only=True) as looked_at:
                    if not await self._is(looked_at.runtime.access, part.coordinator_id):
                        return None
            store = await self._stack.enter_async_context(async_connect(part.coordinator))
        except (ConfigurationError, StoreMissingError):
            return None
        access = store.runtime.access
        return access if await self._is(access, part.coordinator_id) else None

    async def _is(self, access: AsyncAccess, store_id: str) -> bool:
        meta = (await access.read([META], self._runtime.access.begin(self._timeout))).get(META)
        return meta is not None and store_id_in(meta) == store_id


async def async_settlements(
    store: AsyncStateStore,
    coordinator: AsyncStateStore | None,
    author: Author,
    timeout: Span,
    *,
    is_dry_run: bool = False,
) -> AsyncIterator[Settlement]:
    """Settle the open parts of a store, and tell of each; see ``async_settle``."""
    runtime = store.runtime
    coordinators = AsyncCoordinators(runtime, None if coordinator is None else coordinator.runtime.access, timeout)
    try:
        async for settlement in AsyncSettler(runtime, coordinators.of, author, is_dry_run=is_dry_run).all(timeout):
            yield settlement
    finally:
        await coordinators.close()


async def async_settle(
    store: AsyncStateStore, *, coordinator: AsyncStateStore | None = None, timeout: TimeLimit = None
) -> int:
    """Settle what transactions over several stores have left in *store*, and return how many were settled by it.

    What was decided is done: the changes are committed, or the marks go. What nobody decided until its lease was over
    is aborted, for all of its stores. A transaction whose lease runs is left alone; so is one whose coordinator's store
    cannot be reached, or knows nothing of it: ``recover`` tells of those, and ``async_force`` is for an operator.

    Args:
        coordinator: The store in which the decisions are; None: this one, one that it took part with in this process,
            or the one at the URL that stands with what is prepared.
        timeout: Bounds each page that is read, and each settlement.
    """
    check_kind(store, AsyncStateStore, "the store to settle")
    if coordinator is not None:
        check_kind(coordinator, AsyncStateStore, "the coordinator")
    author, count = author_of(None, store.actor), 0
    with store.runtime.inflight.one("settle"):
        async for settlement in async_settlements(store, coordinator, author, timeout):
            count += settlement.verdict is not None
    return count


async def async_settle_marked(runtime: AsyncRuntime, error: PreparedError, deadline: Deadline) -> bool:
    """Settle the transaction that keeps a change from being made, where its lease is over; return whether it is.

    By this store's own clock it is looked at whether that may be: the coordinator's store tells.
    """
    parts, access = AsyncParts(runtime), runtime.access
    coordinators = AsyncCoordinators(runtime, None, deadline)
    try:
        found = await parts.open(error.transaction_id, deadline)
        if not isinstance(found, Prepared):
            return found is not None
        lease = timedelta(seconds=found.part.lease_seconds)
        if await access.server_time(deadline) <= found.document.create_time + lease:
            return False
        settler = AsyncSettler(runtime, coordinators.of, author_of(None, runtime.actor))
        settlement = await settler.one(found, deadline)
    except TaiStateError as failed:
        log.warning("transaction %s is not settled here: %s", error.transaction_id, failed)
        return False
    finally:
        await coordinators.close()
    return settlement.verdict is not None


async def async_force(
    store: AsyncStateStore, transaction_id: str, *, commit: bool, reason: str, timeout: TimeLimit = None
) -> None:
    """Settle what one transaction has left in *store* without its decision, as an operator says who knows of it.

    For one whose coordinator's store is lost. Where the other stores do, or did, otherwise, they differ for good: so
    look first what became of it there. A record in ``audit`` says who, why and how.

    Raises:
        InvalidDataError: There is no *reason*, or nothing is open of that transaction.
    """
    check_kind(store, AsyncStateStore, "the store to settle")
    check_id(transaction_id, "transaction_id")
    if not isinstance(reason, str) or not reason.strip():
        message = "is required: it stands in the record"
        raise InvalidDataError(message, path="reason")
    runtime = store.runtime
    parts, author = AsyncParts(runtime), author_of(None, store.actor)
    with runtime.inflight.one("force"):
        deadline: Deadline = runtime.access.begin(timeout)
        if not await parts.is_open(transaction_id, deadline):
            message = "nothing is prepared here of it, or it is settled"
            raise InvalidDataError(message, path="transaction_id")
        verdict = Verdict.COMMIT if commit else Verdict.ABORT
        await parts.force(transaction_id, verdict, author.changed_by, reason, deadline)
