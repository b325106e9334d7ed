"""A process that makes keyed moves of one state, and says what it was told; others may kill it in their midst."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tai_state import RetryPolicy, StateMachinePersister, TaiStateError, connect
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tests._sync.machines import COUNTER
from tests.chaos.worker import Doom, Notes

BARRIER_SECONDS = 30.0
RETRY = RetryPolicy(deadline=20.0)


@dataclass(frozen=True, slots=True)
class Order:
    """What a caller is told: the *moves*, each an idempotency key and what to add, and how it may die."""

    url: str
    folder: Path
    moves: Sequence[tuple[str, int]]
    host: str | None = None
    dooms: Mapping[str, float] = field(default_factory=dict)


def call(told: Order, barrier: Any, replies: Any) -> None:
    """Make the moves, and send each reply to *replies*; those who share a *barrier* begin each move together."""
    if told.host is not None:
        os.environ[HOST_VARIABLE] = told.host
    with connect(told.url, actor="caller", retry=RETRY) as store:
        Doom(told.dooms, Notes(told.folder / f"{os.getpid()}.notes")).come_over(store.runtime.access.backend)
        persister = StateMachinePersister(store, COUNTER)
        for key, amount in told.moves:
            if barrier is not None:
                barrier.wait(BARRIER_SECONDS)
            try:
                result = persister.transition("g", "s", "add", amount, idempotency_key=key)
            except TaiStateError as error:
                replies.send(error.code)
            else:
                replies.send((result.version, result.event.transition_id, result.replayed))
