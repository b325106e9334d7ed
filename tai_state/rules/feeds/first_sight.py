"""First sight: behind which version a subscription begins with a state that it never met."""

from collections.abc import Generator
from datetime import datetime


def last_before(since: datetime, head: int) -> Generator[int, datetime | None, int]:
    """Find the last version of a state that was committed up to *since*; 0: none was.

    Yields versions, and is sent when each was committed; None for one that is not there any more, and so is older. From
    the head backwards, in steps that double: most states have few changes since, however many they had before.
    """
    low, high, step = 0, head + 1, 1
    # Everything up to low is older; from high on everything is newer.
    while high - low > 1:
        probe = max(low + 1, high - step) if low == 0 else (low + high) // 2
        committed_at = yield probe
        if committed_at is None or committed_at <= since:
            low = probe
        else:
            high, step = probe, step * 2
    return low
