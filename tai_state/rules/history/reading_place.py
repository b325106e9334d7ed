"""How far the reading of a history has come."""

from dataclasses import dataclass

from tai_state.errors import CorruptLogError
from tai_state.rules.history.segments import Given, decoded


@dataclass(slots=True)
class ReadingPlace:
    """How far a reading has come.

    Attributes:
        version: The last event that was given.
        left: How many more are wanted; None: all.
        cut_at: Which one was met in the place of the next one; None: none.
        damage: What was passed over on the way.
        given: As what sealed events are given.
        is_there: Whether all that is wanted is known to have been committed.
    """

    version: int
    left: int | None
    cut_at: int | None = None
    damage: CorruptLogError | None = None
    given: Given = decoded
    is_there: bool = False

    def takes(self, version: int, count: int = 1, until: int | None = None) -> int:
        """Return how many of *count* events from *version* on are the next ones, and wanted; what is not is noted."""
        self.cut_at = None if version == self.version + 1 else version
        if self.cut_at is not None:
            return 0
        if until is not None:
            count = min(count, until - self.version)
        if self.left is not None:
            count = min(count, self.left)
            self.left -= count
        self.version += count
        return count

    def begin(self) -> int:
        """Go on from here, whatever was met, and return the last version that was given."""
        self.cut_at, self.damage = None, None
        return self.version

    @property
    def is_cut(self) -> bool:
        """Whether another event was met than the next one."""
        return self.cut_at is not None

    def has(self, until: int | None) -> bool:
        """Whether all was given that is wanted."""
        return self.left == 0 or (until is not None and self.version >= until)
