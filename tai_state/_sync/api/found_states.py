# Generated from tai_state/_async/api/found_states.py by .ci/generate_sync.py; do not edit.
"""States of all governors, found by their labels, status and machine; and how many there are."""
from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state._platform.iterators import ending
from tai_state.errors import CorruptLogError, InvalidIdError, SchemaVersionError
from tai_state.layout import GOVERNORS, STATE_PARTS, GovernorLayout, is_own
from tai_state.rules.history.states_wanted import governor_of, states_in
from tai_state.rules.records.documents import owner_of, read_state
from tai_state.rules.records.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tai_state._sync.runtime import Runtime
    from tai_state.clock import Span
    from tai_state.documents import Document, Query
    from tai_state.rules.history.states_wanted import WantedStates
    from tai_state.rules.records.record import StateRecord


def found_states(
    runtime: Runtime, wanted: WantedStates, *, limit: int | None, timeout: Span
) -> Iterator[StateRecord]:
    """Iterate over the states that are *wanted*, in the order of their paths.

    Raises:
        DamagedDocumentsError, SchemaVersionError: Behind the last state: some could not be read.
    """
    unreadable = Unreadable()
    given = 0
    if limit == 0:
        return
    for query in queries(runtime, wanted, timeout):
        # Where nothing is left out here, the engine sends no more than is asked for.
        most = None if limit is None or wanted.is_filtered else limit - given
        found = runtime.access.query(query, limit=most, timeout=timeout)
        with ending(runtime.inflight.reading(found, "find")) as documents:
            for document in documents:
                record = _state(document, unreadable, is_of_one=wanted.governor is not None)
                if record is None or not wanted.takes(record):
                    continue
                yield record
                given += 1
                if given == limit:
                    break
        if given == limit:
            break
    unreadable.tell()


def queries(runtime: Runtime, wanted: WantedStates, timeout: Span) -> Iterator[Query]:
    """Iterate over the queries that find what is *wanted*, in their order: one, or one for each governor."""
    if wanted.terms:
        yield wanted.by_label()
        return
    if wanted.governor is not None:
        yield wanted.in_governor(wanted.governor.states)
        return
    first = None if wanted.after is None else governor_of(wanted.after)
    if first is not None:
        yield wanted.in_governor(states_in(first))
    governors = runtime.access.scan_ids(GOVERNORS, after=first, limit=None, timeout=timeout)
    with ending(runtime.inflight.reading(governors, "find")) as stored:
        for governor in stored:
            # Those of the package's own are behind all of users: keys are found by their group.
            if is_own(governor):
                return
            yield wanted.in_governor(states_in(governor))


def counted(runtime: Runtime, wanted: WantedStates, timeout: Span) -> int:
    """Return how many states are *wanted*: as the engine counts, where it need not leave out any."""
    count = 0
    if wanted.is_filtered:
        for _ in found_states(runtime, wanted, limit=None, timeout=timeout):
            count += 1
        return count
    for query in queries(runtime, wanted, timeout):
        count += runtime.access.count(query, runtime.access.begin(timeout))
    return count


def _state(document: Document, unreadable: Unreadable, *, is_of_one: bool) -> StateRecord | None:
    """Return the state in a document; None for one that is none of ours, or no state yet.

    Or that cannot be read: *unreadable* takes it.

    Args:
        is_of_one: Whether one governor's are asked for, which may be one of the package's own.
    """
    # Below a governor somebody else may keep states of his own.
    if len(str(document.path).split("/")) != STATE_PARTS:
        return None
    stored = governor_of(document.path)
    if is_own(stored) and not is_of_one:
        return None
    try:
        governor_id = GovernorLayout.at(stored).governor_id
        record = read_state(document, governor_id, owner_of(document, governor_id))
    except (CorruptLogError, SchemaVersionError, InvalidIdError) as error:
        unreadable.add(error, document)
        return None
    return record if record.is_made else None
