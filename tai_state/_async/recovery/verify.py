"""The check of one governor: every state against the fold of its events. Reads only, in bounded memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from tai_state._async.access.access import AsyncAccess
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state.clock import TimeLimit
from tai_state.documents import Document
from tai_state.errors import CorruptLogError, InvalidIdError, ReplayError
from tai_state.layout import GovernorLayout, StateLayout, unescape
from tai_state.models import ConsistencyReport, Problem
from tai_state.rules.history.replay import Fold, Rerun, differing_field, no_rerun
from tai_state.rules.records.documents import read_state
from tai_state.rules.records.record import StateRecord
from tai_state.rules.transactions.dependents.marks import mark_is_lost


@dataclass(frozen=True, slots=True)
class _Checked:
    events: int
    problem: Problem | None = None


class AsyncVerifier:
    """Checks what a store holds."""

    def __init__(self, access: AsyncAccess) -> None:
        """Read through *access*."""
        self._access = access
        self._history = AsyncHistoryReader(access)

    async def check(self, governor_id: str, rerun: Rerun = no_rerun, timeout: TimeLimit = None) -> ConsistencyReport:
        """Check every state of a governor, and look for events whose state is gone.

        Safe beside live writers: a finding is read again before it is reported.
        """
        governor = GovernorLayout(governor_id)
        problems: list[Problem] = []
        states = events = 0
        async for document in self._access.scan(governor.states, timeout=timeout):
            states += 1
            checked = await self._checked(governor, document, rerun, timeout)
            events += checked.events
            if checked.problem is not None:
                problems.append(checked.problem)
        problems.extend([orphan async for orphan in self._orphans(governor, timeout)])
        return ConsistencyReport(governor_id=governor_id, problems=problems, states=states, events=events)

    async def _checked(
        self, governor: GovernorLayout, document: Document, rerun: Rerun, timeout: TimeLimit
    ) -> _Checked:
        try:
            paths = governor.state(unescape(document.path.id, document.path))
        except InvalidIdError as error:
            return _Checked(0, _problem("foreign_document", document.path.id, None, str(error)))
        first = await self._check_state(paths, document, rerun, timeout)
        if first.problem is None:
            return first
        # The state may have moved between the two reads: what is found once is read once more.
        again = (await self._access.read([paths.state], self._access.begin(timeout))).get(paths.state)
        return await self._check_state(paths, again, rerun, timeout) if again is not None else first

    async def _check_state(self, paths: StateLayout, document: Document, rerun: Rerun, timeout: TimeLimit) -> _Checked:
        fold = Fold(paths.governor_id, paths.state_id, rerun=rerun)
        try:
            state = read_state(document, paths.governor_id, paths.state_id)
            async for event in self._history.events(paths, until=state.version, timeout=timeout):
                fold.step(event)
            message = _difference(state, fold)
        except CorruptLogError as error:
            return _Checked(fold.events, _problem("corrupt_log", paths.state_id, error.version, str(error)))
        except ReplayError as error:
            return _Checked(fold.events, _problem("replay", paths.state_id, fold.version + 1, str(error)))
        if message is None:
            message = await self._event_above(paths, document, state.version, timeout)
        if message is not None:
            return _Checked(fold.events, _problem("state_mismatch", paths.state_id, state.version, message))
        return _Checked(fold.events, await self._lost_mark(paths, state, timeout))

    async def _lost_mark(self, paths: StateLayout, state: StateRecord, timeout: TimeLimit) -> Problem | None:
        """Find a dependency that has no mark of this state, so that its moves would pass the state over."""
        if not state.depends_on or state.deleted:
            return None
        dependencies = [paths.governor.state(one) for one in state.depends_on]
        read = await self._access.read([one.state for one in dependencies], self._access.begin(timeout))
        for one in dependencies:
            document = read.get(one.state)
            if document is not None and _has_no_mark(document, one, state):
                message = f"it depends on state {one.state_id!r}, which has no mark of it"
                return _problem("lost_mark", paths.state_id, state.version, message)
        return None

    async def _event_above(
        self, paths: StateLayout, document: Document, version: int, timeout: TimeLimit
    ) -> str | None:
        """Say which event stands above a state that has not moved since it was read."""
        async for event in self._history.events(paths, after=version, limit=1, timeout=timeout):
            state = (await self._access.read([paths.state], self._access.begin(timeout))).get(paths.state)
            if state is not None and state.update_time == document.update_time:
                return f"an event of version {event.version} stands above the state's version {version}"
        return None

    async def _orphans(self, governor: GovernorLayout, timeout: TimeLimit) -> AsyncIterator[Problem]:
        """Find events whose state document is gone: one look per state, jumping over its events."""
        after: str | None = None
        while True:
            found: Document | None = None
            async for document in self._access.scan(governor.events, start=after, limit=1, timeout=timeout):
                found = document
            if found is None:
                return
            stored_id = found.path.id.rpartition("@")[0]
            after = f"{stored_id}A"
            try:
                paths = governor.state(unescape(stored_id, found.path))
            except InvalidIdError as error:
                yield _problem("foreign_document", found.path.id, None, str(error))
                after = f"{found.path.id}!"
                continue
            read = await self._access.read([paths.state], self._access.begin(timeout))
            if read.get(paths.state) is None:
                yield _problem("state_missing", paths.state_id, None, "there are events, and no state document")


def _has_no_mark(document: Document, dependency: StateLayout, state: StateRecord) -> bool:
    try:
        return mark_is_lost(state, read_state(document, dependency.governor_id, dependency.state_id))
    except ReplayError:
        # A damaged dependency is a finding of its own.
        return False


def _problem(kind: str, state_id: str, version: int | None, message: str) -> Problem:
    return Problem(kind=kind, state_id=state_id, version=version, message=message)


def _difference(state: StateRecord, fold: Fold) -> str | None:
    replayed = fold.state()
    if replayed is None or replayed.version < state.version:
        return f"the state is at version {state.version}, its events end at version {fold.version}"
    name = differing_field(state, replayed)
    return None if name is None else f"field {name!r} of the state is not that of its last event"
