"""States, versions and snapshots that are not there."""

from collections.abc import Sequence

from tai_state.errors.base import TaiStateError, named


class StateNotFoundError(TaiStateError, LookupError):
    """The state does not exist, or it was deleted."""

    code = "state_not_found"

    def __init__(self, governor_id: str, state_id: str, *, deleted: bool = False, last: int = 0) -> None:
        """Say which state is missing, and whether a tombstone stands in its place, of version *last*."""
        why = "was deleted" if deleted else "does not exist"
        super().__init__(f"{named(governor_id, state_id)} {why}")
        self.governor_id = governor_id
        self.state_id = state_id
        self.deleted = deleted
        self.last = last


class SnapshotNotFoundError(StateNotFoundError):
    """The state exists, and no snapshot of that version is kept."""

    code = "snapshot_not_found"

    def __init__(self, governor_id: str, state_id: str, version: int, kept: Sequence[int] = ()) -> None:
        """Say of which versions snapshots are *kept*."""
        super().__init__(governor_id, state_id)
        those = ", ".join(map(str, kept)) or "none"
        self.args = (f"{named(governor_id, state_id)} keeps no snapshot of version {version}; it keeps {those}",)
        self.version = version
        self.kept = list(kept)


class VersionNotFoundError(StateNotFoundError):
    """The state exists, and never had that version."""

    code = "version_not_found"

    def __init__(self, governor_id: str, state_id: str, version: int, last: int) -> None:
        """Say which versions there are: 1 to *last*."""
        super().__init__(governor_id, state_id)
        self.args = (f"{named(governor_id, state_id)} has no version {version}, it has 1 to {last}",)
        self.version = version
        self.last = last
