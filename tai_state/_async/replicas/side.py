"""One of two stores, as far as one state goes: its line, its branches, and how both are read and written."""

from collections.abc import Sequence
from datetime import datetime  # noqa: TC003 - as all stored words

from tai_state._async.access.damage import tell_damage
from tai_state._async.commits.snapshot import async_state_to_write
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state._async.runtime import AsyncRuntime
from tai_state.clock import Span
from tai_state.documents import Document, DocumentPath, Write
from tai_state.errors import (
    CommitAmbiguousError,
    CorruptLogError,
    HistoryTrimmedError,
    PreconditionFailedError,
    StateNotFoundError,
    StoreUnavailableError,
)
from tai_state.layout import StateLayout
from tai_state.rules.records.branches import Held, Ref, branch_put, read_branch, ref_of
from tai_state.rules.records.chain import GENESIS
from tai_state.rules.records.record import EventRecord, StateRecord

AGAIN = (PreconditionFailedError, CommitAmbiguousError, StoreUnavailableError)
"""Of what is written here a look tells whether it was: it is written again only where it is not there."""

_READ = 50
"""Events read at a time, below one that is asked for."""

_KEPT_MAX = 500
"""Events kept in memory: who walks back asks for those close to the last one."""


class AsyncSide:
    """A store's half of a state."""

    def __init__(self, runtime: AsyncRuntime, store_id: str, paths: StateLayout, timeout: Span) -> None:
        """Read nothing yet.

        Args:
            timeout: The time that each read and each commit may take.
        """
        self.runtime = runtime
        self.store_id = store_id
        self.paths = paths
        self.timeout = timeout
        self.record: StateRecord | None = None
        self.based: datetime | None = None
        self._access = runtime.access
        self.history = AsyncHistoryReader(runtime.access)
        self._line: dict[int, EventRecord | None] = {}
        self._branches: dict[tuple[str, int], Held | None] = {}

    async def look(self) -> StateRecord | None:
        """Read the state anew; None where it never was."""
        self._line.clear()
        self._branches.clear()
        try:
            self.record, self.based = await async_state_to_write(
                self._access, self.paths, self._access.begin(self.timeout)
            )
        except StateNotFoundError:
            self.record, self.based = None, None
        return self.record

    @property
    def version(self) -> int:
        """The version of the state; 0 where there is none."""
        return 0 if self.record is None else self.record.version

    @property
    def trimmed(self) -> int:
        """Up to which version the line was trimmed."""
        return 0 if self.record is None else self.record.marks.trimmed_through

    async def line(self, version: int) -> EventRecord | None:
        """Return the event of a version of the line; None where there is none, or it was trimmed."""
        if not self.trimmed < version <= self.version:
            return None
        if version not in self._line:
            if len(self._line) > _KEPT_MAX:
                self._line.clear()
            after = max(self.trimmed, version - _READ)
            try:
                async for event in self.history.events(self.paths, after=after, until=version, timeout=self.timeout):
                    self._line[event.version] = event
            except HistoryTrimmedError:
                # Since the state was read.
                self._line[version] = None
        return self._line.get(version)

    async def is_event(self, version: int) -> bool:
        """Whether there is a document of an event of this version, whatever the state says."""
        path = self.paths.event(version)
        return path in await self._read([path])

    async def hash_at(self, version: int) -> str | None:
        """Return the hash of a version of the line; None where it is not known."""
        if version == 0:
            return GENESIS
        if self.record is not None and version == self.trimmed:
            return self.record.marks.trimmed_hash
        if self.record is not None and version == self.version:
            return self.record.hash
        event = await self.line(version)
        return None if event is None else event.hash

    async def branch(self, origin: str, version: int) -> Held | None:
        """Return the event of a branch; None where there is none."""
        if (origin, version) not in self._branches:
            if len(self._branches) > _KEPT_MAX:
                self._branches.clear()
            wanted = [(origin, one) for one in range(max(1, version - _READ + 1), version + 1)]
            paths = {self.paths.branch(*key): key for key in wanted}
            for path, document in (await self._read(list(paths))).items():
                self._branches[paths[path]] = self._sound(document)
            for key in wanted:
                self._branches.setdefault(key, None)
        return self._branches[origin, version]

    async def find(self, ref: Ref) -> Held | None:
        """Return an event that the store has, in its line or beside it; None where it has not."""
        if await self.hash_at(ref.version) == ref.hash:
            event = await self.line(ref.version)
            if event is not None:
                before = await self.line(ref.version - 1)
                return Held(event, None if before is None else before.origin)
        held = await self.branch(ref.origin, ref.version)
        return held if held is not None and held.event.hash == ref.hash else None

    async def has(self, ref: Ref) -> bool:
        """Whether the store has an event, or had it before its line was trimmed."""
        if await self.hash_at(ref.version) == ref.hash:
            return True
        held = await self.branch(ref.origin, ref.version)
        return held is not None and held.event.hash == ref.hash

    async def head(self) -> Held | None:
        """Return the event that made the state as it is; None where there is none, or it was trimmed."""
        event = await self.line(self.version)
        if event is None:
            return None
        return await self.find(ref_of(event))

    async def keep(self, given: Sequence[Held]) -> int:
        """Bring it about that events stand in the branches, in one commit; return of how many it was not known."""
        batch = [held for held in given if not self._is_kept(held)]
        if not batch:
            return 0
        deadline = self._access.begin(self.timeout)
        found: dict[DocumentPath, Document] = {}
        is_read = True

        async def attempt() -> None:
            nonlocal found, is_read
            if not is_read:
                found = await self._read([self.paths.branch(one.event.origin, one.event.version) for one in batch])
            is_read = False
            writes: list[Write] = []
            for held in batch:
                there = found.get(self.paths.branch(held.event.origin, held.event.version))
                sound = None if there is None else self._sound(there)
                if sound is None or sound.event.hash != held.event.hash:
                    writes.append(branch_put(self.paths, held, self.runtime.settings.encoding, there))
            if writes:
                await self._access.backend.commit(writes, timeout=self._access.attempt_seconds(deadline))

        await self._access.retried(attempt, deadline, also=AGAIN, what="what another store has")
        for held in batch:
            self._branches[held.event.origin, held.event.version] = held
        return len(batch)

    def _is_kept(self, held: Held) -> bool:
        known = self._branches.get((held.event.origin, held.event.version))
        return known is not None and known.event.hash == held.event.hash

    def _sound(self, document: Document) -> Held | None:
        """Return the event in a document of a branch; None where it is damaged, and so is to be brought again."""
        try:
            return read_branch(document, self.paths.governor_id, self.paths.state_id)
        except CorruptLogError as error:
            tell_damage(error)
            return None

    async def _read(self, paths: list[DocumentPath]) -> dict[DocumentPath, Document]:
        return dict((await self._access.read(paths, self._access.begin(self.timeout), consistent=False)).documents)
