"""What is stored cannot be read back: damaged, of a newer release, or of another shape."""

from collections.abc import Mapping

from tai_state.errors.base import SHOWN_MAX, TaiStateError, at_version, named

"""Of many findings, how many a message tells in full."""


class ReplayError(TaiStateError):
    """The history of a state cannot be replayed."""

    code = "replay"


class CorruptLogError(ReplayError):
    """A stored document is missing, damaged or contradicts its neighbours."""

    code = "corrupt_log"

    def __init__(
        self, governor_id: str, state_id: str, version: int | None, reason: str = "the log is damaged"
    ) -> None:
        """Say where the log is damaged and how."""
        # Some documents are of no state: the store's own.
        place = f"{named(governor_id, state_id)}, {at_version(version)}: " if governor_id else ""
        then = "; `validate_consistency` lists all that is wrong" if governor_id else ""
        super().__init__(f"{place}{reason}{then}")
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version
        self.reason = reason


class HistoryTrimmedError(ReplayError):
    """The history that was asked for was trimmed, as somebody wished: it is gone for good, and nothing is damaged.

    What is left begins behind ``trimmed_through``: ask for that.
    """

    code = "history_trimmed"

    def __init__(self, governor_id: str, state_id: str, version: int, trimmed_through: int) -> None:
        """Name the state, the *version* that is gone, and the last one that is."""
        super().__init__(
            f"{named(governor_id, state_id)}, version {version}: its history up to version {trimmed_through} was "
            f"trimmed; begin behind that (after={trimmed_through})"
        )
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version
        self.trimmed_through = trimmed_through


class DamagedStatesError(CorruptLogError):
    """A list met state documents that are damaged or somebody else's; it is raised behind all the sound ones.

    ``state_ids`` names them all; ``get_state`` rebuilds each of them that its events still tell.
    """

    code = "damaged_states"

    def __init__(self, governor_id: str, damaged: Mapping[str, str]) -> None:
        """Take what is wrong, by state id (for a stranger's document, by its stored id)."""
        super().__init__(governor_id, next(iter(damaged)), None)
        shown = "; ".join(list(damaged.values())[:SHOWN_MAX])
        more = len(damaged) - SHOWN_MAX
        self.args = (
            f"governor {governor_id!r} has {len(damaged):,} state documents that cannot be read: {shown}"
            + (f"; and {more:,} more" if more > 0 else ""),
        )
        self.state_ids = list(damaged)
        self.reason = "the state document is damaged"


class StoredDataError(ReplayError):
    """The stored data of a state does not fit the machine's data type, or not any more; no caller's fault.

    Give the type defaults for what older data lacks, or replace the data: the state itself is sound.
    """

    code = "stored_data"

    def __init__(self, governor_id: str, state_id: str, version: int | None, reason: str) -> None:
        """Name the state, and say what of its *data* does not fit."""
        super().__init__(f"{named(governor_id, state_id)}, {at_version(version)}: its stored {reason}")
        self.governor_id = governor_id
        self.state_id = state_id
        self.version = version
        self.reason = reason


class UpcastError(StoredDataError):
    """The stored data of a state cannot be brought to the schema of its reader; no caller's fault.

    An upcaster raised, returned what cannot be stored, or there is none from that version on. Mend the upcasters:
    nothing was written, and the state itself is sound.
    """

    code = "upcast"

    def __init__(self, governor_id: str, state_id: str, version: int | None, schema_version: int, reason: str) -> None:
        """Name the state, the schema version that its data could not leave, and why."""
        super().__init__(governor_id, state_id, version, f"data of schema version {schema_version}: {reason}")
        self.schema_version = schema_version
        self.reason = reason


class SchemaVersionError(ReplayError):
    """What is stored was written by a newer release or schema than this one reads."""

    code = "schema_version"

    def __init__(
        self,
        stored: object,
        ours: object,
        what: str = "the document",
        *,
        reader: str = "this release",
        then: str = "use the newer release",
    ) -> None:
        """Give both numbers, what carries the newer one, who reads it, and what to do."""
        super().__init__(f"{what} has schema version {stored}, {reader} reads up to {ours}; {then}")
        self.stored = stored
        self.ours = ours
        self.what = what
