"""One attempt of a transaction: what its body read as of one moment, and the writes that wait for the commit."""

import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NoReturn

from tai_state._async.commits.guard import AsyncGuardHandle
from tai_state._async.commits.telling import tell_change
from tai_state._async.commits.writer import Applied
from tai_state._async.runtime import AsyncRuntime
from tai_state._async.transactions.cascade import AsyncCascade
from tai_state._async.transactions.lost import AsyncLostStates
from tai_state._platform.interrupts import AsyncDeferral
from tai_state._platform.waits import AsyncMutex
from tai_state.clock import Deadline
from tai_state.documents import Capability, Document, DocumentPath, Put, Read, Write
from tai_state.errors import (
    CorruptLogError,
    DeadlineExceededError,
    FencedOutError,
    RetriesExhaustedError,
    StaleReadError,
    StoreError,
)
from tai_state.layout import META, StateLayout
from tai_state.rules.commits.change import Change, Fresh, Head, Plan, Replay, Settings
from tai_state.rules.transactions.dependents.reactions import NO_MACHINES, Machines
from tai_state.rules.transactions.draft import Decided, Draft
from tai_state.rules.transactions.record import Evidence, changed_since, checks, first_change, stale_read

log = logging.getLogger("tai_state")

# Engines keep what is past for an hour or so; a body may take longer.
_READ_AT_SECONDS_MAX = 600.0


class AsyncAttempt:
    """What one run of a body reads and writes.

    Everything read so far is as of one moment, that of the first read. Where the engine can, what is read later is read
    as of then. Elsewhere it is as of then for as long as nothing that is read later was changed since; where something
    was, all is read again, as of now: when a part of it has changed, the attempt is stale, for good, whatever the body
    makes of the error. So a read costs what is new (Riegel, Felber and Fetzer, A Lazy Snapshot Algorithm with Eager
    Validation, 2006). What leaves the attempt, by its commit, its result or an exception, is validated once. One call
    at a time: a body may have several under way. ``documents`` is what was read, ``draft`` what is to be written.
    """

    def __init__(
        self,
        runtime: AsyncRuntime,
        transaction_id: str,
        guard: AsyncGuardHandle | None,
        deadline: Deadline,
        *,
        read_only: bool = False,
        ahead: Collection[DocumentPath] = (),
        looks: bool = True,
    ) -> None:
        """Begin with nothing read and nothing written.

        Args:
            ahead: What the body will probably read, since it did so before: read with the first that it does.
            looks: Whether a change that may create its state looks first for a log that the state left. If it does not,
                the commit is refused where there is one, and the next attempt is to look.
            guard: What guards the commit, as known before the body ran; its token goes into every event. The commit
                takes from it what stands then.
        """
        self.runtime = runtime
        self.transaction_id = transaction_id
        self.read_only = read_only
        self.stale: StaleReadError | None = None
        self.conflict: DocumentPath | None = None
        # What the body wanted to read, in this order, also where it found that what it saw has changed.
        self.asked: dict[DocumentPath, None] = {}
        self.committed_at: datetime | None = None
        self._access = runtime.access
        self._writer = runtime.writer
        self._guard = guard
        self._deadline = deadline
        self._mutex = AsyncMutex()
        self._ended = False
        self.documents: dict[DocumentPath, Document | None] = {}
        self._ahead = ahead
        # What was read ahead, and nobody asked for yet: no part of what the body saw, so no part of the checks.
        self._aside: dict[DocumentPath, Document | None] = {}
        self._read_time: datetime | None = None
        self._is_of_one_read = True
        self._began = runtime.access.clock.monotonic()
        self._looks = looks
        # Created without a look; the commit is refused where one of them ever was.
        self._unlooked: list[StateLayout] = []
        self._lost = AsyncLostStates(runtime, self.documents)
        self.draft = Draft(self.documents, guard.carries if guard is not None else None, self._lost.restored)
        self._carried: dict[DocumentPath, Write] = {}
        self._evidence: Evidence | None = None
        self._new_store_id = runtime.access.new_id()

    # What the body asks for

    async def heads(self, wanted: Sequence[StateLayout]) -> list[Head | CorruptLogError | None]:
        """Return the states, tombstones included, as the body's own changes left them; None for those never made.

        Those whose documents are missing or damaged are what their logs tell, and say so; where a log does not tell
        it, that is what stands in the state's place.

        Raises:
            StaleReadError: Something read before has changed; the body begins anew.
            StoreError: The attempt has ended.
        """
        with AsyncDeferral():
            async with self._turn():
                await self._hold(self.draft, wanted)
                return [self._head(paths) for paths in wanted]

    def _head(self, paths: StateLayout) -> Head | CorruptLogError | None:
        try:
            return self.draft.head(paths)
        except CorruptLogError as error:
            return error

    async def read_states(self, wanted: Sequence[StateLayout]) -> None:
        """Read the states in one request, and what became of the missing ones in another, for changes that follow.

        Raises:
            StaleReadError, StoreError: As for ``heads``.
        """
        with AsyncDeferral():
            async with self._turn():
                await self._read([paths.state for paths in wanted])
                if self._looks:
                    await self._look(self.draft, wanted)

    async def write(self, change: Change, settings: Settings, machines: Machines = NO_MACHINES) -> Applied:
        """Decide a change on what the body sees, and keep its writes for the commit.

        So are the moves that dependents make because of it. All of it is kept, or nothing.

        Args:
            machines: Those that may drive dependents.

        Raises:
            StaleReadError, StoreError: As for ``heads``.
            TaiStateError: The change is refused, as ``decide`` and ``AsyncCascade.follow`` say.
        """
        with AsyncDeferral():
            async with self._turn():
                draft = self.draft.branch()
                applied = await self._write(draft, change, settings, machines)
                # A task that the body left behind must not add to a commit that is under way.
                self.check_usable()
                self.draft.merge(draft)
        return applied

    async def _write(self, draft: Draft, change: Change, settings: Settings, machines: Machines) -> Applied:
        key, governor = change.idempotency_key, change.paths.governor
        receipt = None if key is None else change.paths.receipt(key)
        dependencies = [governor.state(one) for one in change.depends_on or ()]
        states = [change.paths, *dependencies]
        await self._read([*(paths.state for paths in states), *([receipt] if receipt else [])])
        path = change.paths.state
        is_new = change.creates and not change.expected_version and self.documents[path] is None
        if is_new and not self._looks and path not in draft.heads and not self._lost.knows(path):
            self._unlooked.append(change.paths)
            states = dependencies
        await self._look(draft, states)
        if change.timestamp is not None:
            await self._access.see_passed(change.timestamp, self._deadline)
        before = draft.record(change.paths)
        found = None if receipt is None else self.documents[receipt]
        plan = self._add(draft, change, settings, found)
        if isinstance(plan, Replay):
            return await self._writer.replayed(change.paths, plan, self._deadline)

        def react(reaction: Change) -> Plan:
            made = self._add(draft, reaction, settings)
            assert isinstance(made, Plan)
            return made

        cascade = AsyncCascade(draft, change, settings, machines, read=partial(self._hold, draft), add=react)
        await cascade.follow(before, plan.event)
        record = draft.record(change.paths)
        assert record is not None
        return Applied(plan.event, record)

    async def document(self, path: DocumentPath) -> Document | None:
        """Return a document of the package's own, as a part of what the body saw; raises as ``heads`` does."""
        with AsyncDeferral():
            async with self._turn():
                await self._read([path])
                return self.documents[path]

    def carry(self, put: Put, evidence: str) -> None:
        """Let the commit write such a document, too; its field *evidence* is unique to this attempt."""
        self._carried[put.path], self._evidence = put, Evidence(put.path, evidence, put.fields[evidence])

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        self.check_usable()
        if not await self._mutex.acquire(self._deadline.remaining()):
            message = f"the {self._deadline.seconds:g} seconds allowed are over; nothing was written"
            raise DeadlineExceededError(message)
        try:
            self.check_usable()
            yield
        finally:
            self._mutex.release()

    def check_usable(self) -> None:
        """Do nothing while the body runs on a view that stands.

        Raises:
            StoreError: The body has ended.
            StaleReadError: What it read has changed.
        """
        if self._ended:
            message = "this transaction has ended; what its body left running can read and write no more"
            raise StoreError(message)
        if self.stale is not None:
            raise copy(self.stale)

    def end(self) -> None:
        """Refuse every further call: the body has ended."""
        self._ended = True

    async def _hold(self, draft: Draft, wanted: Sequence[StateLayout]) -> None:
        """Let *draft* hold states, whatever became of their documents."""
        await self._read([paths.state for paths in wanted])
        await self._look(draft, wanted)

    async def _look(self, draft: Draft, wanted: Sequence[StateLayout]) -> None:
        changed = await self._lost.look(draft, wanted, self._read_time, self._deadline)
        if changed is not None:
            self._outdated(changed)

    async def _read(self, paths: Sequence[DocumentPath]) -> None:
        new = [path for path in dict.fromkeys(paths) if path not in self.documents]
        self.asked |= dict.fromkeys(new)
        if any(path not in self._aside for path in new):
            await self._fetch(new)
        self.documents.update({path: self._aside.pop(path) for path in new})

    async def _fetch(self, new: Sequence[DocumentPath]) -> None:
        """Read *new*, so that it goes together with what the body saw already.

        1. As of the first read, where the engine can read the past.
        2. Elsewhere a reader who commits nothing has nothing that validates what he read: for him all is read at once
           each time.
        3. Others read all again only where that may not go together any more.
        """
        moment = self._moment()
        meta = [META] if self._read_time is None and not self.read_only and self._writer.needs_meta() else []
        wanted = dict.fromkeys([*new, *self._ahead])
        self._ahead = ()
        seen = self.documents if self.read_only and moment is None else {}
        read = await self._access.read([*wanted, *seen, *meta], self._deadline, consistent=self.read_only, at=moment)
        if self._read_time is not None and (moment is not None or not self.read_only):
            if moment is not None or not changed_since(read.documents, self._read_time):
                self._is_of_one_read = False
                self._aside.update({path: read.get(path) for path in wanted})
                return
            read = await self._access.read([*wanted, *self.documents], self._deadline, consistent=False)
        self._compare(read)
        await self._writer.learn_store(read, self._deadline, is_asked=bool(meta))
        self._read_time = read.read_time
        self._is_of_one_read = True
        self._aside = {path: read.get(path) for path in wanted}

    def _moment(self) -> datetime | None:
        """Return the time of the first read, where the engine can still read as of then."""
        is_old = self._access.clock.monotonic() > self._began + _READ_AT_SECONDS_MAX
        can_read_at = Capability.READ_AT in self._access.backend.capabilities
        return self._read_time if can_read_at and not is_old else None

    def _compare(self, read: Read) -> None:
        changed = first_change(self.documents, read.documents)
        if changed is not None:
            self._outdated(changed)

    def _outdated(self, path: DocumentPath) -> NoReturn:
        self.conflict = path
        self.stale = stale_read(str(path), self.transaction_id)
        raise copy(self.stale)

    def _add(self, draft: Draft, change: Change, settings: Settings, receipt: Document | None = None) -> Plan | Replay:
        access = self._access
        told, told_seconds = access.store_time.latest, access.clock.monotonic() - access.store_time.heard
        fresh = Fresh(access.clock.now(), access.new_id(), self._new_store_id, access.new_id(), told, told_seconds)
        origin, feed = self._writer.place
        try:
            return draft.add(Decided(change, settings, fresh, origin, receipt, self._read_time, feed))
        except FencedOutError as error:
            if self._guard is not None:
                self._guard.refused(error)
            raise

    # What the manager asks for

    @property
    def writes(self) -> dict[DocumentPath, Write]:
        """What the body wrote so far, by path, and what goes with it."""
        return {**self.draft.writes, **self._carried} if self._carried else self.draft.writes

    @property
    def read(self) -> AbstractSet[DocumentPath]:
        """What the body read so far."""
        return self.documents.keys()

    @property
    def states_written(self) -> frozenset[DocumentPath]:
        """The states that the commit changes."""
        return frozenset(path for path in self.draft.heads if path in self.writes)

    @property
    def evidence(self) -> Evidence:
        """What no other commit makes: a document that goes with it, or the event of the first change."""
        if self._evidence:
            return self._evidence
        events = (write for write in self.writes.values() if write.path.collection.endswith("/events"))
        event = next(write for write in events if isinstance(write, Put))
        return Evidence(event.path, "transition_id", event.fields["transition_id"])

    def check_heads(self) -> None:
        """See whether this store made a newer version of a state that the commit changes; no request is sent.

        Raises:
            StaleReadError: It did; the commit would only be refused.
        """
        for path in self.states_written:
            head, document = self._writer.heads.get(path), self.documents[path]
            if head is None or head.update_time is None:
                continue
            if document is None or head.update_time > document.update_time:
                self._outdated(path)

    async def confirm(self, deadline: Deadline | None = None) -> None:
        """See whether all that was read stands as of one moment, where several reads or a torn batch leave a doubt.

        And whether what the body created without a look never was: a commit would tell.

        Raises:
            StaleReadError: Something has changed, or is not as it seemed; the body begins anew.
        """
        if self._unlooked:
            for paths in await self._lost.made(self._unlooked, self._read_time, deadline or self._deadline):
                self._outdated(paths.state)
        moment = self._moment()
        # Reads of one moment cannot differ, save where the engine tears what it reads beside writers.
        is_of_one_moment = self._is_of_one_read or moment is not None
        is_steady = is_of_one_moment and Capability.STEADY_READS in self._access.backend.capabilities
        is_whole = self.read_only and (self._is_of_one_read or moment is None)
        if len(self.documents) <= 1 or is_steady or is_whole:
            return
        self._compare(await self._access.read(list(self.documents), deadline or self._deadline, at=moment))

    async def changed(self) -> DocumentPath | None:
        """Return what has changed of what was read, for an engine that did not tell; None where no read tells now."""
        try:
            read = await self._access.read(list(self.documents), self._deadline, consistent=False)
        except (DeadlineExceededError, RetriesExhaustedError, StoreError):
            return None
        return first_change(self.documents, read.documents)

    def checks(self) -> list[Write]:
        """Return what the commit checks: all that was read and not written; raises PreparedError as the draft does."""
        self.draft.check_unprepared()
        return checks(self.documents, self.writes)

    def shrink(self) -> None:
        """Make the writes over again, compressed, maintenance put off; the events are as the body was told."""
        self.draft = self.draft.shrunk()

    def forget_heads(self) -> None:
        """Drop the store's cached heads of what the commit changes, before it is sent."""
        for path in self.writes:
            self._writer.heads.drop(path)

    def remember_heads(self, committed_at: datetime, update_times: Mapping[DocumentPath, datetime]) -> None:
        """Let the store know what the commit made.

        Args:
            update_times: By path; empty where a lost reply left them unknown.
        """
        self.committed_at = committed_at
        if META in self.writes:
            self._writer.name(self._new_store_id)
        for event in self.draft.events:
            if log.isEnabledFor(logging.DEBUG):
                tell_change(event)
            if self._writer.listeners:
                self._writer.tell(replace(event, committed_at=committed_at))
        for path, head in self.draft.heads.items():
            if path in self.writes and (moment := update_times.get(path)) is not None:
                self._writer.remember(path, Head(head.record, moment))
