"""A saga in a runner's hand: its lease, which heartbeats renew, and the moves that are made under its claim."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tai_state._async.due.leasing import async_renew_lease
from tai_state.errors import DeadlineExceededError, LockLostError, TaiStateError
from tai_state.rules.commits.kinds import Call
from tai_state.rules.sagas.changes import fenced, loss_of, saga_change

if TYPE_CHECKING:
    from datetime import datetime

    from tai_state._async.due.states import AsyncDueStates
    from tai_state._platform.hearts import AsyncHeart, AsyncHearts
    from tai_state.authors import Author
    from tai_state.config import LeaseTiming
    from tai_state.layout import OwnGovernor, StateLayout
    from tai_state.rules.commits.scheduled import Check
    from tai_state.rules.records.record import StateRecord
    from tai_state.rules.sagas.changes import Move
    from tai_state.rules.sagas.definition import Saga

log = logging.getLogger("tai_state")

_STOP_SECONDS = 5.0
"""How long the end of a heartbeat under way is waited for."""


class UnfitError(Exception):
    """The state is no saga any more of which anything could come next: somebody has written over it."""


class Seen(NamedTuple):
    """A saga that was found due.

    Attributes:
        governor: The one in which it is stored.
        saga: The definition by which it goes on.
    """

    paths: StateLayout
    governor: OwnGovernor
    record: StateRecord
    update_time: datetime
    saga: Saga


class AsyncHeldSaga:
    """One saga, from when it is taken until it is let go.

    Attributes:
        governor_id: The user's.
        claim: Its id: the fence of every move.
        lease: How long it lasts without a heartbeat.
    """

    def __init__(self, states: AsyncDueStates, seen: Seen, author: Author, timing: LeaseTiming) -> None:
        """Hold nothing yet of what was *seen*."""
        self.governor_id = seen.governor.name
        self.saga = seen.saga
        self.claim = states.runtime.access.new_id()
        self.lease = timedelta(seconds=timing.ttl)
        self._states = states
        self._paths = seen.paths
        self._author = author
        self._timing = timing
        self._clock = states.runtime.access.clock
        self._resource = f"sagas/{self.governor_id}/{seen.paths.state_id}"
        self._trusted_until = 0.0
        self._loss: str | None = None
        self._heart: AsyncHeart | None = None

    async def move(self, move: Move, check: Check | None = None) -> StateRecord:
        """Make a move, which renews the lease, and return the saga as it left it.

        Args:
            check: What lets it; None: that the claim is the one in force.

        Raises:
            LockLostError: It is not: the saga was lost.
        """
        call = Call(self._paths, self._author)
        change = saga_change(call, self.saga.machine, move, check or fenced(self._resource, self.claim))
        asked = self._clock.monotonic()
        record = await self._states.write(change, None, is_new=False)
        self._trusted_until = asked + self._timing.trusted_seconds
        return record

    @property
    def is_lost(self) -> bool:
        """Whether it cannot be trusted any more that nobody else has the saga."""
        return self._loss is not None or self._clock.monotonic() >= self._trusted_until

    def check(self, *, is_over: bool) -> None:
        """Do nothing while the saga is held.

        Raises:
            LockLostError: It is not, or *is_over* says that the attempt's time is.
        """
        if is_over or self.is_lost:
            raise LockLostError(self._resource, self._loss or "expired")

    # The heart

    def keep(self, hearts: AsyncHearts) -> None:
        """Renew the lease from now on."""
        if self._heart is None:
            self._heart = hearts.start(self._beat, self._timing.heartbeat_period)

    async def let_go(self) -> None:
        """Renew it no more; what is taken again is taken by a claim of its own."""
        heart, self._heart = self._heart, None
        if heart is not None:
            await heart.stop(_STOP_SECONDS)
        self.claim = self._states.runtime.access.new_id()
        self._loss = None

    async def _beat(self) -> float | None:
        runtime, asked, claim = self._states.runtime, self._clock.monotonic(), self.claim
        if self._loss is not None:
            return None
        deadline = runtime.access.begin(self._timing.renew_deadline)
        try:
            await async_renew_lease(
                runtime, self._paths, self.lease, deadline, partial(loss_of, claim=claim), resource=self._resource
            )
        except LockLostError as error:
            # Let go meanwhile, and taken again: what it says is of a claim that is over.
            if claim == self.claim:
                self._loss = error.reason
            return None
        except (DeadlineExceededError, TaiStateError) as error:
            log.warning("the lease of %s was not renewed: %s", self._resource, error)
            return self._timing.retry_period
        self._trusted_until = asked + self._timing.trusted_seconds
        return self._timing.heartbeat_period
