"""A start that is repeated under its key: its caller sees the state as the first one did."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tai_state._async.commits.writer import Applied
from tai_state._async.transactions.reactions import _async_with_reaction
from tai_state.clock import Deadline
from tai_state.testing.clock import ManualClock
from tests.unit.commits.made import at, lived

STARTED, MOVED = lived(2)
START = replace(STARTED.event, depends_on=("t",), committed_at=at(1))


def told(after: Any, **changes: Any) -> Any:
    """Return a runtime that has this event next."""
    next_one = None if after is None else replace(MOVED.event, **{"committed_at": at(1), "kind": "reaction", **changes})
    asked: list[int] = []

    async def event(paths, version, deadline):
        asked.append(version)
        return next_one

    return SimpleNamespace(history=SimpleNamespace(event=event), asked=asked)


async def async_seen(runtime: Any, *, kind: str = "start", depends_on: tuple[str, ...] = ("t",)) -> Any:
    """Return the record that a repeated call sees."""
    change: Any = SimpleNamespace(kind=kind, paths=None)
    applied = Applied(replace(START, depends_on=depends_on), STARTED.record, replayed=True)
    made = await _async_with_reaction(runtime, change, applied, Deadline(ManualClock(), 5.0))
    return made.record


async def test_a_reaction_in_the_same_commit_is_seen():
    """The state came to life with it."""
    runtime = told(MOVED)
    assert (await async_seen(runtime)).version == 2
    assert runtime.asked == [2]


@pytest.mark.parametrize(
    "changes",
    [{"kind": "log"}, {"kind": "transition"}, {"committed_at": at(0)}, {"committed_at": at(2)}, {"committed_at": None}],
    ids=str,
)
async def test_what_came_behind_is_not_seen(changes):
    """Another kind of change in the same commit, or a reaction of another one."""
    assert (await async_seen(told(MOVED, **changes))).version == 1


async def test_a_start_that_nothing_followed_is_seen_as_it_was():
    """Also where there is nothing to react to, or it is no start: then nobody asks."""
    assert (await async_seen(told(None))).version == 1
    for options in ({"kind": "transition"}, {"depends_on": ()}):
        runtime = told(MOVED)
        assert (await async_seen(runtime, **options)).version == 1
        assert runtime.asked == []
