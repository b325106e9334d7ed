"""The checks, in their order, and the one function that makes them."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from tai_state._async.api.store import AsyncStateStore
from tai_state._async.doctor.clocks import async_clocks
from tai_state._async.doctor.engine import async_engine
from tai_state._async.doctor.expired import async_expired
from tai_state._async.doctor.leases import async_leases
from tai_state._async.doctor.machines import async_machines
from tai_state._async.doctor.reachable import async_reachable
from tai_state._async.doctor.states import async_states
from tai_state._async.doctor.visit import AsyncCheck, AsyncVisit
from tai_state.clock import TimeLimit
from tai_state.machine import Machine
from tai_state.models import Checkup

CHECKS: tuple[AsyncCheck, ...] = (
    async_reachable,
    async_clocks,
    async_states,
    async_machines,
    async_leases,
    async_expired,
    async_engine,
)
"""Every check; what only one subject knows it adds here."""


async def async_examine(
    store: AsyncStateStore, *, machines: Iterable[Machine[Any]] = (), timeout: TimeLimit = None
) -> AsyncIterator[Checkup]:
    """Look at what a store stands on, and give a line for each thing that was looked at; nothing is written.

    Whether it answers, how far this host's clock is from its own, what formats and schemas are in it, snapshots and
    segments, machines with two definitions under one version, leases past their time or of processes that are gone,
    receipts, transactions and waits that nothing removes, and what the engine tells of itself: on SQLite whether the
    file was copied without its log, and its indexes; on Firestore indexes, TTL policies and security rules. Each line
    that is not "ok" names the command that mends it. ``verify`` checks what is stored; this reads a bounded part of it.

    Args:
        machines: Those of its services, at most one of each name: they are held against every state. Without any the
            states of the sample are held against each other.
        timeout: Bounds each page that is read.

    Raises:
        ConfigurationError: Two different *machines* have one name.
        StoreUnavailableError, DeadlineExceededError: The store does not answer.
    """
    async for line in store.runtime.inflight.reading(_async_lines(AsyncVisit(store, machines, timeout)), "examine"):
        yield line


async def _async_lines(visit: AsyncVisit) -> AsyncIterator[Checkup]:
    for check in CHECKS:
        async for line in check(visit):
            yield line
