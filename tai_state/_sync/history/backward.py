# Generated from tai_state/_async/history/backward.py by .ci/generate_sync.py; do not edit.
"""A state's events from the newest to the oldest: read forwards, some at a time, each run of them turned around."""
from collections.abc import Iterator

from tai_state._sync.history.reader import HistoryReader
from tai_state.clock import Span
from tai_state.errors import CorruptLogError, HistoryTrimmedError
from tai_state.layout import StateLayout
from tai_state.rules.records.record import EventRecord

RUN = 100
"""How many events are read at a time: what a segment holds by default."""


def backward(
    history: HistoryReader,
    paths: StateLayout,
    *,
    newest: int,
    after: int = 0,
    limit: int | None = None,
    timeout: Span = None,
) -> Iterator[EventRecord]:
    """Iterate over the events with ``after < version <= newest``, the newest first and without a gap.

    Args:
        newest: A version that the state has, or had.

    Raises:
        HistoryTrimmedError: The next one was trimmed.
        CorruptLogError: The next one is damaged, or missing.
    """
    high, left = newest, limit
    while high > after and left != 0:
        low, trimmed = max(after, high - (RUN if left is None else min(RUN, left))), None
        try:
            found = _run(history, paths, low, high, timeout)
        except HistoryTrimmedError as error:
            if not low < error.trimmed_through < high:
                raise
            low, trimmed = error.trimmed_through, error
            found = _run(history, paths, low, high, timeout)
        for event in reversed(found):
            yield event
        if trimmed is not None:
            raise trimmed
        high, left = low, None if left is None else left - len(found)


def _run(
    history: HistoryReader, paths: StateLayout, low: int, high: int, timeout: Span
) -> list[EventRecord]:
    """Return the events with ``low < version <= high``, all of them."""
    found = [event for event in history.events(paths, after=low, until=high, timeout=timeout)]
    if len(found) < high - low:
        reason = "the event is missing, the history goes on"
        raise CorruptLogError(paths.governor_id, paths.state_id, low + len(found) + 1, reason)
    return found
