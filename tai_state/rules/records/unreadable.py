"""What a list of locks, transactions or events meets and cannot read: it goes on, and tells of it at its end."""

from tai_state.documents import Document
from tai_state.errors import DamagedDocumentsError, SchemaVersionError, TaiStateError


class Unreadable:
    """The documents that one list could not read."""

    def __init__(self) -> None:
        """Begin with none."""
        self._newer: SchemaVersionError | None = None
        self._damaged: dict[str, str] = {}

    def add(self, error: TaiStateError, document: Document) -> None:
        """Note what is wrong with a document."""
        if isinstance(error, SchemaVersionError):
            self._newer = self._newer or error
        else:
            self._damaged[str(document.path)] = str(error)

    def tell(self) -> None:
        """Raise where there was something.

        Raises:
            SchemaVersionError: A newer release wrote one of the documents.
            DamagedDocumentsError: Others are damaged, or somebody else's.
        """
        if self._newer is not None:
            raise self._newer
        if self._damaged:
            raise DamagedDocumentsError(self._damaged)
