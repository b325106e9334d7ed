# Generated from tai_state/_async/recovery/beside.py by .ci/generate_sync.py; do not edit.
"""One pass over what a governor keeps beside its states' documents: events, snapshots and segments, state by state.

To look for what there is of each state by itself takes an engine three requests a state, most of which find nothing.
The collections are in the order of the states' ids, nearly: the documents of ``a1`` come before those of ``a``. So the
states are taken in that order (``in_turn``), and each collection is read once, page by page, beside them.

What is read so may be older than a state's document. Who finds that something is missing looks for it by itself.
"""
from collections.abc import Iterator

from tai_state._sync.access.access import LARGE_PAGE, PAGE, Access
from tai_state.clock import Span
from tai_state.documents import Document, DocumentPath
from tai_state.errors import InvalidIdError
from tai_state.layout import GovernorLayout, owner_and_version, unescape, versioned

_HELD_MAX = 8
"""How many states' documents are held until it is their turn; those of more that begin each other go before it."""


def in_turn(states: Iterator[Document]) -> Iterator[tuple[Document, bool]]:
    """Iterate over states' documents in the order of what is kept beside them, and whether each comes in its turn."""
    held: list[Document] = []
    for document in states:
        while held and not _is_before(document.path.id, held[-1].path.id):
            yield held.pop(), True
        if len(held) == _HELD_MAX:
            yield held.pop(0), False
        held.append(document)
    while held:
        yield held.pop(), True


def _is_before(later: str, earlier: str) -> bool:
    """Whether the versions of a state come before those of one whose own document comes earlier."""
    return versioned(later, 0) < versioned(earlier, 0)


class Beside:
    """What a governor keeps beside its states' documents, given for one state after the other."""

    def __init__(self, access: Access, governor: GovernorLayout, timeout: Span) -> None:
        """Read nothing yet.

        Args:
            timeout: The time that each page may take.
        """
        self._access = access
        self._governor = governor
        self._timeout = timeout
        self._passes = {
            collection: _Pass(access.scan(collection, page=LARGE_PAGE, timeout=timeout))
            for collection in (governor.events, governor.snapshots, governor.segments)
        }

    def versions(self, collection: str, stored_id: str) -> Iterator[Document]:
        """Iterate over the documents of a state's versions, foreign ones among them; the states come in their turn."""
        return self._passes[collection].upto(versioned(stored_id, 0), f"{stored_id}A")

    def is_complete(self, collection: str) -> bool:
        """Read the rest of a collection, and return whether everything in it is of a state that there is."""
        one = self._passes[collection]
        for _ in one.upto("", None):
            pass
        if one.is_odd:
            return False
        wanted = [self._governor.state(unescape(stored_id)).state for stored_id in one.passed_over]
        if not wanted:
            return True
        # Such as a state that was made meanwhile.
        read = self._access.read(wanted, self._access.begin(self._timeout), consistent=False)
        return all(path in read.documents for path in wanted)


class _Pass:
    """A collection that is read once, in order."""

    def __init__(self, documents: Iterator[Document]) -> None:
        self._documents = documents
        self._next: Document | None = None
        self.passed_over: dict[str, None] = {}
        """The states, as they are stored, whose documents nobody asked for."""
        self.is_odd = False
        """Whether there were more of those than are held, or documents of somebody else."""

    def upto(self, start: str, stop: str | None) -> Iterator[Document]:
        """Iterate over the documents from *start* on that are before *stop*, and pass over those before *start*."""
        while (document := self._next or next(self._documents, None)) is not None:
            self._next = None
            if stop is not None and document.path.id >= stop:
                self._next = document
                return
            if stop is None or document.path.id < start:
                self._pass_over(document.path)
            else:
                yield document

    def _pass_over(self, path: DocumentPath) -> None:
        if self.is_odd:
            return
        try:
            stored_id, _ = owner_and_version(path.id)
            unescape(stored_id)
        except InvalidIdError:
            self.is_odd = True
            return
        self.passed_over[stored_id] = None
        self.is_odd = len(self.passed_over) > PAGE
