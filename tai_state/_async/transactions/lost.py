"""States that an attempt found missing or damaged: what their logs tell, and whether a change may write them again."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tai_state._async.access.damage import tell_damage
from tai_state._async.runtime import AsyncRuntime
from tai_state.clock import Deadline
from tai_state.documents import Document, DocumentPath
from tai_state.errors import CorruptLogError
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Head
from tai_state.rules.records.documents import was_altered
from tai_state.rules.transactions.draft import Draft, Restored
from tai_state.rules.transactions.record import first_change


class AsyncLostStates:
    """The lost states of one attempt.

    While a document is missing or damaged nobody adds to its log: each change writes the document, too. So what the
    log tells is of the moment of the attempt, if the document still is as the attempt saw it once the log was read.
    """

    def __init__(self, runtime: AsyncRuntime, documents: Mapping[DocumentPath, Document | None]) -> None:
        """Begin with none.

        Args:
            documents: What the attempt saw; it grows.
        """
        self.restored: dict[DocumentPath, Restored] = {}
        self._runtime = runtime
        self._documents = documents
        # Absent, and never made.
        self._unmade: set[DocumentPath] = set()

    def knows(self, path: DocumentPath) -> bool:
        """Whether it was looked for what became of a state whose document is missing or damaged."""
        return path in self.restored or path in self._unmade

    async def look(
        self, draft: Draft, wanted: Sequence[StateLayout], moment: datetime | None, deadline: Deadline
    ) -> DocumentPath | None:
        """Look for what became of those that are missing or damaged; the others cost nothing.

        Args:
            wanted: Whose documents the attempt has read.
            moment: The attempt's: what was made later was not there for it.

        Returns:
            A document that has changed since it was read: the attempt is stale. None: all stand.
        """
        absent: list[StateLayout] = []
        lost: list[tuple[StateLayout, CorruptLogError | None]] = []
        for paths in dict.fromkeys(wanted):
            if paths.state in draft.heads or self.knows(paths.state):
                continue
            if self._documents[paths.state] is None:
                absent.append(paths)
                continue
            try:
                draft.head(paths)
            except CorruptLogError as damage:
                lost.append((paths, damage))
        if absent:
            made = await self.made(absent, moment, deadline)
            self._unmade |= {paths.state for paths in absent if paths not in made}
            lost += [(paths, None) for paths in made]
        return await self._restore(lost, deadline) if lost else None

    async def made(
        self, absent: Sequence[StateLayout], moment: datetime | None, deadline: Deadline
    ) -> list[StateLayout]:
        """Return those of the states without a document that were made before *moment*, and so are lost."""
        events = await self._runtime.history.first_events(absent, deadline)
        return [
            paths
            for paths in absent
            if (event := events.get(paths.state)) is not None and (moment is None or event.create_time <= moment)
        ]

    async def _restore(
        self, lost: Sequence[tuple[StateLayout, CorruptLogError | None]], deadline: Deadline
    ) -> DocumentPath | None:
        restored = {paths.state: await self._told(paths, damage, deadline) for paths, damage in lost}
        again = await self._runtime.access.read(list(restored), deadline, consistent=False)
        changed = first_change({path: self._documents[path] for path in restored}, again.documents)
        if changed is None:
            self.restored |= restored
            for path in restored:
                # What this store knows of the state is not what is there.
                self._runtime.writer.heads.drop(path)
        return changed

    async def _told(self, paths: StateLayout, damage: CorruptLogError | None, deadline: Deadline) -> Restored:
        """Return what the log tells, by the cases of a change and of a read outside of transactions."""
        history, document = self._runtime.history, self._documents[paths.state]
        update_time = document.update_time if document is not None else None
        refusal = damage
        if damage is None or not was_altered(damage):
            try:
                record = await history.restored(paths, document, damage, deadline)
            except CorruptLogError as error:
                refusal = error
            else:
                why = "missing" if document is None else "damaged"
                return Restored(Head(record, update_time, why) if record is not None else None)
        try:
            record = await history.lost(paths, deadline)
        except CorruptLogError as error:
            refusal = damage or error
            record = None
        if refusal is not None:
            tell_damage(refusal)
        return Restored(Head(record, update_time, "damaged") if record is not None else None, refusal)
