"""What a list meets and cannot read: it goes on, and tells of it at its end."""

from tai_state.documents import Document
from tai_state.errors import CorruptLogError, DamagedStatesError, InvalidIdError, ReplayError, SchemaVersionError
from tai_state.layout import unescape


class Damaged:
    """What a list met and could not read, so that it can go on, and tell of it at its end."""

    def __init__(self, governor_id: str) -> None:
        """Begin with nothing."""
        self._governor_id = governor_id
        self._newer: SchemaVersionError | None = None
        self.states: dict[str, str] = {}

    def add(self, error: ReplayError, document: Document) -> None:
        """Note what is wrong with a document."""
        self.note(error, stored_owner(document))

    def note(self, error: ReplayError, state_id: str) -> None:
        """Note what is wrong with a state."""
        if isinstance(error, SchemaVersionError):
            self._newer = self._newer or error
        else:
            self.states[state_id] = error.reason if isinstance(error, CorruptLogError) else str(error)

    def tell(self, *, damaged: bool = True) -> None:
        """Raise where there was something.

        Raises:
            SchemaVersionError: A newer release wrote one of the documents.
            DamagedStatesError: Others are *damaged*, where that is asked for.
        """
        if self._newer is not None:
            raise self._newer
        if damaged and self.states:
            raise DamagedStatesError(self._governor_id, self.states)


def stored_owner(document: Document) -> str:
    """Return the id of the state that a document of ``states`` belongs to; the stored one where it is none of ours."""
    try:
        return unescape(document.path.id)
    except InvalidIdError:
        return document.path.id
