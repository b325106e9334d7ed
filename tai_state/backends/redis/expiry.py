"""When a commit also removes what is over: receipts, records of transactions and waits that count no more."""

from tai_state.backends import expiry

DOCUMENTS_MAX = 200
"""How many documents one removal takes at most: nobody else is served meanwhile."""


class Turns:
    """Counts the commits of a process between two removals, as other engines do."""

    def __init__(self) -> None:
        """Begin to count."""
        self._commits_left = expiry.COMMITS_BETWEEN

    def next(self) -> int:
        """Return how many documents the next commit may remove; 0 for nearly all."""
        self._commits_left -= 1
        if self._commits_left > 0:
            return 0
        self._commits_left = expiry.COMMITS_BETWEEN
        return DOCUMENTS_MAX

    def left(self, something: bool) -> None:  # noqa: FBT001 - it is what the name says
        """Come again soon where a removal left something: it took as much as one may."""
        if something:
            self._commits_left = expiry.COMMITS_BETWEEN_PARTS
