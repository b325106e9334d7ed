# Generated from tai_state/_async/api/settling.py by .ci/generate_sync.py; do not edit.
"""Settling what was left of transactions over several stores: of one store, by itself, or with its recovery."""
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

from tai_state._sync.access.access import Access
from tai_state._sync.api.connect import connect
from tai_state._sync.api.store import StateStore
from tai_state._sync.commits.feeding import store_id_in
from tai_state._sync.distributed.parts import Parts, Prepared
from tai_state._sync.distributed.settling import Settler, Settlement
from tai_state._sync.runtime import Runtime
from tai_state.authors import Author, author_of
from tai_state.clock import Deadline, Span, TimeLimit
from tai_state.config import check_kind
from tai_state.errors import ConfigurationError, InvalidDataError, PreparedError, StoreMissingError, TaiStateError
from tai_state.layout import META, check_id
from tai_state.rules.distributed.records import Verdict
from tai_state.rules.records.prepared import Part
from tai_state.urls import parse_url

log = logging.getLogger("tai_state")


class Coordinators:
    """Where the decisions are of the transactions that a store takes part in; opened at most once each.

    1. The store that the caller gives.
    2. The store itself, where it is its own coordinator.
    3. One that this store object took part with.
    4. The one at the URL that the part names. SQLite's must be there; none is made.

    Each of them only where it has the id that the part names: a copy that took the place of the coordinator's store may
    lack its decisions.
    """

    def __init__(self, runtime: Runtime, given: Access | None, timeout: Span) -> None:
        """Find those of the store in *runtime*.

        Args:
            given: The store that the caller says it is; None: he does not say.
        """
        self._runtime = runtime
        self._given = given
        self._timeout = timeout
        self._stack = ExitStack()
        self._found: dict[str, Access | None] = {}

    def close(self) -> None:
        """Close those that were opened."""
        self._stack.close()

    def of(self, part: Part) -> Access | None:
        """Return the access to the coordinator's store of a part; None: it is not known here, or is another by now."""
        if part.coordinator_id not in self._found:
            self._found[part.coordinator_id] = self._find(part)
        return self._found[part.coordinator_id]

    def _find(self, part: Part) -> Access | None:
        known = self._runtime.coordinators.get(part.coordinator_id)
        for access in (self._given, self._runtime.access, known):
            if access is not None and self._is(access, part.coordinator_id):
                return access
        return self._opened(part)

    def _opened(self, part: Part) -> Access | None:
        if not part.coordinator:
            return None
        try:
            if parse_url(part.coordinator).scheme == "sqlite":
                # Looked at first: to open a store is to make it where there is none.
                with connect(part.coordinator, read_only=True) as looked_at:
                    if not self._is(looked_at.runtime.access, part.coordinator_id):
                        return None
            store = self._stack.enter_context(connect(part.coordinator))
        except (ConfigurationError, StoreMissingError):
            return None
        access = store.runtime.access
        return access if self._is(access, part.coordinator_id) else None

    def _is(self, access: Access, store_id: str) -> bool:
        meta = (access.read([META], self._runtime.access.begin(self._timeout))).get(META)
        return meta is not None and store_id_in(meta) == store_id


def settlements(
    store: StateStore,
    coordinator: StateStore | None,
    author: Author,
    timeout: Span,
    *,
    is_dry_run: bool = False,
) -> Iterator[Settlement]:
    """Settle the open parts of a store, and tell of each; see ``settle``."""
    runtime = store.runtime
    coordinators = Coordinators(runtime, None if coordinator is None else coordinator.runtime.access, timeout)
    try:
        for settlement in Settler(runtime, coordinators.of, author, is_dry_run=is_dry_run).all(timeout):
            yield settlement
    finally:
        coordinators.close()


def settle(
    store: StateStore, *, coordinator: StateStore | None = None, timeout: TimeLimit = None
) -> int:
    """Settle what transactions over several stores have left in *store*, and return how many were settled by it.

    What was decided is done: the changes are committed, or the marks go. What nobody decided until its lease was over
    is aborted, for all of its stores. A transaction whose lease runs is left alone; so is one whose coordinator's store
    cannot be reached, or knows nothing of it: ``recover`` tells of those, and ``force`` is for an operator.

    Args:
        coordinator: The store in which the decisions are; None: this one, one that it took part with in this process,
            or the one at the URL that stands with what is prepared.
        timeout: Bounds each page that is read, and each settlement.
    """
    check_kind(store, StateStore, "the store to settle")
    if coordinator is not None:
        check_kind(coordinator, StateStore, "the coordinator")
    author, count = author_of(None, store.actor), 0
    with store.runtime.inflight.one("settle"):
        for settlement in settlements(store, coordinator, author, timeout):
            count += settlement.verdict is not None
    return count


def settle_marked(runtime: Runtime, error: PreparedError, deadline: Deadline) -> bool:
    """Settle the transaction that keeps a change from being made, where its lease is over; return whether it is.

    By this store's own clock it is looked at whether that may be: the coordinator's store tells.
    """
    parts, access = Parts(runtime), runtime.access
    coordinators = Coordinators(runtime, None, deadline)
    try:
        found = parts.open(error.transaction_id, deadline)
        if not isinstance(found, Prepared):
            return found is not None
        lease = timedelta(seconds=found.part.lease_seconds)
        if access.server_time(deadline) <= found.document.create_time + lease:
            return False
        settler = Settler(runtime, coordinators.of, author_of(None, runtime.actor))
        settlement = settler.one(found, deadline)
    except TaiStateError as failed:
        log.warning("transaction %s is not settled here: %s", error.transaction_id, failed)
        return False
    finally:
        coordinators.close()
    return settlement.verdict is not None


def force(
    store: StateStore, transaction_id: str, *, commit: bool, reason: str, timeout: TimeLimit = None
) -> None:
    """Settle what one transaction has left in *store* without its decision, as an operator says who knows of it.

    For one whose coordinator's store is lost. Where the other stores do, or did, otherwise, they differ for good: so
    look first what became of it there. A record in ``audit`` says who, why and how.

    Raises:
        InvalidDataError: There is no *reason*, or nothing is open of that transaction.
    """
    check_kind(store, StateStore, "the store to settle")
    check_id(transaction_id, "transaction_id")
    if not isinstance(reason, str) or not reason.strip():
        message = "is required: it stands in the record"
        raise InvalidDataError(message, path="reason")
    runtime = store.runtime
    parts, author = Parts(runtime), author_of(None, store.actor)
    with runtime.inflight.one("force"):
        deadline: Deadline = runtime.access.begin(timeout)
        if not parts.is_open(transaction_id, deadline):
            message = "nothing is prepared here of it, or it is settled"
            raise InvalidDataError(message, path="transaction_id")
        verdict = Verdict.COMMIT if commit else Verdict.ABORT
        parts.force(transaction_id, verdict, author.changed_by, reason, deadline)
