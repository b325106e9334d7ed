# Generated from tai_state/_async/replicas/syncing.py by .ci/generate_sync.py; do not edit.
"""A governor's states in two stores, side by side."""
from collections.abc import Iterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tai_state._sync.api.store import StateStore
from tai_state._sync.recovery.importer import store_place
from tai_state._sync.replicas.copies import note_caught_up
from tai_state._sync.replicas.joining import UNRESOLVED, Joining
from tai_state._sync.replicas.side import Side
from tai_state._sync.runtime import Runtime
from tai_state._platform.iterators import ending
from tai_state.causality.conflicts import Conflict
from tai_state.causality.resolvers import Resolver
from tai_state.clock import Span, TimeLimit
from tai_state.config import check_colour, check_flag, check_kind
from tai_state.documents import Document
from tai_state.errors import ConfigurationError, CorruptLogError, InvalidIdError, ReplayError
from tai_state.layout import GovernorLayout, StateLayout, check_governor_id, unescape
from tai_state.models.replicas import SyncReport
from tai_state.rules.records.documents import read_state
from tai_state.rules.records.record import StateRecord
from tai_state.rules.replicas.caught_up import caught_up
from tai_state.rules.replicas.standing import are_equal

Progress = Callable[[str, str], None]
"""Told of each state before it is looked at: its governor, and its id as stored."""


_TOLD_OF_BOTH = ([None, None], [True, True])
"""What both stores say of the erasure of a state, where nothing of it is left to do."""


def no_progress(_: str, __: str) -> None:
    """Tell nobody."""


def sync(
    a: StateStore,
    b: StateStore,
    governor_id: str,
    *,
    resolver: Resolver,
    mend_branches: bool = False,
    progress: Progress = no_progress,
    timeout: TimeLimit = None,
) -> SyncReport:
    """Bring two stores to know the same of a governor's states, and to say the same of them.

    What one has and the other lacks is sent, word for word; a state that both have changed, without knowing of each
    other, is merged by *resolver*, by an event with two parents. No change that either has acknowledged is lost: it
    stands in the line of its store, and in the branches of the other (``get_events(..., branches=True)``). Content,
    labels, deletions and erasures travel; due times, leases, fences, receipts and marks do not.

    It may be stopped anywhere and called again: what was sent is not sent again. Both stores may be written meanwhile.

    Args:
        resolver: One of ``tai_state.causality``: the same one for all replicas, or they may come to say different
            things, which is told as a conflict of kind ``unequal``.
        mend_branches: Bring also again what one has lost of the events that others have made, and the other has: what
            ``verify`` tells as ``missing_branch`` and ``corrupt_branch``. All events of both are read for it.
        progress: Called before each state with its governor's id, and its own as stored.
        timeout: Bounds each page that is read, and each commit.

    Raises:
        ConfigurationError: They are one store, or one is a copy of the other that has kept its id; or both write under
            one ``node``.
    """
    for store in (a, b):
        check_colour(store, StateStore, None)
    check_kind(resolver, Resolver, "resolver")
    check_flag(mend_branches, "mend_branches")
    governor = GovernorLayout(check_governor_id(governor_id))
    with a.runtime.inflight.one("sync"), b.runtime.inflight.one("sync"):
        ids = [(store_place(store.runtime.access, timeout))[0] for store in (a, b)]
        check_stores(a.runtime, b.runtime, ids)
        manner = _Manner(resolver, progress, timeout, mend_branches)
        return _synced((a.runtime, b.runtime), (ids[0], ids[1]), governor, manner)


def check_stores(a: Runtime, b: Runtime, ids: Sequence[str]) -> None:
    """Refuse two stores that are one, or that count as one.

    Raises:
        ConfigurationError: They have one id, or write as one node.
    """
    if ids[0] == ids[1]:
        message = (
            f"both stores have the id {ids[0]}: they are one, or one is a copy of the other. A copy that somebody works"
            " on is to take an id of its own first: restore it from the copy (`tai-state restore COPY`)"
        )
        raise ConfigurationError(message)
    node = a.settings.node
    if node and node == b.settings.node:
        message = f"both stores write as node {node!r}: a node is one writer; give one of them another name"
        raise ConfigurationError(message)


@dataclass(frozen=True, slots=True)
class _Manner:
    """How two stores are synced."""

    resolver: Resolver
    progress: Progress
    timeout: Span
    mends_branches: bool


def _synced(
    runtimes: tuple[Runtime, Runtime], ids: tuple[str, str], governor: GovernorLayout, manner: _Manner
) -> SyncReport:
    timeout = manner.timeout
    states = sent = received = merged = 0
    conflicts: list[Conflict] = []
    left: list[str] = []
    # Before anything of the other is read: what comes later, nobody has looked for.
    begun = [runtime.access.server_time(runtime.access.begin(timeout)) for runtime in runtimes]
    erased = [_erased(runtime, governor, timeout) for runtime in runtimes]
    with ending(_pairs(runtimes, governor, timeout)) as pairs:
        for paths, ours, theirs in pairs:
            states += 1
            manner.progress(governor.governor_id, paths.stored_id)
            stands = [of.get(paths.stored_id) for of in erased]
            if are_equal(ours, theirs) and stands in _TOLD_OF_BOTH and not manner.mends_branches:
                continue
            sides = [Side(one, id_, paths, timeout) for one, id_ in zip(runtimes, ids, strict=True)]
            joining = Joining(sides[0], sides[1], manner.resolver, mends_branches=manner.mends_branches)
            try:
                joining.run()
            except CorruptLogError as error:
                told = Conflict(*_ids(paths), kind="damaged", result=UNRESOLVED, detail=str(error))
                joining.tell(told)
            sent, received, merged = sent + joining.sent, received + joining.received, merged + joining.merged
            conflicts += joining.conflicts
            if any(one.result == UNRESOLVED for one in joining.conflicts):
                left.append(paths.stored_id)
    for runtime, other, as_of in zip(runtimes, reversed(ids), begun, strict=True):
        note_caught_up(runtime, governor, caught_up(other, as_of, left), timeout)
    return SyncReport(str(governor.governor_id), states, sent, received, merged, conflicts)


def _ids(paths: StateLayout) -> tuple[str, str]:
    return paths.governor_id, paths.state_id


def _erased(runtime: Runtime, governor: GovernorLayout, timeout: Span) -> dict[str, bool]:
    """Return the states, as they are stored, that were erased in a store, and of each whether that is finished."""
    # Few ever are.
    scan = runtime.access.scan(governor.erasures, timeout=timeout)
    return {one.path.id: one.fields.get("is_finished") is True for one in scan}


def _pairs(
    runtimes: tuple[Runtime, Runtime], governor: GovernorLayout, timeout: Span
) -> Iterator[tuple[StateLayout, StateRecord | None, StateRecord | None]]:
    """Iterate over the states of either store, with what each says of it; None where it has none, or a damaged one."""
    first, second = [runtime.access.scan(governor.states, timeout=timeout) for runtime in runtimes]
    with ending(first) as ours, ending(second) as theirs:
        scans = (ours, theirs)
        heads = [next(scan, None) for scan in scans]
        while True:
            there = [head.path.id for head in heads if head is not None]
            if not there:
                return
            stored = min(there)
            found: list[Document | None] = []
            for index, head in enumerate(heads):
                is_it = head is not None and head.path.id == stored
                found.append(head if is_it else None)
                if is_it:
                    heads[index] = next(scans[index], None)
            with suppress(InvalidIdError):
                paths = governor.state(unescape(stored))
                yield paths, _record(found[0], paths), _record(found[1], paths)


def _record(document: Document | None, paths: StateLayout) -> StateRecord | None:
    try:
        return None if document is None else read_state(document, paths.governor_id, paths.state_id)
    except ReplayError:
        return None  # what there is to tell of it is told by the closer look
