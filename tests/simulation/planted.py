"""Bugs that the simulation must find: each is the real code with one of its precautions left out."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from tai_state._async.commits import writer as changes
from tai_state._async.commits.protocol import async_commit_once as real_commit_once
from tai_state._async.commits.writer import AsyncChangeWriter
from tai_state._async.locking import acquire, reserving
from tai_state._async.transactions import run as runs
from tai_state._async.transactions.attempt import AsyncAttempt
from tai_state.documents import Put
from tai_state.errors import CommitAmbiguousError, PreconditionFailedError
from tai_state.heads import HeadCache
from tai_state.rules.commits import decide as rules_changes
from tai_state.rules.commits.change import Plan, View
from tai_state.rules.commits.decide import decide as real_decide
from tai_state.rules.locking.fence import Fence
from tai_state.rules.locking.leases import Lease
from tai_state.rules.locking.reservations import Reservation, Waiter
from tai_state.rules.transactions import draft as drafts
from tai_state.testing import Faults, SimulationPlan
from tai_state.testing.simulation import Work


def rebased_retry(monkeypatch):
    """After an ambiguous commit the change is decided anew on what stands there, instead of resent as it was."""

    async def async_commit_once(engine, writes, deadline, settlement):
        try:
            return await engine.backend.commit(writes, timeout=engine.retry.attempt_seconds(deadline))
        except CommitAmbiguousError as error:
            raise PreconditionFailedError from error

    monkeypatch.setattr(changes, "async_commit_once", async_commit_once)


def unguarded_write(monkeypatch):
    """State and event are written whatever stands there: the last writer wins."""

    def decide(change, view, fresh, settings):
        plan = real_decide(change, view, fresh, settings)
        if not isinstance(plan, Plan):
            return plan
        others = tuple(unguarded(write) for write in plan.others)
        return replace(plan, state_put=lambda: unguarded(plan.state_put()), others=others)

    def unguarded(write):
        is_history = write.path.collection.endswith(("/states", "/events"))
        return replace(write, precondition=None) if is_history and isinstance(write, Put) else write

    monkeypatch.setattr(changes, "decide", decide)
    monkeypatch.setattr(drafts, "decide", decide)


def lock_left_out(monkeypatch):
    """A guarded commit does not carry the lease, so the store cannot refuse a holder who was replaced."""
    monkeypatch.setattr(Fence, "writes", lambda self: [])


def event_outside_the_commit(monkeypatch):
    """The event follows the state in a commit of its own."""

    async def async_commit_once(engine, writes, deadline, settlement):
        events = [write for write in writes if write.path.collection.endswith("/events")]
        result = await real_commit_once(
            engine, [write for write in writes if write not in events], deadline, settlement
        )
        await engine.backend.commit(events, timeout=engine.retry.attempt_seconds(deadline))
        return result

    monkeypatch.setattr(changes, "async_commit_once", async_commit_once)


def cached_head_trusted(monkeypatch):
    """After a conflict the change is decided on the cached head again, which nobody forgets."""

    async def _plan(self, change, settings, guard, *rest):
        cached = self.heads.get(change.paths.state)
        if cached is not None and self.origin is not None:
            carried = guard.carries if guard is not None else None
            return self.plan_on(View(cached, self.origin, carried), change, settings, rest[0])
        return await real(self, change, settings, guard, *rest)

    real = AsyncChangeWriter._plan
    monkeypatch.setattr(AsyncChangeWriter, "_plan", _plan)
    monkeypatch.setattr(HeadCache, "drop", lambda self, path: None)


def abandoned_commit(monkeypatch):
    """A cancelled caller leaves at once, and its commit goes on without it."""

    async def async_shield(call, *args, **kwargs):
        return await asyncio.shield(asyncio.ensure_future(call(*args, **kwargs)))

    monkeypatch.setattr(changes, "async_shield", async_shield)
    monkeypatch.setattr(runs, "async_shield", async_shield)


def unshielded_commit(monkeypatch):
    """A cancelled caller ends its commit in the middle; what was sent arrives all the same."""

    async def async_shield(call, *args, **kwargs):
        return await call(*args, **kwargs)

    monkeypatch.setattr(changes, "async_shield", async_shield)
    monkeypatch.setattr(runs, "async_shield", async_shield)


def torn_transaction(monkeypatch):
    """A transaction that reads in several goes does not see that what it read first has changed."""
    monkeypatch.setattr(AsyncAttempt, "_compare", lambda self, read: None)


def receipt_forgotten(monkeypatch):
    """A change under a key is made without looking for its receipt."""
    monkeypatch.setattr(rules_changes, "_receipt", lambda change, view: None)


def lease_ignored(monkeypatch):
    """A lock is granted while another holds it."""
    monkeypatch.setattr(Lease, "is_held", lambda self, read_time: False)


def expiry_by_the_callers_clock(monkeypatch):
    """A receipt is over when the clock of whoever asks says so, not the store's."""

    def decide(change, view, fresh, settings):
        receipt = view.receipt
        if receipt is not None and fresh.now > receipt.fields["tai_expires_at"]:
            view = replace(view, read_time=receipt.update_time + timedelta(days=1))
        return real_decide(change, view, fresh, settings)

    monkeypatch.setattr(changes, "decide", decide)
    monkeypatch.setattr(drafts, "decide", decide)


def damage_believed(monkeypatch):
    """What stands where a reservation belongs is taken for one, whoever wrote it."""

    def read_reservation(document):
        if document is None:
            return None
        fields = document.fields
        return Reservation(Waiter(fields["owner"], fields["nonce"], fields["since"]), document.update_time)

    for module in (acquire, reserving):
        monkeypatch.setattr(module, "read_reservation", read_reservation)


PLANTED = {
    rebased_retry: 0,
    unguarded_write: 0,
    event_outside_the_commit: 0,
    cached_head_trusted: 0,
    abandoned_commit: 0,
    receipt_forgotten: 0,
    lease_ignored: 0,
}
"""What the seeds' own plans find, and the seed from which on it is looked for."""

OFTEN = Faults(reply_lost=0.1, late=0.2, delay=0.5, delay_seconds_max=3.0)

PLANTED_DEEPER = {
    lock_left_out: SimulationPlan(work={Work.GUARD: 1}, faults=OFTEN, heartbeat=0.0, cancelled=0.0, think=0.0),
    unshielded_commit: SimulationPlan(work={Work.LOG: 1}, faults=OFTEN, cancelled=0.8, keyed=0.0, states=1),
    torn_transaction: SimulationPlan(work={Work.TRANSFER: 3, Work.AUDIT: 1}, faults=Faults(delay=0.5), cancelled=0.0),
}
"""What takes a run of little else."""

PLANTED_DISTURBED = {
    lock_left_out: SimulationPlan(
        work={Work.GUARD: 1},
        faults=Faults(delay=0.5, delay_seconds_max=0.1),
        heartbeat=0.0,
        cancelled=0.0,
        hurried=0.0,
        lock_ttl=5.0,
        store_jumps=30,
        jump_seconds_max=10.0,
    ),
    expiry_by_the_callers_clock: SimulationPlan(
        work={Work.MOVE: 2, Work.REPEAT: 2}, cancelled=0.0, keyed=1.0, requests=20, wall_jumps=10, jump_seconds_max=90.0
    ),
    damage_believed: SimulationPlan(work={Work.GUARD: 1}, cancelled=0.0, requests=4, strangers=40),
}
"""What takes clocks that jump and strangers' documents: a run without them does not find it."""
