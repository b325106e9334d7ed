"""Catching up on all that a store ever saw, in memory that does not grow with it."""

import os
import sys
from functools import partial
from pathlib import Path

import pytest

from tai_state import Machine, SqliteStore, StateMachinePersister, TransactionManager, Transition, TransitionRequest
from tests.integration.memory import taken_by

LONG, EACH, FEW = 30, 2_000, 40_000
"""A hundred thousand events."""

MIB = 1_024
COUNTER = Machine("counter", "on", [Transition("add", "on", "on")])
CATCH_UP = """
import sys
from tai_state import SqliteStore
from tai_state.feeds import Subscription
told = 0
def count(event):
    global told
    told += 1
with SqliteStore(sys.argv[1], actor="subscriber") as store:
    mail = Subscription(store, "mail", count, governor_id="g", delivery="at_most_once")
    while mail.run_once():
        pass
    assert mail.lag().states == 0
assert told == int(sys.argv[2]), told
"""


def saved(some, tx):
    """Save some states in one commit."""
    tx.save_states("g", some)


def written(path, states, each, few):
    """Make a store of *states* that moved *each* times, and of a *few* that were saved once; return how many events."""
    with SqliteStore(path, actor="writer", synchronous="NORMAL") as store:
        counter = StateMachinePersister(store, COUNTER)
        names = [f"long-{number}" for number in range(states)]
        for name in names:
            counter.start("g", name)
        for _ in range(each - 1):
            counter.transition_many([TransitionRequest("g", name, "add") for name in names])
        manager = TransactionManager(store)
        for first in range(0, few, 200):
            some: dict[str, object] = {f"s-{first + number}": {} for number in range(200)}
            manager.run(partial(saved, some))
    return states * each + few


@pytest.mark.more
@pytest.mark.timeout(900)
def test_catching_up_takes_bounded_memory(tmp_path):
    """A hundred thousand events, long histories and many states, take hardly more than a few hundred."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}

    def taken(name, *sizes):
        path = tmp_path / f"{name}.db"
        program = (sys.executable, "-c", CATCH_UP, str(path), str(written(path, *sizes)))
        return taken_by(*program, folder=tmp_path, environment=environment)

    small, large = taken("small", 2, 100, 200), taken("large", LONG, EACH, FEW)
    assert large < small + 24 * MIB, (small, large)
