"""What a state depends on: the way up, and the cycles that must not be."""

from collections.abc import Iterable, Sequence

from tai_state.errors import (
    DependencyCycleError,
    StateNotFoundError,
)
from tai_state.layout import StateLayout
from tai_state.rules.records.record import StateRecord


def check_dependency(record: StateRecord | None, paths: StateLayout, *, may_be_deleted: bool) -> StateRecord:
    """Return a dependency that is there.

    Raises:
        StateNotFoundError: It is not, or it is deleted.
    """
    if record is None or (record.deleted and not may_be_deleted):
        raise StateNotFoundError(paths.governor_id, paths.state_id, deleted=record is not None)
    return record


class Ancestry:
    """The way up from a state's dependencies, level by level, in search of the state itself."""

    def __init__(self, state_id: str, depends_on: Sequence[str]) -> None:
        """Begin at the dependencies of *state_id*."""
        self._state_id = state_id
        self._below = dict.fromkeys(depends_on, state_id)
        self.level: list[str] = list(self._below)

    def climb(self, records: Iterable[StateRecord | None]) -> None:
        """Go on from the *records* of the level to what they depend on, each state once; tombstones end it.

        Raises:
            DependencyCycleError: The state itself is there.
        """
        above: list[str] = []
        for record in records:
            # A tombstone reacts to nothing, so no cycle can run through it.
            if record is None or record.deleted:
                continue
            for dependency_id in record.depends_on:
                if dependency_id == self._state_id:
                    raise DependencyCycleError(self._cycle(record.state_id))
                # Each state once: two ways up to the same state are no cycle.
                if dependency_id not in self._below:
                    self._below[dependency_id] = record.state_id
                    above.append(dependency_id)
        self.level = above

    def _cycle(self, top: str) -> list[str]:
        cycle = [self._state_id]
        while top != self._state_id:
            cycle.append(top)
            top = self._below[top]
        return [self._state_id, *reversed(cycle)]
