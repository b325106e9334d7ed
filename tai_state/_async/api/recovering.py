"""Checking a store and making it sound again: what an operator reaches for after a crash."""

from collections.abc import AsyncIterator

from tai_state._async.api.store import AsyncStateStore
from tai_state._async.recovery.verify import AsyncVerifier, Progress, no_progress
from tai_state.clock import TimeLimit
from tai_state.errors import ConfigurationError
from tai_state.layout import check_id, state_layout
from tai_state.models import ConsistencyReport


async def async_verify(
    store: AsyncStateStore,
    governor_id: str | None = None,
    state_id: str | None = None,
    *,
    progress: Progress = no_progress,
    timeout: TimeLimit = None,
) -> AsyncIterator[ConsistencyReport]:
    """Check what a store holds, and give a report for each governor; nothing is written.

    Every state is held against its events, snapshots and segments, as ``validate_consistency`` does, and every receipt
    against the change that it names. Without a governor all of them are checked, and behind them, in a report of no
    governor (``governor_id`` is ""), the locks. Memory is bounded, and it is safe beside live writers: what is found is
    read again before it is reported.

    Args:
        state_id: Check this state alone.
        progress: Called before each state with its governor's id, and its own as stored.
        timeout: Bounds each page that is read.

    Raises:
        ConfigurationError: A state without its governor.
    """
    verifier = AsyncVerifier(store.runtime.access, progress=progress, timeout=timeout)
    async for report in store.runtime.inflight.reading(_async_reports(verifier, governor_id, state_id)):
        yield report


async def _async_reports(
    verifier: AsyncVerifier, governor_id: str | None, state_id: str | None
) -> AsyncIterator[ConsistencyReport]:
    if governor_id is None:
        if state_id is not None:
            message = "a state is checked by the ids of its governor and its own: governor_id is missing"
            raise ConfigurationError(message)
        async for report in verifier.check_all():
            yield report
    elif state_id is None:
        yield await verifier.check(check_id(governor_id, "governor_id"))
    else:
        yield await verifier.check_state(state_layout(governor_id, state_id))
