# Generated from tai_state/_async/locking/waiting.py by .ci/generate_sync.py; do not edit.
"""Waiting for locks: in the order of arrival, woken by the store, and given up where it is hopeless."""
import logging
from collections.abc import Iterator, Callable

from tai_state._sync.access.access import Access
from tai_state._sync.access.turns import Place
from tai_state._sync.locking.acquire import Acquisition
from tai_state._sync.locking.deadlocks import WaitEdges
from tai_state._sync.locking.registry import LockRegistry
from tai_state._platform.interrupts import shield
from tai_state._platform.iterators import ending, interruptibly
from tai_state._platform.tasks import sleep
from tai_state.clock import Deadline
from tai_state.documents import Capability

log = logging.getLogger("tai_state")

LOOK_SECONDS_MAX = 1.0
"""How long a waiter trusts that the store wakes it."""

POLL_SECONDS_MAX = 0.25
"""How often a waiter looks whom nobody wakes, or who must see for himself whether he waits in a cycle."""

_SLICE_SECONDS_MIN = 0.001


class Waiting:
    """One caller who waits.

    In one process the callers stand in line, and the first of them alone asks the store. Between processes a caller
    who was passed over reserves to be the next.
    """

    def __init__(
        self,
        access: Access,
        locks: LockRegistry,
        acquisition: Acquisition,
        *,
        deadline: Deadline,
        may_go_on: Callable[[], None],
    ) -> None:
        """Wait for nothing yet; *may_go_on* raises once there is no more waiting."""
        self._may_go_on = may_go_on
        self._access = access
        self._locks = locks
        self._acquisition = acquisition
        self._deadline = deadline
        self._edges = WaitEdges(access, owner=acquisition.owner, nonce=acquisition.nonce)
        self._is_watching = Capability.WATCH in access.backend.capabilities

    def wait(self) -> None:
        """Wait until the acquisition has got the locks.

        Raises:
            LockTimeoutError: The time was over.
            DeadlockError: Waiting would close a cycle, or the owner holds one of the locks himself.
            StoreClosedError: The store or the manager is drained.
        """
        try:
            with self._locks.lines.join(self._acquisition.resources) as place:
                self._wait(place)
        finally:
            shield(self._end)

    def _wait(self, place: Place) -> None:
        with ending(self._moments(place)) as moments:
            for _ in moments:
                self._may_go_on()
                time = self._acquisition.patience(self._deadline)
                if not place.is_first:
                    self._acquisition.peek(time)
                elif self._acquisition.attempt(time):
                    return
                if self._deadline.passed:
                    raise self._acquisition.give_up()
                if self._holds_others:
                    self._look_for_cycle(time)
                if place.is_first:
                    self._acquisition.reserve(time)

    @property
    def _holds_others(self) -> bool:
        return self._locks.held_by(self._acquisition.owner)

    def _look_for_cycle(self, time: Deadline) -> None:
        holders = [held.lease for held in self._acquisition.blocked if held.next_owner is None]
        self._edges.check(holders, time)

    def _moments(self, place: Place) -> Iterator[None]:
        """Yield when it is time to look: at once, after a change, when a lease ends, and now and then."""
        yield
        while True:
            if not place.is_first:
                seconds = max(_SLICE_SECONDS_MIN, min(self._seconds_max(), self._deadline.remaining()))
                is_first = place.wait(seconds)
                if not is_first:
                    self._deadline.waited(seconds)
                if is_first or self._holds_others or self._deadline.passed:
                    yield
                else:
                    self._may_go_on()
            elif self._is_watching and self._acquisition.blocked:
                first, *_ = self._acquisition.blocked
                seconds = self._seconds()
                watch = self._access.backend.watch(first.lease.path, timeout=seconds)
                try:
                    # It begins with a wake-up: what changed since the last look is seen then.
                    with ending(watch) as changes:
                        for _ in interruptibly(changes):
                            yield
                    self._deadline.waited(seconds)
                except Exception as error:  # noqa: BLE001 - whatever ails a wake-up, looking goes on without it
                    log.info("lock %r is looked at instead of watched: %s", self._acquisition.resources[0], error)
                    self._is_watching = False
            else:
                seconds = self._seconds()
                sleep(seconds)
                self._deadline.waited(seconds)
                yield

    def _seconds(self) -> float:
        """Return how long to wait for the next look, a change apart."""
        # Behind the end of the lease, at which the store changes nothing; counted from the look that told of it,
        # since a watch begins long after that.
        held_seconds = min((held.seconds for held in self._acquisition.blocked), default=POLL_SECONDS_MAX)
        ends = self._acquisition.looked_at + held_seconds - self._access.clock.monotonic() + _SLICE_SECONDS_MIN
        return max(_SLICE_SECONDS_MIN, min(ends, self._seconds_max(), self._deadline.remaining()))

    def _seconds_max(self) -> float:
        if not self._is_watching or self._holds_others or len(self._acquisition.resources) > 1:
            return self._access.rng.uniform(0.2, 1.0) * POLL_SECONDS_MAX
        return POLL_SECONDS_MAX if self._acquisition.reservations.are_made else LOOK_SECONDS_MAX

    def _end(self) -> None:
        self._edges.end()
        self._acquisition.leave()
