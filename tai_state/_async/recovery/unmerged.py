"""What a sync that was stopped has left: events of another store that are beside the line, and that nothing follows.

They are merged where the line has nothing that they do not know, or says the same: then nobody has to decide. Else the
resolver of the next sync does, which no store knows.
"""

from collections.abc import AsyncIterator

from tai_state._async.recovery.branches import async_is_in_line
from tai_state._async.runtime import AsyncRuntime
from tai_state._platform.iterators import async_ending
from tai_state.authors import Author
from tai_state.causality import Ordering
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import ConflictError, CorruptLogError, InvalidIdError, ReplayError
from tai_state.layout import GovernorLayout, StateLayout, branch_place, unescape
from tai_state.models import Repair
from tai_state.rules.records.branches import Held, Ref, read_branch
from tai_state.rules.records.erased import is_erased
from tai_state.rules.records.record import StateRecord
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.replicas.changes import merge_change, target_as
from tai_state.rules.replicas.standing import content_digest, knows, standing

KIND = "unmerged_branch"


class AsyncUnmerged:
    """Ends what can be ended of a governor's syncs from this store alone."""

    def __init__(self, runtime: AsyncRuntime, author: Author, timeout: Span, *, is_dry_run: bool) -> None:
        """Write merges signed by *author*.

        Args:
            timeout: Bounds each page that is read, and each merge.
        """
        self._runtime = runtime
        self._author = author
        self._timeout = timeout
        self._is_dry_run = is_dry_run

    async def governor(self, governor: GovernorLayout) -> tuple[list[Repair], list[Finding]]:
        """Merge what can be merged, and return that and what is left; most governors have no branch at all."""
        repaired: list[Repair] = []
        left: list[Finding] = []
        async for paths in self._states(governor):
            try:
                await self._state(paths, repaired, left)
            except ReplayError:
                continue  # what is damaged is told by itself
        return repaired, left

    async def _states(self, governor: GovernorLayout) -> AsyncIterator[StateLayout]:
        last = ""
        async with async_ending(self._runtime.access.scan(governor.branches, timeout=self._timeout)) as scan:
            async for document in scan:
                try:
                    stored = branch_place(document.path.id)[0]
                    paths = governor.state(unescape(stored))
                except InvalidIdError:
                    continue
                if stored != last:
                    last = stored
                    yield paths

    async def _state(self, paths: StateLayout, repaired: list[Repair], left: list[Finding]) -> None:
        record = await self._runtime.record(paths, self._timeout)
        if record is None:
            return
        heads, is_followed = await self._heads(paths, record)
        for held in heads:
            event = held.event
            path = paths.branch(event.origin, event.version)
            said = f"version {event.version} of store {event.origin}"
            if self._may_follow(record, held, is_followed=is_followed):
                merged = record if self._is_dry_run else await self._merged(paths, record, held)
                if merged is not None:
                    record = merged
                    message = f"{said}, which knows of all that is here, is merged"
                    repaired.append(_repair(paths, record, str(path), message))
                    continue
            here = f"version {record.version} here"
            message = f"{said} is not merged with {here}: which of them counts, the resolver of the next sync decides"
            left.append(Finding(KIND, paths.state_id, event.version, message, path))

    @staticmethod
    def _may_follow(record: StateRecord, held: Held, *, is_followed: bool) -> bool:
        """Whether nobody has to decide between what is here and what another store has made of it."""
        if is_erased(held.event):
            return False
        if content_digest(record) == content_digest(held.event):
            return True
        # By its clock alone it could be of a copy that has kept this store's id.
        return is_followed and standing(record, held.event.state()) is Ordering.BEFORE

    async def _heads(self, paths: StateLayout, record: StateRecord) -> tuple[list[Held], bool]:
        """Return the events that the state knows nothing of and that none follows, and whether any follows the state.

        None where one is missing of those that they follow.
        """
        is_followed = False
        there: set[Ref] = set()
        followed: set[Ref] = set()
        unknown: list[Ref] = []
        needed: dict[Ref, None] = {}
        async for document in self._branches(paths):
            held = read_branch(document, paths.governor_id, paths.state_id)
            there.add(held.ref)
            followed.update(held.parents)
            is_followed = (
                is_followed or _says_the_same(held, record) or record.hash in {ref.hash for ref in held.parents}
            )
            if not knows(record.causality, held.event.causality):
                unknown.append(held.ref)
                needed |= dict.fromkeys(held.parents)
        for ref in needed:
            if ref not in there and not await async_is_in_line(
                self._runtime.access, paths, ref, record.marks.trimmed_through, self._timeout
            ):
                return [], False
        return [await self._event(paths, ref) for ref in unknown if ref not in followed], is_followed

    def _branches(self, paths: StateLayout) -> AsyncIterator[Document]:
        start, stop = f"{paths.stored_id}@", f"{paths.stored_id}A"
        return self._runtime.access.scan(paths.governor.branches, start=start, stop=stop, timeout=self._timeout)

    async def _event(self, paths: StateLayout, ref: Ref) -> Held:
        access = self._runtime.access
        path = paths.branch(ref.origin, ref.version)
        document = (await access.read([path], access.begin(self._timeout))).get(path)
        if document is None:
            raise CorruptLogError(paths.governor_id, paths.state_id, ref.version, f"branch document {path} is gone")
        return read_branch(document, paths.governor_id, paths.state_id)

    async def _merged(self, paths: StateLayout, record: StateRecord, held: Held) -> StateRecord | None:
        """Write the merge, and return the state behind it; None where somebody was faster, or may not be disturbed."""
        runtime = self._runtime
        change = merge_change(paths, self._author, record, held.event, target_as(held.event))
        try:
            await runtime.writer.write(change, runtime.settings, runtime.access.begin(self._timeout), None)
        except ConflictError:
            return None
        return await runtime.record(paths, self._timeout)


def _says_the_same(held: Held, record: StateRecord) -> bool:
    """Whether another store has come to the same version: to whom it was merged, it is as good as this one."""
    return held.event.causality == record.causality and content_digest(held.event) == content_digest(record)


def _repair(paths: StateLayout, record: StateRecord, path: str, message: str) -> Repair:
    return Repair(kind=KIND, state_id=paths.state_id, version=record.version, path=path, message=message)
