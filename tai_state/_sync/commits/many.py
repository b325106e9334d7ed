# Generated from tai_state/_async/commits/many.py by .ci/generate_sync.py; do not edit.
"""Changes of many states in one commit: what ``transition_many`` and batches of keys ask for.

1. Of each state, in the order given, the changes up to the first that has to go alone: one that is refused upon what is
   not stored yet, whose key was used, that concerns other states, or behind which a segment is due. Who asked makes it
   alone, and goes on with the rest. A state that was read as missing is created with the others: its first event and
   its first segment, which must not be there, refuse it where it was only lost.
2. One commit of them all, within bounds; a conflict of one state splits it: halves, each a commit of its own, down to
   one state, whose first change then goes alone.
3. No verdict by the deadline: each change is told as unknown. Another failure: each has it, and nothing was written.
   Where others keep one state busy until the deadline, its changes have that, and those of the others are left.

The turns of all its states are held, taken in one order by everybody: two who ask for many never wait for each other.
"""
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from tai_state._sync.commits.coalescing import BYTES_MAX, Wish
from tai_state._sync.commits.writer import Applied, ChangeWriter
from tai_state._platform.interrupts import shield
from tai_state.clock import Deadline, TimeLimit
from tai_state.documents import Document, DocumentPath
from tai_state.errors import (
    DeadlineExceededError,
    DocumentTooLargeError,
    OutcomeUnknownError,
    PreconditionFailedError,
    TaiStateError,
)
from tai_state.frozen import quick_dataclass
from tai_state.layout import META, StateLayout
from tai_state.rules.commits.change import Head, Plan, View
from tai_state.rules.commits.coalescing import ends_here, weight
from tai_state.rules.commits.decide import segment_is_due, writes_of
from tai_state.rules.records.documents import read_state

T = TypeVar("T")

WRITES_MAX = 300
"""How many documents one commit writes at most, about."""

ASKED_MAX = WRITES_MAX // 2
"""How many changes are looked at for one commit: each writes its state and its event at least."""


@quick_dataclass(frozen=True, slots=True)
class Asked:
    """One change that is asked for, by its place among all of them."""

    index: int
    wish: Wish


@dataclass(slots=True)
class Done:
    """What became of some changes: the outcome of each that was made or failed, and those that have to go alone."""

    outcomes: dict[int, Applied | TaiStateError] = field(default_factory=dict)
    alone: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    """What is asked for of one state, and what is planned of it."""

    paths: StateLayout
    asked: list[Asked]
    plans: list[Plan] = field(default_factory=list)


class ManyChanges:
    """Makes changes of many states together."""

    def __init__(self, writer: ChangeWriter) -> None:
        """Write through *writer*."""
        self._writer = writer
        self._access = writer.access

    def write(self, asked: Sequence[Asked], deadline: Deadline) -> Done:
        """Make as many of the changes as go into one commit, and return what became of them; the others are left.

        Raises:
            TaiStateError: The store did not tell where the states are; nothing was written of any of them.
        """
        done = Done()
        if len(asked) == 1:
            done.alone.append(asked[0].index)
            return done
        lines = _lines(asked)
        with ExitStack() as stack:
            for line in sorted(lines, key=lambda line: line.paths.state):
                path = line.paths.state
                place = stack.enter_context(self._writer.lines.join(path))
                if not place.came_first and not place.wait(deadline.remaining()):
                    message = f"other callers kept {path} busy for {deadline.seconds:g} seconds; nothing was written"
                    done.outcomes |= dict.fromkeys(_indices(line), DeadlineExceededError(message))
                    return done
            shield(self._together, lines, deadline, done)
        return done

    def _together(self, lines: Sequence[_Line], deadline: Deadline, done: Done) -> None:
        """Commit what can be planned of *lines*, whose turns are held; split them where that is refused."""
        documents: Mapping[DocumentPath, Document] = {}
        if wanted := self._wanted(lines):
            read = self._access.read(wanted, deadline, consistent=False)
            self._writer.learn_store(read, deadline, is_asked=META in wanted)
            documents = read.documents
        self._plan(lines, documents, done)
        planned = [line for line in lines if line.plans]
        if not planned:
            return
        for line in planned:
            self._writer.heads.drop(line.paths.state)
        writes = [write for line in planned for write in writes_of(*line.plans)]
        first = planned[0]
        try:
            commit = self._writer.send(first.paths, first.plans[0], writes, deadline)
        except (PreconditionFailedError, DocumentTooLargeError):
            self._split(planned, deadline, done)
            return
        except OutcomeUnknownError:
            done.outcomes |= {asked.index: plan.event.unknown() for line in planned for asked, plan in _pairs(line)}
            return
        except TaiStateError as error:
            done.outcomes |= {asked.index: error for line in planned for asked, _ in _pairs(line)}
            return
        for line in planned:
            applied = self._writer.applied(line.paths, line.plans, commit)
            done.outcomes |= {asked.index: one for (asked, _), one in zip(_pairs(line), applied, strict=True)}

    def _split(self, planned: Sequence[_Line], deadline: Deadline, done: Done) -> None:
        if len(planned) == 1:
            done.alone.append(planned[0].asked[0].index)
            return
        middle = len(planned) // 2
        for half in (planned[:middle], planned[middle:]):
            try:
                self._together([_Line(line.paths, line.asked) for line in half], deadline, done)
            except TaiStateError as error:
                done.outcomes |= {line.asked[0].index: error for line in half}

    def _wanted(self, lines: Sequence[_Line]) -> list[DocumentPath]:
        """Return what has to be read: states that are not known, and receipts, which may be there already."""
        wanted: list[DocumentPath] = []
        may_create = False
        for line in lines:
            if self._writer.heads.get(line.paths.state) is None:
                wanted.append(line.paths.state)
                may_create = may_create or line.asked[0].wish.change.creates
            keys = {asked.wish.change.idempotency_key for asked in line.asked} - {None}
            wanted += [line.paths.receipt(key) for key in keys if key is not None]
        is_meta_wanted = self._writer.needs_meta() if may_create else self._writer.origin is None
        return [META, *wanted] if is_meta_wanted else wanted

    def _plan(self, lines: Sequence[_Line], documents: Mapping[DocumentPath, Document], done: Done) -> None:
        """Plan each line as far as it goes, and all of them as far as one commit does."""
        writes = size = 0
        for line in lines:
            is_full = False
            for plan in self._plans(line, documents):
                more, heavier = 1 + len(plan.others), weight(plan)
                is_full = bool(writes) and (writes + more > WRITES_MAX or size + heavier > BYTES_MAX)
                if is_full:
                    break
                line.plans.append(plan)
                writes += more
                size += heavier
            if is_full:
                return
            if not line.plans:
                done.alone.append(line.asked[0].index)

    def _plans(self, line: _Line, documents: Mapping[DocumentPath, Document]) -> Iterator[Plan]:
        """Plan one change of a state after the other, each upon what the one before it makes."""
        head, origin = self._head(line, documents), self._writer.origin
        is_missing = head is None and line.paths.state not in documents
        keys: set[str] = set()
        for asked in line.asked:
            change, settings = asked.wish.change, asked.wish.settings
            key = change.idempotency_key
            if origin is None or key in keys or (head is None and not (is_missing and change.creates)):
                return
            if key is not None and line.paths.receipt(key) in documents:
                return
            try:
                plan = self._writer.plan_on(View(head, origin, feed=self._writer.feed.shards), change, settings)
            except Exception:  # noqa: BLE001 - a user's guard may raise anything, and is asked again
                return
            if not isinstance(plan, Plan) or segment_is_due(plan, settings):
                return
            yield plan
            if ends_here(plan):
                return
            keys |= {key} if key is not None else set()
            head = Head(plan.record, None if head is None else head.update_time)

    def _head(self, line: _Line, documents: Mapping[DocumentPath, Document]) -> Head | None:
        """Return the state as it is known, or was read; None where it is not there, or damaged."""
        known = self._writer.heads.get(line.paths.state)
        document = documents.get(line.paths.state)
        if known is not None or document is None:
            return known
        try:
            return Head(read_state(document, line.paths.governor_id, line.paths.state_id), document.update_time)
        except TaiStateError:
            return None


def make_each(
    writer: ChangeWriter,
    wishes: Mapping[int, Wish],
    alone: Callable[[int], T],
    timeout: TimeLimit,
    call: Callable[[], AbstractContextManager[None]],
) -> dict[int, Applied | TaiStateError | T]:
    """Make each of several changes, for itself, and return what became of it; those of one state in their order.

    Args:
        alone: Makes the one of this number alone.
        timeout: Bounds each commit.
        call: Counts each commit of several among the calls under way.
    """
    left = dict(wishes)
    outcomes: dict[int, Applied | TaiStateError | T] = {}
    together = ManyChanges(writer)
    while left:
        # A window of them: looking at all that are left with each commit would grow with their square.
        window = [Asked(index, wish) for index, wish in islice(left.items(), ASKED_MAX)]
        try:
            with call():
                done = together.write(window, writer.access.begin(timeout))
        except TaiStateError as error:
            # What went before is made, and is not to be lost with it.
            done = Done(dict.fromkeys([one.index for one in window], error))
        outcomes |= done.outcomes
        for index in done.outcomes:
            del left[index]
        for index in done.alone:
            outcomes[index] = alone(index)
            del left[index]
    return outcomes


def _indices(line: _Line) -> Iterator[int]:
    return (asked.index for asked in line.asked)


def _pairs(line: _Line) -> Iterator[tuple[Asked, Plan]]:
    return zip(line.asked, line.plans, strict=False)


def _lines(asked: Sequence[Asked]) -> list[_Line]:
    """Return what is asked for state by state, in the order in which the states come first."""
    lines: dict[DocumentPath, _Line] = {}
    for one in asked:
        paths = one.wish.change.paths
        line = lines.get(paths.state)
        if line is None:
            line = lines[paths.state] = _Line(paths, [])
        line.asked.append(one)
    return list(lines.values())
