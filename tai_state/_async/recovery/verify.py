"""The check of one governor: every state against the fold of its events. Reads only, in bounded memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from tai_state._async.access.access import AsyncAccess
from tai_state._async.recovery.kept import AsyncKept, foreign
from tai_state.clock import TimeLimit
from tai_state.documents import Document
from tai_state.errors import CorruptLogError, InvalidIdError, ReplayError
from tai_state.layout import GovernorLayout, StateLayout, owner_and_version, unescape, versioned
from tai_state.models import ConsistencyReport, Problem
from tai_state.rules.commits.judging import Judge, no_judge
from tai_state.rules.history.replay import Fold, Rerun, differing_field, no_rerun
from tai_state.rules.records.documents import read_event, read_state
from tai_state.rules.records.record import StateRecord
from tai_state.rules.transactions.dependents.marks import mark_is_lost


@dataclass(frozen=True, slots=True)
class _Checked:
    events: int
    problems: list[Problem]


class AsyncVerifier:
    """Checks what a store holds."""

    def __init__(self, access: AsyncAccess, judge: Judge = no_judge) -> None:
        """Read through *access*; *judge* finds what machines would not have let into a state."""
        self._access = access
        self._judge = judge

    async def check(self, governor_id: str, rerun: Rerun = no_rerun, timeout: TimeLimit = None) -> ConsistencyReport:
        """Check every state of a governor, its snapshots and its segments, and look for what has no state any more.

        A document that is damaged or somebody else's is a finding, and the check goes on behind it. Safe beside live
        writers: a finding is read again before it is reported.
        """
        governor = GovernorLayout(governor_id)
        problems: list[Problem] = []
        states = events = 0
        async for document in self._access.scan(governor.states, timeout=timeout):
            states += 1
            checked = await self._checked(governor, document, rerun, timeout)
            events += checked.events
            problems += checked.problems
        gone: set[str] = set()
        for collection in (governor.events, governor.snapshots, governor.segments):
            problems.extend([orphan async for orphan in self._orphans(governor, collection, gone, timeout)])
        return ConsistencyReport(governor_id=governor_id, problems=problems, states=states, events=events)

    async def _checked(
        self, governor: GovernorLayout, document: Document, rerun: Rerun, timeout: TimeLimit
    ) -> _Checked:
        try:
            paths = governor.state(unescape(document.path.id, document.path))
        except InvalidIdError as error:
            return _Checked(0, [foreign(document, error)])
        first = await self._check_state(paths, document, rerun, timeout)
        if not first.problems:
            return first
        # The state may have moved between the two reads: what is found once is read once more.
        again = (await self._access.read([paths.state], self._access.begin(timeout))).get(paths.state)
        return await self._check_state(paths, again, rerun, timeout) if again is not None else first

    async def _check_state(self, paths: StateLayout, document: Document, rerun: Rerun, timeout: TimeLimit) -> _Checked:
        fold = Fold(paths.governor_id, paths.state_id, rerun=rerun)
        kept = AsyncKept(self._access, paths, timeout)
        await kept.begin()
        strangers: list[Problem] = []
        above: int | None = None
        try:
            state = read_state(document, paths.governor_id, paths.state_id)
            async for found, version in self._events(paths, strangers, timeout):
                if version > state.version:
                    above = above or version
                    continue
                event = read_event(found, paths.governor_id, paths.state_id)
                fold.step(event)
                await kept.meet(event)
            message = _difference(state, fold)
        except CorruptLogError as error:
            problem = _problem("corrupt_log", paths.state_id, error.version, str(error))
            return _Checked(fold.events, [problem, *kept.problems, *strangers])
        except ReplayError as error:
            problem = _problem("replay", paths.state_id, fold.version + 1, str(error))
            return _Checked(fold.events, [problem, *kept.problems, *strangers])
        await kept.end(state)
        if message is None and above is not None and await self._stands(document, timeout):
            message = f"an event of version {above} stands above the state's version {state.version}"
        if message is not None:
            found_wrong = [_problem("state_mismatch", paths.state_id, state.version, message)]
        else:
            found_wrong = await self._lost_marks(paths, state, timeout)
            found_wrong += [_problem(kind, paths.state_id, state.version, said) for kind, said in self._judge(state)]
        return _Checked(fold.events, [*found_wrong, *kept.problems, *strangers])

    async def _events(
        self, paths: StateLayout, strangers: list[Problem], timeout: TimeLimit
    ) -> AsyncIterator[tuple[Document, int]]:
        """Iterate over a state's event documents with their versions; *strangers* takes those of somebody else."""
        start, stop = versioned(paths.stored_id, 0), f"{paths.stored_id}A"
        async for document in self._access.scan(paths.governor.events, start=start, stop=stop, timeout=timeout):
            try:
                _, version = owner_and_version(document.path.id)
            except InvalidIdError as error:
                strangers.append(foreign(document, error))
            else:
                yield document, version

    async def _stands(self, document: Document, timeout: TimeLimit) -> bool:
        """Whether a document has not changed since it was read."""
        now = (await self._access.read([document.path], self._access.begin(timeout))).get(document.path)
        return now is not None and now.update_time == document.update_time

    async def _lost_marks(self, paths: StateLayout, state: StateRecord, timeout: TimeLimit) -> list[Problem]:
        """Find a dependency that has no mark of this state, so that its moves would pass the state over."""
        if not state.depends_on or state.deleted:
            return []
        dependencies = [paths.governor.state(one) for one in state.depends_on]
        read = await self._access.read([one.state for one in dependencies], self._access.begin(timeout))
        for one in dependencies:
            document = read.get(one.state)
            if document is not None and _has_no_mark(document, one, state):
                message = f"it depends on state {one.state_id!r}, which has no mark of it"
                return [_problem("lost_mark", paths.state_id, state.version, message)]
        return []

    async def _orphans(
        self, governor: GovernorLayout, collection: str, gone: set[str], timeout: TimeLimit
    ) -> AsyncIterator[Problem]:
        """Find what is left of states whose documents are gone: one look per state, jumping over its versions.

        Args:
            gone: The states that were found to be gone; each of them is told once.
        """
        after: str | None = None
        while True:
            found: Document | None = None
            async for document in self._access.scan(collection, start=after, limit=1, timeout=timeout):
                found = document
            if found is None:
                return
            stored_id = found.path.id.rpartition("@")[0]
            after = f"{stored_id}A"
            try:
                paths = governor.state(unescape(stored_id, found.path))
                if (await self._access.read([paths.state], self._access.begin(timeout))).get(paths.state) is not None:
                    continue
                owner_and_version(found.path.id)
            except InvalidIdError as error:
                yield foreign(found, error)
                after = f"{found.path.id}!"
                continue
            if paths.state_id not in gone:
                gone.add(paths.state_id)
                what = collection.rpartition("/")[2]
                yield _problem("state_missing", paths.state_id, None, f"there are {what}, and no state document")


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
