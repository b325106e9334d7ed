"""The check of one governor, of all, and of what a store holds beside them. Reads only, in bounded memory.

Of the state that is looked at all findings are held, each with what should be there, where that is known: as much as
its damaged documents are large. Of what was looked at before only what users see of it is held, as many problems as a
report has room for.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

from tai_state._async.access.access import AsyncAccess
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state._async.recovery.beside import AsyncBeside, async_in_turn
from tai_state._async.recovery.gone import async_left_over
from tai_state._async.recovery.in_doubt import async_in_doubt_findings
from tai_state._async.recovery.intents import async_unfinished
from tai_state._async.recovery.kept import foreign
from tai_state._async.recovery.leases import async_lease_findings
from tai_state._async.recovery.receipts import async_receipt_findings
from tai_state._async.recovery.walk import AsyncWalk, Examined
from tai_state.clock import Span
from tai_state.documents import Document, DocumentPath
from tai_state.errors import InvalidIdError, ReplayError
from tai_state.layout import GOVERNORS, GovernorLayout, StateLayout, governor_of, unescape
from tai_state.models import ConsistencyReport, Problem
from tai_state.rules.commits.judging import Judge, no_judge
from tai_state.rules.history.replay import Rerun, no_rerun
from tai_state.rules.records.documents import read_state
from tai_state.rules.recovery.erasure import read_erasure
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.transactions.dependents.marks import mark_is_lost

PROBLEMS_MAX = 10_000
"""The most problems that one report holds: what comes more is counted."""

_STALE_MAX = 3
"""How often a state that moves while it is looked at is looked at again at once."""

Progress = Callable[[str, str], None]
"""Told of each state before it is looked at: its governor, and its id as stored."""


def no_progress(_: str, __: str) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Sum:
    """What a check of a governor found so far."""

    governor_id: str
    states: int = 0
    events: int = 0
    omitted: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, *findings: Finding) -> None:
        """Take more findings, as many as there is room for, and hold of each what users see."""
        for finding in findings:
            if len(self.problems) < PROBLEMS_MAX:
                self.problems.append(finding.problem())
            else:
                self.omitted += 1

    def report(self) -> ConsistencyReport:
        """Return what users see of it."""
        return ConsistencyReport(
            governor_id=self.governor_id,
            problems=self.problems,
            states=self.states,
            events=self.events,
            omitted=self.omitted,
        )


class AsyncVerifier:
    """Checks what a store holds."""

    def __init__(
        self,
        access: AsyncAccess,
        judge: Judge = no_judge,
        rerun: Rerun = no_rerun,
        *,
        progress: Progress = no_progress,
        timeout: Span = None,
    ) -> None:
        """Read through *access*; *judge* and *rerun* find what machines would not have made.

        Args:
            timeout: The time that each page may take.
        """
        self._access = access
        self._walk = AsyncWalk(access, rerun, judge, timeout)
        self._progress = progress
        self._timeout = timeout

    async def check(self, governor_id: str) -> ConsistencyReport:
        """Check every state of a governor and all that belongs to it.

        A document that is damaged or somebody else's is a finding, and the check goes on behind it. Safe beside live
        writers: a finding is read again before it is reported.
        """
        found = Sum(governor_id)
        async for examined in self.states(governor_id):
            found.states += examined.document is not None
            found.events += examined.events
            found.add(*examined.findings)
        erasing: set[str] = set()
        async for unfinished in self.unfinished(governor_id):
            erasing.add(unfinished.state_id)
            found.add(unfinished)
        async for finding in async_receipt_findings(self._access, governor_id, self._timeout):
            # Those of what is being erased are about to go.
            if finding.state_id not in erasing:
                found.add(finding)
        return found.report()

    async def check_state(self, paths: StateLayout) -> ConsistencyReport:
        """Check one state, and what it depends on."""
        self._progress(paths.governor_id, paths.stored_id)
        examined = await self.examined(paths)
        found = Sum(paths.governor_id, int(examined.document is not None), examined.events)
        found.add(*examined.findings)
        async for unfinished in self.unfinished(paths.governor_id):
            if unfinished.state_id == paths.state_id:
                found.add(unfinished)
        return found.report()

    async def check_all(self) -> AsyncIterator[ConsistencyReport]:
        """Check every governor, then what belongs to none: governors of somebody else, leases, what is prepared."""
        found = Sum("")
        async for governor_id, stranger in self.governors():
            if stranger is None:
                yield await self.check(governor_id)
            else:
                found.add(stranger)
        async for finding in async_lease_findings(self._access, self._timeout):
            found.add(finding)
        async for finding in async_in_doubt_findings(self._access, self._timeout):
            found.add(finding)
        yield found.report()

    async def unfinished(self, governor_id: str) -> AsyncIterator[Finding]:
        """Iterate over the findings of what was to be erased, and is not gone yet."""
        async for document, erasure in async_unfinished(self._access, GovernorLayout(governor_id), self._timeout):
            message = f"it was to be erased up to version {erasure.through}, and that is not finished"
            version = erasure.through or None
            yield Finding("unfinished_erasure", erasure.state_id, version, message, document.path)

    async def _is_being_erased(self, paths: StateLayout) -> bool:
        """Whether a state is to be erased, and is not yet: what is found of it says nothing."""
        document = (await self._access.read([paths.erasure], self._access.begin(self._timeout))).get(paths.erasure)
        try:
            return document is not None and not read_erasure(document, paths.governor_id).is_finished
        except ReplayError:
            return False

    async def governors(self) -> AsyncIterator[tuple[str, Finding | None]]:
        """Iterate over the ids of all governors; of one that is somebody else's, over the finding."""
        async for stored in self._access.scan_ids(GOVERNORS, timeout=self._timeout):
            try:
                yield governor_of(stored, f"{GOVERNORS}/{stored}"), None
            except InvalidIdError as error:
                message = f"it is none of ours: {error}"
                yield "", Finding("foreign_document", "", None, message, DocumentPath(GOVERNORS, stored))

    async def states(self, governor_id: str) -> AsyncIterator[Examined]:
        """Walk over every state of a governor, then over what is left of those whose documents are gone."""
        governor = GovernorLayout(governor_id)
        beside = AsyncBeside(self._access, governor, self._timeout)
        states = async_in_turn(self._access.scan(governor.states, timeout=self._timeout))
        async for document, is_in_turn in states:
            try:
                paths = governor.state(unescape(document.path.id, document.path))
            except InvalidIdError as error:
                yield Examined(None, document, None, (foreign(document, error),), 0)
                continue
            self._progress(governor_id, paths.stored_id)
            yield await self.examined(paths, document, beside if is_in_turn else None)
        gone: set[str] = set()
        for collection in (governor.events, governor.snapshots, governor.segments):
            if await beside.is_complete(collection):
                continue
            async for orphan in self._orphans(governor, collection, gone):
                yield orphan

    async def examined(
        self, paths: StateLayout, document: Document | None = None, beside: AsyncBeside | None = None
    ) -> Examined:
        """Walk over a state; what is found is found twice in a row, or was a change between two reads.

        Args:
            document: Its document, where it was read already.
            beside: What gives the rest at first, which may be older: what is found in it is looked for again by itself.
        """
        if document is None:
            document = await self._document(paths)
        first = await self._examined_once(paths, document, beside)
        for _ in range(_STALE_MAX):
            if not first.is_stale:
                break
            first = await self._examined_once(paths, await self._document(paths))
        if not first.findings:
            return first
        if await self._is_being_erased(paths):
            return replace(first, findings=())
        read = await self._access.read([paths.state], self._access.begin(self._timeout))
        again = await self._examined_once(paths, read.get(paths.state))
        before = {finding.identity for finding in first.findings}
        found = tuple(finding for finding in again.findings if finding.identity in before)
        return replace(again, findings=found, is_stale=False, read_time=read.read_time)

    async def _examined_once(
        self, paths: StateLayout, document: Document | None, beside: AsyncBeside | None = None
    ) -> Examined:
        examined = await self._walk.over(paths, document, beside)
        state = examined.record
        # Where the state itself is in doubt, so is what it depends on.
        if state is None or state.deleted or not (state.depends_on or state.marks.dependents) or examined.is_doubtful:
            return examined
        lost = await self._lost_marks(examined) if state.depends_on else []
        lost += await self._missing_dependents(examined) if state.marks.dependents else []
        return replace(examined, findings=(*examined.findings, *lost))

    async def _document(self, paths: StateLayout) -> Document | None:
        return (await self._access.read([paths.state], self._access.begin(self._timeout))).get(paths.state)

    async def _lost_marks(self, examined: Examined) -> list[Finding]:
        """Find the dependencies that have no mark of this state, so that their moves would pass the state over."""
        paths, state = examined.paths, examined.record
        assert paths is not None
        assert state is not None
        dependencies = [paths.governor.state(one) for one in state.depends_on]
        read = await self._access.read([one.state for one in dependencies], self._access.begin(self._timeout))
        found = []
        for one in dependencies:
            document = read.get(one.state)
            try:
                dependency = read_state(document, one.governor_id, one.state_id) if document is not None else None
            except ReplayError:
                # A damaged dependency is a finding of its own.
                continue
            if dependency is not None and mark_is_lost(state, dependency):
                message = f"it depends on state {one.state_id!r}, which has no mark of it"
                found.append(
                    Finding("lost_mark", paths.state_id, state.version, message, one.state, other=one.state_id)
                )
        return found

    async def _missing_dependents(self, examined: Examined) -> list[Finding]:
        """Find the dependents that the state is marked with and of which there is neither a document nor an event."""
        paths, state = examined.paths, examined.record
        assert paths is not None
        assert state is not None
        marked = [paths.governor.state(one) for one in state.marks.dependents]
        read = await self._access.read([one.state for one in marked], self._access.begin(self._timeout))
        history = AsyncHistoryReader(self._access)
        found = []
        for one in marked:
            if read.get(one.state) is None and not await history.first_events([one], self._timeout):
                message = f"it is marked with its dependent {one.state_id!r}, of which nothing is left"
                found.append(
                    Finding("missing_dependent", paths.state_id, state.version, message, one.state, other=one.state_id)
                )
        return found

    async def _orphans(self, governor: GovernorLayout, collection: str, gone: set[str]) -> AsyncIterator[Examined]:
        """Walk over what is left of states whose documents are gone: one look per state, jumping over its versions.

        Args:
            gone: The states that were found to be gone; each of them is told once.
        """
        async for paths in async_left_over(self._access, governor, collection, self._timeout):
            if isinstance(paths, Finding):
                yield Examined(None, None, None, (paths,), 0)
            elif paths.state_id not in gone:
                gone.add(paths.state_id)
                self._progress(governor.governor_id, paths.stored_id)
                yield await self.examined(paths)
