"""Finding the sagas that are due, and working at several of them at once."""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from tai_state._async.sagas.driving import AsyncSagaDrive
from tai_state._async.sagas.hands import AsyncHands
from tai_state._async.sagas.held import AsyncHeldSaga, Seen, UnfitError
from tai_state._platform.hearts import AsyncHearts
from tai_state._platform.iterators import async_ending
from tai_state._platform.waits import AsyncSignal
from tai_state.authors import author_of_due
from tai_state.config import DRAIN_SECONDS
from tai_state.errors import (
    DeadlineExceededError,
    LockLostError,
    ReplayError,
    RetriesExhaustedError,
    StateNotFoundError,
    StoreClosedError,
    StoreError,
    TaiStateError,
)
from tai_state.layout import OwnGovernor, state_layout, state_of
from tai_state.rules.commits.change import Head
from tai_state.rules.commits.scheduled import NothingDueError
from tai_state.rules.due.looking import has_come, has_lease_ended
from tai_state.rules.records.documents import read_state

if TYPE_CHECKING:
    from datetime import datetime

    from tai_state._async.access.inflight import AsyncInFlight
    from tai_state._async.due.finder import AsyncDueFinder
    from tai_state._async.due.states import AsyncDueStates
    from tai_state.authors import Author
    from tai_state.config import LeaseTiming
    from tai_state.documents import Document, DocumentPath
    from tai_state.rules.sagas.known import Known

log = logging.getLogger("tai_state")

_WAIT_SECONDS = 60.0

_QUICKER = (NothingDueError, LockLostError, StateNotFoundError)
"""What refuses a move of a saga that somebody else has moved meanwhile."""

_UNFIT = (TaiStateError, UnfitError, AttributeError, KeyError, TypeError, ValueError)
"""What no step can be done with here and now: ``recover`` mends it, or the end of its lease tells. Or it is too large
for any event, or its data is no saga's any more, on which the machine's functions fail; a step's own errors are its.
"""

_TROUBLE = (StoreError, DeadlineExceededError, RetriesExhaustedError)
"""That the store does not answer."""


class AsyncSagaWork:
    """What one call of a runner's ``run``, or ``run_due``, does with what is due.

    What it found, and has in hand, is its own: another call of the same runner, at once or later, or in a fork's child,
    begins with nothing, and ends by itself.
    """

    def __init__(
        self,
        states: AsyncDueStates,
        known: Known,
        inflight: AsyncInFlight,
        finder: AsyncDueFinder,
        *,
        timing: LeaseTiming,
        concurrency: int,
    ) -> None:
        """Work at nothing yet; *finder* is the runner's: where it looks, and when."""
        self._finder = finder
        self._runtime = states.runtime
        self._states = states
        self._known = known
        self._inflight = inflight
        self._timing = timing
        self._concurrency = concurrency
        self._hearts = AsyncHearts("tai-saga")
        self._found: deque[Seen] = deque()
        self._in_hand: set[DocumentPath] = set()
        # Whether the last look was left behind a whole page of what is due.
        self._may_be_more = False
        self._is_over = False

    async def run_due(self) -> int:
        """Work at what is due until nothing is, and return how many sagas were brought forward."""
        author, signal = author_of_due(self._states.store.actor), AsyncSignal()
        hands = AsyncHands(self._concurrency, signal.set)
        with self._inflight.one("sagas_due"):
            try:
                while not self._stops() and not hands.failures:
                    if hands.has_room and (seen := self._take()) is not None:
                        hands.begin(partial(self._work_at, seen, author))
                    elif hands.has_room and self._may_be_more and await self._look():
                        continue
                    elif hands.is_busy:
                        # Here, and not in a step, an interrupt reaches the caller.
                        await signal.wait(_WAIT_SECONDS)
                    elif not await self._look():
                        break
            finally:
                await self._end(hands)
        if hands.failures:
            raise hands.failures[0]
        return hands.done

    async def run(self) -> None:
        """Work at what comes due until the runner is drained."""
        author = author_of_due(self._states.store.actor)
        hands = AsyncHands(self._concurrency, self._finder.wake)
        try:
            while not self._stops() and not hands.failures:
                # Asked once: a hand that becomes free behind it is news.
                has_room = hands.has_room
                if has_room and (seen := await self._next()) is not None:
                    hands.begin(partial(self._work_patiently_at, seen, author))
                else:
                    await self._finder.rest(partial(self._has_news, hands, was_full=not has_room))
        finally:
            await self._end(hands)
        if hands.failures:
            raise hands.failures[0]

    # Inside

    async def _end(self, hands: AsyncHands) -> None:
        """Begin no more steps, and wait for those under way."""
        self._is_over = True
        await hands.join(DRAIN_SECONDS)

    def _has_news(self, hands: AsyncHands, *, was_full: bool) -> bool:
        """Whether a runner that rests has something to do, which is no look that is due."""
        return self._stops() or bool(hands.failures) or (was_full and hands.has_room)

    async def _next(self) -> Seen | None:
        """Return the next saga that is due; None: there is none now."""
        try:
            if self._found or await self._look():
                return self._take()
        except StoreClosedError:
            return None
        except _TROUBLE as error:
            log.warning("the saga runner looks again in %g seconds: %s", self._finder.poll, error)
            self._finder.lookout.begin()
        return None

    async def _work_patiently_at(self, seen: Seen, author: Author) -> bool:
        try:
            return await self._work_at(seen, author)
        except StoreClosedError:
            return False
        except _TROUBLE as error:
            log.warning("a saga is left until its lease ends: %s", error)
            return False

    def _take(self) -> Seen | None:
        try:
            return self._found.popleft()
        except IndexError:  # another thread was quicker
            return None

    def _stops(self) -> bool:
        """Whether no further step is to be begun."""
        return self._is_over or self._is_shut()

    def _is_shut(self) -> bool:
        try:
            self._inflight.check()
        except StoreClosedError:
            return True
        return False

    async def _look(self) -> bool:
        """Find what is due, a page of it, and return whether anything is."""
        self._may_be_more = False
        with self._inflight.one("sagas_due"):
            async with async_ending(self._finder.look()) as pages:
                async for page in pages:
                    paths = [path for path in page if path not in self._in_hand]
                    if not paths:
                        continue
                    access = self._runtime.access
                    read = await access.read(paths, access.begin(None), consistent=False)
                    documents = [document for path in paths if (document := read.get(path)) is not None]
                    found = [seen for one in documents if (seen := self._seen(one, read.read_time)) is not None]
                    # Not in the order of their times: several runners that found the same meet at few.
                    access.rng.shuffle(found)
                    self._in_hand.update(seen.paths.state for seen in found)
                    self._found.extend(found)
                    if found:
                        self._may_be_more = len(page) == self._finder.batch
                        break
        return bool(self._found)

    def _seen(self, document: Document, read_time: datetime) -> Seen | None:
        """Return the saga in a document; None where it cannot be gone on with here and now."""
        path, monotonic = document.path, self._runtime.access.clock.monotonic()
        governor_id, state_id = state_of(str(path))
        try:
            paths = state_layout(governor_id, state_id)
            record = read_state(document, paths.governor_id, paths.state_id)
        except ReplayError as error:
            log.warning("the saga %s is stepped past: %s", path, error)
            self._finder.lookout.step_past(path, monotonic)
            return None
        due, at = record.due, record.due_at
        if due is None or at is None:
            return None
        saga = self._known.of(record)
        if saga is None or not isinstance(governor_id, OwnGovernor):
            stored = "" if record.machine is None else record.machine.fingerprint
            extra = {
                "event": "saga_redefined",
                "governor_id": governor_id,
                "state_id": state_id,
                "stored_fingerprint": stored,
            }
            log.warning(
                "the saga %s was begun under another definition of %s (%.12s), and is left alone: give it to "
                "Saga(versions=)",
                *(path, due.machine, stored),
                extra=extra,
            )
            self._finder.lookout.step_past(path, monotonic)
            return None
        is_leased = record.data.value().get("claim") is not None and due.after is not None
        is_ripe = (has_lease_ended if is_leased else has_come)(record, document.update_time, read_time)
        if not is_ripe:
            self._finder.lookout.expect(max(at, document.update_time + due.after) if due.after is not None else at)
            return None
        return Seen(paths, governor_id, record, document.update_time, saga)

    async def _work_at(self, seen: Seen, author: Author) -> bool:
        """Bring a saga forward, and return whether it was ours to do.

        Raises:
            StoreError, DeadlineExceededError, RetriesExhaustedError: The store does not answer.
        """
        path, runtime = seen.paths.state, self._runtime
        # What was found is what the commit rests on: nothing is read again unless it is refused.
        runtime.writer.remember(path, Head(seen.record, seen.update_time))
        author = author._replace(reason=author.reason or f"due at {seen.record.due_at}")
        held = AsyncHeldSaga(self._states, seen, author, self._timing)
        try:
            with self._inflight.one("sagas_due", seen.governor, seen.paths.state_id):
                await AsyncSagaDrive(runtime, held, self._hearts, self._stops).run(seen.record)
        except _QUICKER as error:
            log.info("the saga %s is another worker's: %s", path, type(error).__name__)
            return False
        except _TROUBLE:
            raise
        except _UNFIT as error:
            # Its type alone: what the error says may be of the saga's data.
            log.warning("the saga %s is stepped past: %s", path, type(error).__name__)
            self._finder.lookout.step_past(path, runtime.access.clock.monotonic())
            return False
        finally:
            self._in_hand.discard(path)
        self._finder.lookout.done(path)
        return True
