"""The write path: every change of a state, whoever asks for it, goes through ``AsyncChangeWriter.write``."""

import logging
from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

from tai_state._async.access.access import AsyncAccess
from tai_state._async.access.retry import async_retry_after
from tai_state._async.access.turns import AsyncLines, AsyncTurn
from tai_state._async.commits.coalescing import AsyncCarried, Unsettled, async_carry
from tai_state._async.commits.feeding import async_learn
from tai_state._async.commits.found import async_found_head
from tai_state._async.commits.guard import AsyncGuardHandle, AsyncGuarding, AsyncSettleMarked
from tai_state._async.commits.protocol import AsyncSettlement, Settled, async_commit_once
from tai_state._async.commits.settling import async_settle_plan
from tai_state._async.commits.telling import tell_change
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state._async.history.sealing import AsyncSealing
from tai_state._platform.forks import anew_in_children
from tai_state._platform.interrupts import async_shield
from tai_state.clock import Deadline
from tai_state.documents import Capability, CommitResult, DocumentPath, Read, Write
from tai_state.errors import (
    CorruptLogError,
    DeadlineExceededError,
    DocumentTooLargeError,
    OutcomeUnknownError,
    PreconditionFailedError,
    PreparedError,
    RetriesExhaustedError,
    TaiStateError,
)
from tai_state.frozen import quick_dataclass
from tai_state.heads import HeadCache, TrailCache
from tai_state.layout import META, StateLayout
from tai_state.rules.commits.change import Change, Fresh, Head, Plan, Replay, Settings, View
from tai_state.rules.commits.decide import decide, segment_is_due, with_segment, writes_of
from tai_state.rules.commits.guards import Guard
from tai_state.rules.commits.settle import lost_head, proofs_against
from tai_state.rules.history.segments import Segment
from tai_state.rules.records.chain import Texts, texts_of
from tai_state.rules.records.feeding import FeedKnowledge
from tai_state.rules.records.record import EventRecord, StateRecord, complete

if TYPE_CHECKING:
    from tai_state._async.commits.listening import AsyncListener

log = logging.getLogger("tai_state")

_EVENT_BYTES = 1_000
"""What an event takes in memory beside its texts, about."""


@quick_dataclass(frozen=True, slots=True)
class Applied:
    """A change as it stands in the store."""

    event: EventRecord
    record: StateRecord
    replayed: bool = False


class AsyncChangeWriter:
    """Makes changes: reads what it must, decides purely, commits once, and settles what is in doubt."""

    def __init__(self, access: AsyncAccess, *, cache_size: int, feed_shards: int = 0) -> None:
        """Keep at most *cache_size* heads of states.

        Args:
            feed_shards: By how many keys the store is to feed; 0: as it does.
        """
        self.access = access
        self.heads: HeadCache[Head] = HeadCache(cache_size)
        anew_in_children(self.heads)
        self._unsealed: TrailCache[Texts] = TrailCache()
        anew_in_children(self._unsealed)
        # Callers of one process that change the same state go one after the other: their commits would only refuse
        # each other. Correctness never rests on it; who waits is carried along by who has the turn (``coalescing``).
        self.lines = AsyncLines()
        self._sealing = AsyncSealing(access)
        self._history = AsyncHistoryReader(access)
        # The id of the store, once ``tai/meta`` was read or written.
        self.origin: str | None = None
        self.feed = FeedKnowledge(feed_shards, is_asked=Capability.BY_UPDATE_TIME not in access.backend.capabilities)
        self.settle_marked: AsyncSettleMarked | None = None
        # Who is told of each change; shared by all writers of one store.
        self.listeners: list[AsyncListener] = []

    def over(self, access: AsyncAccess) -> "AsyncChangeWriter":
        """Return a writer that goes through *access*; heads, turns and what is put off are shared."""
        other = copy(self)
        other.access = access
        other._sealing = self._sealing.over(access)  # noqa: SLF001
        other._history = AsyncHistoryReader(access)  # noqa: SLF001
        return other

    async def write(
        self,
        change: Change,
        settings: Settings,
        deadline: Deadline,
        guarding: AsyncGuarding | None = None,
    ) -> Applied:
        """Make *change* in one commit, and return it once it is durable.

        With *guarding* the commit carries what that gives: the store refuses it where it does not hold any more.

        Raises:
            OutcomeUnknownError: The deadline passed while the store may or may not have applied it.
            TaiStateError: It was refused, or failed; nothing was written.
        """
        goes_alone = guarding is not None or change.timestamp is not None or change.depends_on or change.looks_first
        turn = AsyncTurn(self.lines, change.paths.state, deadline, None if goes_alone else (change, settings))
        async with turn:
            if turn.answer is not None:
                return await self._answered(turn.answer, change, settings, deadline)
            try:
                return await self._write(change, settings, deadline, guarding, turn)
            except PreparedError as error:
                if self.settle_marked is None or not await self.settle_marked(error, deadline):
                    raise
                return await self._write(change, settings.lean(), deadline, guarding)  # nobody behind it makes it small
            except DocumentTooLargeError:
                # Refused before anything was sent. Before the caller hears of it: everything compressed,
                # and maintenance put off, by the changes that come next, too.
                self._sealing.put_off(change.paths.state)
                return await self._write(change, settings.lean(), deadline, guarding)

    async def _write(
        self,
        change: Change,
        settings: Settings,
        deadline: Deadline,
        guarding: AsyncGuarding | None,
        turn: AsyncTurn | None = None,
    ) -> Applied:
        refused: Plan | None = None
        is_read, segment, erased_through = False, None, 0

        async def attempt(guard: AsyncGuardHandle | None, in_time: Deadline) -> Applied:
            nonlocal refused, is_read, segment, erased_through
            plan = await self._plan(change, settings, guard, in_time, refused)
            if isinstance(plan, Replay):
                return await self.replayed(change.paths, plan, in_time)
            if segment_is_due(plan, settings) and not is_read:
                # Read once, not again with each conflict.
                is_read, segment = True, await self._due_segment(change.paths, plan, settings, in_time)
                erased_through = plan.record.marks.erased_through
            if segment is not None:
                plan = with_segment(plan, change.paths, segment, settings, erased_through)
            # Who was refused once goes alone.
            carries = turn if refused is None and guard is None else None
            refused = plan
            return await async_shield(self._commit, change.paths, plan, guard, in_time, carries)

        async def once() -> Applied:
            if guarding is None:
                return await attempt(None, deadline)
            async with guarding(deadline) as guard:
                return await attempt(guard, guard.deadline)

        try:
            return await (attempt(None, deadline) if guarding is None else once())
        except PreconditionFailedError as error:
            first = error
        return await async_retry_after(
            first,
            once,
            PreconditionFailedError,
            policy=self.access.retry,
            deadline=deadline,
            rng=self.access.rng,
            what=f"{change.kind} of {change.key}",
        )

    async def _plan(
        self,
        change: Change,
        settings: Settings,
        guard: AsyncGuardHandle | None,
        deadline: Deadline,
        refused: Plan | None,
    ) -> Plan | Replay:
        """Decide on the cached head if there is one; refuse on what was freshly read alone."""
        if change.timestamp is not None:
            await self.access.see_passed(change.timestamp, deadline)
        carried = guard.carries if guard is not None else None
        # Kept no more: the change makes another head of it, or it is stale.
        cached = self.heads.take(change.paths.state) if refused is None else None
        is_known = cached is not None or (refused is None and change.is_said_to_be_new and self._may_take_the_word())
        if is_known and self.origin is not None and not change.looks_first:
            try:
                view = View(cached, self.origin, carried, feed=self.feed.shards)
                return self.plan_on(view, change, settings)
            except Exception:  # noqa: BLE001 - a user's guard may raise anything on a stale state
                cached = None  # what it cannot allow, the fresh one may
        is_steady = refused is not None or Capability.STEADY_READS in self.access.backend.capabilities
        view = await self._view(change, carried, deadline, refused, consistent=is_steady)
        try:
            return self.plan_on(view, change, settings)
        except Exception as error:
            if change.idempotency_key is None or is_steady:
                raise
            refusal = error
        # A read that was torn may hold a moved state without the receipt that explains it: before a keyed
        # change is refused, whoever refuses it, state and receipt are read as of one moment.
        try:
            view = await self._view(change, carried, deadline, refused, consistent=True)
        except (DeadlineExceededError, RetriesExhaustedError) as error:
            raise error from error.__cause__ or refusal
        return self.plan_on(view, change, settings)

    async def _view(
        self, change: Change, carried: Guard | None, deadline: Deadline, refused: Plan | None, *, consistent: bool
    ) -> View:
        """Read what the decision needs; after a refused plan, also whether it can ever succeed."""
        paths = change.paths
        wanted = [paths.state, *(carried.paths if carried is not None else ())]
        is_meta_wanted = self.needs_meta() if change.creates else self.origin is None
        if is_meta_wanted:
            wanted.append(META)
        if change.idempotency_key is not None:
            wanted.append(paths.receipt(change.idempotency_key))
        against = () if refused is None else proofs_against(refused, paths)
        read = await self.access.read([*wanted, *against], deadline, consistent=consistent)
        state = read.get(paths.state)
        is_lost = refused is not None and lost_head(refused, state, [read.get(path) for path in against])
        await self.learn_store(read, deadline, is_asked=is_meta_wanted)
        # One that tries but once is to know at once.
        is_new = change.creates and not change.expected_version and self.access.retry.attempts != 1
        head = await async_found_head(self._history, paths, state, deadline, is_lost=is_lost, is_new=is_new)
        receipt = read.get(paths.receipt(change.idempotency_key)) if change.idempotency_key is not None else None
        origin, feed = self.place
        return View(head, origin, carried, receipt, read.read_time, read.documents, feed)

    def _may_take_the_word(self) -> bool:
        """Whether what is said to be new is not looked for; who tries but once is to know what refused it."""
        return self.access.retry.attempts != 1 and not self.needs_meta()

    def needs_meta(self) -> bool:
        """Whether who may create a state is to read ``tai/meta`` with it."""
        return self.origin is None or self.feed.is_unsure(self.access.clock.monotonic())

    @property
    def place(self) -> tuple[str | None, int]:
        """The store's id, and by how many keys it feeds, or will once it is named; see ``feeding``."""
        return self.origin, self.feed.shards or (self.feed.wanted if self.origin is None else 0)

    async def learn_store(self, read: Read, deadline: Deadline, *, is_asked: bool = True) -> None:
        """Take the store's id, and how it feeds, from a read that included ``tai/meta``, if it did."""
        if is_asked:
            self.origin = await async_learn(self.access, self.feed, read.get(META), deadline) or self.origin

    def plan_on(self, view: View, change: Change, settings: Settings) -> Plan | Replay:
        """Decide *change* on *view*, now."""
        access = self.access
        told = access.store_time
        fresh = Fresh(access.clock.now(), *access.new_ids(), told.latest, access.clock.monotonic() - told.heard)
        return decide(change, view, fresh, settings)

    async def _due_segment(
        self, paths: StateLayout, plan: Plan, settings: Settings, deadline: Deadline
    ) -> Segment | None:
        base = plan.base
        assert base is not None
        assert settings.maintenance is not None

        def known(last: int) -> Sequence[Texts]:
            return self._unsealed.upto(paths.state, last, base.update_time)

        return await self._sealing.due_segment(paths, base.record, settings.maintenance, deadline, known)

    async def _commit(
        self,
        paths: StateLayout,
        plan: Plan,
        guard: AsyncGuardHandle | None,
        deadline: Deadline,
        turn: AsyncTurn | None = None,
    ) -> Applied:
        if turn is not None and len(turn.line) > 1:
            carried = async_carry(self.lines, turn, plan, self.plan_on, deadline)
            if carried is not None:
                return await self._commit_all(paths, plan, deadline, carried)
        commit = await self.send(paths, plan, writes_of(plan), deadline)
        if guard is not None and plan.guard is not None:
            guard.committed(plan.guard, commit.update_times)
        return self.applied(paths, [plan], commit)[0]

    async def _commit_all(self, paths: StateLayout, plan: Plan, deadline: Deadline, carried: AsyncCarried) -> Applied:
        """Commit a plan with what it carries, or, where that is refused, alone."""
        try:
            commit = await self.send(paths, plan, carried.writes, deadline)
            first, *others = self.applied(paths, [plan, *carried.plans], commit)
        except (PreconditionFailedError, DocumentTooLargeError):
            carried.give_back()
            return await self._commit(paths, plan, None, deadline)
        except BaseException as error:
            # Of no error but our own it is known that nothing was written.
            if isinstance(error, TaiStateError) and not isinstance(error, OutcomeUnknownError):
                carried.give_back()
            else:
                carried.leave_unsettled()
            raise
        carried.answer(others)
        return first

    async def _answered(self, answer: object, change: Change, settings: Settings, deadline: Deadline) -> Applied:
        """Return what became of a change that another caller's commit carried."""
        if isinstance(answer, Applied):
            return answer
        assert isinstance(answer, Unsettled)
        try:
            commit = await async_shield(self.send, change.paths, answer.plan, answer.writes, deadline, ambiguous=True)
        except PreconditionFailedError:
            return await self._write(change, settings, deadline, None)
        complete(answer.plan.event, "committed_at", commit.commit_time)
        if self.listeners:
            self.tell(answer.plan.event)
        return Applied(answer.plan.event, answer.plan.record)

    async def send(
        self, paths: StateLayout, plan: Plan, writes: Sequence[Write], deadline: Deadline, *, ambiguous: bool = False
    ) -> CommitResult:
        """Commit *writes*, a *plan* among them, whose event tells what became of them."""

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            return await async_settle_plan(self.access, self._history, paths, plan, deadline, refused=refused)

        def unknown() -> OutcomeUnknownError:
            return plan.event.unknown()

        settlement = AsyncSettlement(read, unknown)
        return await async_commit_once(self.access, writes, deadline, settlement, ambiguous=ambiguous)

    def applied(self, paths: StateLayout, plans: Sequence[Plan], commit: CommitResult) -> list[Applied]:
        """Remember what one commit made of a state, and return it, change by change."""
        if self.origin is None:
            self.name(plans[0].event.origin)
        found = plans[0].base.update_time if plans[0].base is not None else None
        left = commit.update_times.get(paths.state)
        applied: list[Applied] = []
        for plan in plans:
            event = plan.event
            complete(event, "committed_at", commit.commit_time)
            if left is not None:
                # Kept until it is sealed.
                texts, first = texts_of(event, plan.covered, plan.values), plan.record.marks.first_unsealed
                size = _EVENT_BYTES + len(plan.covered) + len(event.to_state.json) + len(event.payload.json)
                self._unsealed.add(paths.state, event.version, texts, size, first=first, found=found, left=left)
                found = left
            if log.isEnabledFor(logging.DEBUG):
                tell_change(event)
            if self.listeners:
                self.tell(event)
            applied.append(Applied(event, plan.record))
        if left is not None:
            self.remember(paths.state, Head(plans[-1].record, left))
        return applied

    def name(self, origin: str) -> None:
        """Take the store's id that a commit of ours gave it, and that it feeds from then on, if it is to."""
        self.origin, self.feed.shards = origin, self.feed.wanted

    def tell(self, event: EventRecord) -> None:
        """Tell those who listen of a change that is durable; none of them is in its way."""
        for listener in tuple(self.listeners):
            try:
                listener.tell(event)
            except Exception as error:  # noqa: BLE001 - where no thread can be started any more, say
                log.error("a listener could not be told of a change: %s", type(error).__name__)  # noqa: TRY400 - its name alone

    def remember(self, path: DocumentPath, head: Head) -> None:
        """Keep the head that a commit made: of its data the JSON, which is what the cache counts."""
        record = head.record
        for payload in (record.data, record.metadata.context):
            if payload.compressed is not None:
                payload.forget_forms()
        self.heads.put(path, head, version=record.version, data_bytes=len(record.data.json))

    async def replayed(self, paths: StateLayout, replay: Replay, deadline: Deadline) -> Applied:
        """Return the change that a receipt names."""
        event = await self._history.event(paths, replay.version, deadline)
        if event is None or event.transition_id != replay.transition_id:
            reason = "the event that a receipt names is not there"
            raise CorruptLogError(paths.governor_id, paths.state_id, replay.version, reason)
        return Applied(event, event.state(), replayed=True)
