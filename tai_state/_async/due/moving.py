"""Move a due time without a change: one commit, which leaves the state's version as it is."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from tai_state._async.commits.protocol import AsyncSettlement, Settled, async_commit_once
from tai_state._async.runtime import AsyncRuntime
from tai_state._platform.interrupts import async_shield
from tai_state.clock import Deadline
from tai_state.documents import CommitResult, Document
from tai_state.errors import CorruptLogError, OutcomeUnknownError, PreconditionFailedError, StateNotFoundError
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Head
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.due.moved import has_moved, is_untouched
from tai_state.rules.records.documents import read_state, state_put
from tai_state.rules.records.record import StateRecord


async def async_move_due(
    runtime: AsyncRuntime,
    paths: StateLayout,
    deadline: Deadline,
    decide: Callable[[StateRecord, datetime], StateRecord | None],
    *,
    found: tuple[StateRecord, datetime] | None = None,
) -> StateRecord | None:
    """Write the mark that *decide* makes of the state, given it and the store's clock; return the state with it.

    Args:
        decide: Runs again where somebody was faster; None: there is nothing to move any more. What it raises passes
            through, and nothing is written.
        found: The state and the update_time of its document, where they are known: then nothing is read before.

    Returns:
        The state as it stands now; None where *decide* had nothing to move.

    Raises:
        StateNotFoundError: There is no state.
        CorruptLogError: Its document is damaged: it is not written over.
        OutcomeUnknownError: The deadline passed while the store may or may not have applied it.
    """
    access, writer = runtime.access, runtime.writer
    known = found

    async def attempt() -> StateRecord | None:
        nonlocal known
        record, based = known or await _async_read(runtime, paths, deadline)
        known = None
        told = access.store_time.now(access.clock.monotonic())
        wanted = decide(record, access.clock.now() if told is None else told)
        if wanted is None:
            return None
        put = state_put(paths, wanted, runtime.settings.encoding, based)

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            now = (await access.read([paths.state], deadline)).get(paths.state)
            if has_moved(wanted, _readable(now, paths)) and now is not None:
                return Settled(Outcome.APPLIED, CommitResult(now.update_time, {paths.state: now.update_time}))
            return Settled(Outcome.REFUSED if refused or not is_untouched(now, based) else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError("", paths.governor_id, paths.state_id, record.version, retryable=True)

        commit = await async_shield(async_commit_once, access, [put], deadline, AsyncSettlement(read, unknown))
        writer.remember(paths.state, Head(wanted, commit.update_times[paths.state]))
        return wanted

    return await access.retried(attempt, deadline, also=(PreconditionFailedError,), what="the move of a due time")


async def _async_read(runtime: AsyncRuntime, paths: StateLayout, deadline: Deadline) -> tuple[StateRecord, datetime]:
    document = (await runtime.access.read([paths.state], deadline)).get(paths.state)
    if document is None:
        raise StateNotFoundError(paths.governor_id, paths.state_id)
    return read_state(document, paths.governor_id, paths.state_id), document.update_time


def _readable(document: Document | None, paths: StateLayout) -> StateRecord | None:
    if document is not None:
        # One that was damaged since has lost our mark with the rest.
        with suppress(CorruptLogError):
            return read_state(document, paths.governor_id, paths.state_id)
    return None
