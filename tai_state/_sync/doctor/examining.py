# Generated from tai_state/_async/doctor/examining.py by .ci/generate_sync.py; do not edit.
"""The checks, in their order, and the one function that makes them."""
from collections.abc import Iterator, Iterable
from typing import Any

from tai_state._sync.api.store import StateStore
from tai_state._sync.doctor.clocks import clocks
from tai_state._sync.doctor.engine import engine
from tai_state._sync.doctor.expired import expired
from tai_state._sync.doctor.leases import leases
from tai_state._sync.doctor.machines import machines
from tai_state._sync.doctor.reachable import reachable
from tai_state._sync.doctor.states import states
from tai_state._sync.doctor.visit import Check, Visit
from tai_state.clock import TimeLimit
from tai_state.machine import Machine
from tai_state.models import Checkup

CHECKS: tuple[Check, ...] = (
    reachable,
    clocks,
    states,
    machines,
    leases,
    expired,
    engine,
)
"""Every check; what only one subject knows it adds here."""


def examine(
    store: StateStore, *, machines: Iterable[Machine[Any]] = (), timeout: TimeLimit = None
) -> Iterator[Checkup]:
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
    for line in store.runtime.inflight.reading(_lines(Visit(store, machines, timeout)), "examine"):
        yield line


def _lines(visit: Visit) -> Iterator[Checkup]:
    for check in CHECKS:
        for line in check(visit):
            yield line
