"""A file of an export cannot be read, or does not go together with what a store holds."""

from tai_state.errors.base import TaiStateError, at_version, named
from tai_state.errors.conflicts import ConflictError


class BadExportError(TaiStateError):
    """A file is no export, or not as it was written: truncated, reordered, altered; what was imported before stays."""

    code = "bad_export"

    def __init__(self, file: str, line: int, reason: str) -> None:
        """Name the file and the line, counted from 1, and say what is wrong with it."""
        super().__init__(f"{file}, line {line:,}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


class HistoryConflictError(ConflictError):
    """A state that was to be imported is there with another history; nothing of that state was changed."""

    code = "history_conflict"
    retryable = False

    def __init__(self, governor_id: str, state_id: str, version: int | None, line: int, reason: str) -> None:
        """Name the state, where its histories part as far as that is known, and the line of the file."""
        super().__init__(
            f"{named(governor_id, state_id)}, {at_version(version)}: {reason} (line {line:,} of the file); "
            "nothing of it was changed: import into a store that does not have it"
        )
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version
        self.line = line
        self.reason = reason
