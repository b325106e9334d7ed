"""How much of a state an export takes: what its document, as it was read, says that there is."""

from collections.abc import Iterable

from tai_state.documents import Document, DocumentPath
from tai_state.errors import InvalidIdError
from tai_state.layout import LOCKS, owner_and_version, unescape


def locks_of(state: Document | None) -> list[DocumentPath]:
    """Return where the locks are under which a state was written; what is damaged names none."""
    fences = state.fields.get("fences") if state is not None else None
    # A list of maps, or in the oldest documents one map: named is each lock as it is stored.
    if isinstance(fences, list):
        named = [one.get("resource") for one in fences if isinstance(one, dict)]
    else:
        named = list(fences) if isinstance(fences, dict) else []
    return [DocumentPath(LOCKS, one) for one in named if isinstance(one, str) and _is_stored(one)]


def _is_stored(one: str) -> bool:
    try:
        unescape(one)
    except InvalidIdError:
        return False
    return True


class Cut:
    """Where a state is cut off for an export, beside writers who go on with it.

    A document that does not say how far it goes cuts off nothing.
    """

    def __init__(self, document: Document | None) -> None:
        """Cut as *document* says; None: it is gone, and all that is left is taken."""
        self.events_through = 0
        self.segments_through = 0
        self._covered = 0
        self.move_to(document)

    def move_to(self, document: Document | None) -> None:
        """Cut as the document says that stands there by now; what was taken before stays taken."""
        fields = {} if document is None else document.fields
        self.document = document
        self._version = _number(fields.get("version"))
        self._sealed = _number(fields.get("sealed_through"))
        self._trimmed = _number(fields.get("trimmed_through")) or 0
        named = fields.get("snapshots")
        self._snapshots = frozenset(one for one in named if type(one) is int) if isinstance(named, list) else None
        self._missing_through = 0
        self.takes_all = False
        self.goes_on = False
        """Whether more was found than the document says: it has moved since, or is damaged."""

    def take_all(self) -> None:
        """Cut off nothing any more."""
        self._version = self._sealed = self._snapshots = None
        self.takes_all = True

    def is_as(self, now: Document | None) -> bool:
        """Whether the state has not moved since its document was read."""
        return (now and now.update_time) == (self.document and self.document.update_time)

    def takes_event(self, event: Document) -> bool:
        """Whether the next event is taken, which is then; behind one that is not, none is."""
        _, version = owner_and_version(event.path.id)
        if self._version is not None and version > self._version:
            self.goes_on = True
            return False
        if version != max(self.events_through, self._trimmed) + 1 and version > self._trimmed:
            self._missing_through = version - 1
        self.events_through = version
        return True

    def takes_segment(self, segment: Document) -> bool:
        """Whether the next segment is taken, which is then; behind one that is not, none is."""
        _, first = owner_and_version(segment.path.id)
        if self._sealed is not None and first > self._sealed:
            self.goes_on = True
            return False
        self.segments_through = first
        last = _number(segment.fields.get("last"))
        # One that stands for what was trimmed holds no events. Of those that stay where they are, none is removed.
        if last is not None and first <= max(self._covered, self._trimmed) + 1 and "trimmed" not in segment.fields:
            self._covered = last
        return True

    def takes_snapshot(self, snapshot: Document) -> bool:
        """Whether a snapshot is taken."""
        if self._snapshots is None or owner_and_version(snapshot.path.id)[1] in self._snapshots:
            return True
        self.goes_on = True
        return False

    def is_whole(self, snapshots: Iterable[Document]) -> bool:
        """Whether all was taken that the document says, *snapshots* and the rest; of sealed events, their segments."""
        found = {owner_and_version(one.path.id)[1] for one in snapshots}
        return (
            self._missing_through <= max(self._covered, self._trimmed)
            and (self._version is None or max(self.events_through, self._trimmed) == self._version)
            and (self._snapshots is None or found >= self._snapshots)
        )


def _number(value: object) -> int | None:
    return value if type(value) is int else None
