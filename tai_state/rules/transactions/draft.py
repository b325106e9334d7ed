"""Drafts: changes that go into one commit together, each decided on what the ones before it made."""

from collections import ChainMap
from collections.abc import Callable, Mapping, MutableMapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime

from tai_state.documents import Document, DocumentPath, Write
from tai_state.errors import CorruptLogError
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Change, Fresh, Head, Plan, Replay, Settings, View
from tai_state.rules.commits.decide import decide, writes_of
from tai_state.rules.commits.guards import Guard
from tai_state.rules.records.documents import read_state, state_put
from tai_state.rules.records.occasional import prepared_error
from tai_state.rules.records.record import EventRecord, StateRecord


@dataclass(frozen=True, slots=True)
class Decided:
    """A change as it was decided: with the same view and the same ids it comes out the same again."""

    change: Change
    settings: Settings
    fresh: Fresh
    origin: str | None
    receipt: Document | None = None
    read_time: datetime | None = None
    feed: int = 0

    def lean(self) -> "Decided":
        """Return the change in its smallest form."""
        return replace(self, settings=self.settings.lean())


@dataclass(frozen=True, slots=True)
class Marked:
    """Other marks on a state, whose version stays; ``mark`` returns the record itself where nothing changes."""

    paths: StateLayout
    mark: Callable[[StateRecord], StateRecord]
    settings: Settings

    def lean(self) -> "Marked":
        """Return the marks in their smallest form."""
        return replace(self, settings=self.settings.lean())


@dataclass(frozen=True, slots=True)
class Restored:
    """A state whose document is missing or damaged, as its log tells it.

    Attributes:
        head: What reads give and changes rest on; None where the log does not tell it either.
        refusal: Why no change may write over it; None where one writes the document again.
    """

    head: Head | None
    refusal: CorruptLogError | None = None


Step = Decided | Marked


class Draft:
    """What a commit is to write so far, over documents as they were read.

    Attributes:
        heads: The states as the draft leaves them; ``update_time`` is still that of the document read.
        writes: What is to be written, by path; what the guard carries is not among them.
        events: Those of its changes, in their order.
    """

    def __init__(
        self,
        documents: Mapping[DocumentPath, Document | None],
        guard: Guard | None,
        restored: Mapping[DocumentPath, Restored],
    ) -> None:
        """Begin with nothing to write; *documents* may grow, and hold whatever a step asks for.

        Args:
            restored: Those states whose documents are missing or damaged; it may grow, too.
        """
        self.heads: MutableMapping[DocumentPath, Head] = {}
        self.writes: dict[DocumentPath, Write] = {}
        self.events: list[EventRecord] = []
        self._steps: list[Step] = []
        self._documents = documents
        self._guard = guard
        self._restored = restored

    def branch(self) -> "Draft":
        """Return a draft that goes on from this one, and that this one takes over with ``merge``, or forgets."""
        branch = Draft(self._documents, self._guard, self._restored)
        branch.heads = ChainMap({}, self.heads)
        return branch

    def merge(self, branch: "Draft") -> None:
        """Take over what a branch added."""
        assert isinstance(branch.heads, ChainMap)
        self.heads.update(branch.heads.maps[0])
        self.writes.update(branch.writes)
        self.events += branch.events
        self._steps += branch._steps  # noqa: SLF001 - another of our own

    def shrunk(self) -> "Draft":
        """Return the same changes as small as they can be; their events are the same."""
        draft = Draft(self._documents, self._guard, self._restored)
        for step in self._steps:
            if isinstance(step, Decided):
                draft.add(step.lean())
            else:
                draft.mark(step.lean())
        return draft

    def head(self, paths: StateLayout) -> Head | None:
        """Return a state as the draft leaves it; its document was read before.

        Raises:
            CorruptLogError: It is damaged, and its log does not tell it.
        """
        head = self.heads.get(paths.state)
        if head is not None:
            return head
        head = self.found(paths)
        if head is not None and head.rebuilt is None:
            self.heads[paths.state] = head
        return head

    def found(self, paths: StateLayout) -> Head | None:
        """Return a state as it was read, whatever the draft makes of it; None where there was none.

        Raises:
            CorruptLogError: It is damaged, and its log does not tell it.
        """
        restored = self._restored.get(paths.state)
        if restored is not None:
            if restored.head is None and restored.refusal is not None:
                raise copy(restored.refusal)
            return restored.head
        document = self._documents[paths.state]
        if document is None:
            return None
        return Head(read_state(document, paths.governor_id, paths.state_id), document.update_time)

    def writable(self, paths: StateLayout) -> Head | None:
        """Return a state as it was read, for a write that leaves its version as it is; None where there was none.

        Raises:
            CorruptLogError: It is damaged, and no write may replace it, though its log may tell it.
        """
        self._check_writable(paths.state)
        return self.found(paths)

    def _check_writable(self, path: DocumentPath) -> None:
        restored = self._restored.get(path)
        if restored is not None and restored.refusal is not None:
            raise copy(restored.refusal)

    def check_unprepared(self) -> None:
        """Refuse to commit what rests on a state that may be another one already.

        Raises:
            PreparedError: A transaction over several stores has a state in hand that was looked at.
        """
        restored = [one.head for one in self._restored.values() if one.head is not None]
        for head in (*self.heads.values(), *restored):
            if head.record.marks.prepared is not None:
                raise prepared_error(head.record)

    def record(self, paths: StateLayout) -> StateRecord | None:
        """Return a state's record as the draft leaves it; None where there is none."""
        head = self.head(paths)
        return head.record if head else None

    def add(self, step: Decided) -> Plan | Replay:
        """Decide a change on what the draft holds, and keep its writes.

        Raises:
            TaiStateError: It is refused, as ``decide`` says; the draft is as before.
        """
        path = step.change.paths.state
        self._check_writable(path)
        head = self.head(step.change.paths)
        view = View(head, step.origin, self._guard, step.receipt, step.read_time, feed=step.feed)
        plan = decide(step.change, view, step.fresh, step.settings)
        # Made before: it adds nothing to this commit, and what follows is decided on what it left.
        if isinstance(plan, Replay):
            return plan
        # The commit takes from its guard what stands then: a heartbeat may come before it.
        guarded = set(self._guard.paths if self._guard is not None else ())
        self.writes.update({write.path: write for write in writes_of(plan) if write.path not in guarded})
        # Several changes of one state are one write of it: over what was read, with what came out last.
        self.heads[path] = Head(plan.record, head.update_time if head else None)
        self.events.append(plan.event)
        self._steps.append(step)
        return plan

    def mark(self, step: Marked) -> None:
        """Put other marks on a state that is there."""
        path = step.paths.state
        head = self.head(step.paths)
        assert head is not None
        record = step.mark(head.record)
        if record is head.record:
            # Writing it again would not even move its update_time; that it was read is checked by the commit.
            return
        self._check_writable(path)
        found = head.update_time
        self.writes[path] = state_put(step.paths, record, step.settings.encoding, found)
        self.heads[path] = Head(record, found)
        self._steps.append(step)
