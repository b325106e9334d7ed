"""Which states a list is of, by their stored ids: what begins with a text, what is behind one, what is up to one."""

from collections.abc import Iterator
from typing import NamedTuple

from tai_state.layout import escape, escaped_beginnings

# Stored ids are made of letters, digits and "%", "-", "_": the one is before all of these, and the other behind.
_FIRST, _LAST = "!", "~"


class IdRange(NamedTuple):
    """The stored ids with ``low <= id < high``; None: without that end."""

    low: str | None = None
    high: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no id can be in it."""
        return self.low is not None and self.high is not None and self.low >= self.high

    def begins_behind(self, *, descending: bool) -> str | None:
        """Return the place behind which a list of it begins, in its direction; None: at the end of all."""
        if descending:
            return self.high
        return None if self.low is None else _before(self.low)

    def has_ended(self, stored_id: str, *, descending: bool) -> bool:
        """Whether a list that has come to *stored_id* has left it."""
        if descending:
            return self.low is not None and stored_id < self.low
        return self.high is not None and stored_id >= self.high


ALL_IDS = IdRange()


def _before(stored: str) -> str:
    """Return a text that is behind every stored id before *stored*, and before it."""
    code = ord(stored[-1]) - 1
    # A slash is in no id.
    last = "." if chr(code) == "/" else chr(code)
    return stored[:-1] + last + _LAST


def id_ranges(*, prefix: str | None, after: str | None, until: str | None, descending: bool) -> Iterator[IdRange]:
    """Yield the ranges of the ids that are asked for, in the order of the list.

    Args:
        prefix: What they begin with.
        after: The id behind which the list begins, in its direction.
        until: The last id that may be in it.

    Raises:
        InvalidIdError: One of them cannot be an id, or its beginning.
    """
    low = high = None
    if after is not None:
        stored = escape(after, "after")
        low, high = (low, stored) if descending else (f"{stored}{_FIRST}", high)
    if until is not None:
        stored = escape(until, "until")
        low, high = (stored, high) if descending else (low, f"{stored}{_FIRST}")
    if prefix is None:
        yield from _unless_empty(IdRange(low, high))
        return
    beginnings = escaped_beginnings(prefix, "prefix")
    for beginning in reversed(beginnings) if descending else beginnings:
        end = f"{beginning}{_LAST}"
        yield from _unless_empty(
            IdRange(beginning if low is None else max(low, beginning), end if high is None else min(high, end))
        )


def _unless_empty(one: IdRange) -> Iterator[IdRange]:
    if not one.is_empty:
        yield one
