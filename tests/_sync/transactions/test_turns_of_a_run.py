# Generated from tests/_async/transactions/test_turns_of_a_run.py by .ci/generate_sync.py; do not edit.
"""The turns of one run, by themselves: which lines it stands in, for how long it waits, and when it stands anew."""
from contextlib import contextmanager

import pytest

from tai_state._sync.transactions.turns import Turns
from tai_state.clock import Deadline
from tai_state.documents import DocumentPath
from tai_state.testing.clock import ManualClock

A, B, C = (DocumentPath("governors/g/states", name) for name in "abc")


class ScriptedLines:
    """Lines in which somebody stands for so many seconds; they note who joins and leaves, and how long he waits."""

    def __init__(self, clock, **busy):
        self.clock = clock
        self.busy = {DocumentPath("governors/g/states", name): seconds for name, seconds in busy.items()}
        self.moves = []
        self.waits = []

    def join(self, path):
        return ScriptedPlace(self, path)

    def taken(self):
        """Return the moves noted since the last time this was asked."""
        moves, self.moves = self.moves, []
        return moves


class ScriptedPlace:
    def __init__(self, lines, path):
        self.lines = lines
        self.path = path

    def __enter__(self):
        self.lines.moves.append(f"+{self.path.id}")
        return self

    def __exit__(self, kind, error, trace):
        self.lines.moves.append(f"-{self.path.id}")

    @property
    def is_first(self):
        return self.path not in self.lines.busy

    def wait(self, seconds):
        self.lines.waits.append(seconds)
        self.lines.clock.advance(min(seconds, self.lines.busy.pop(self.path)))
        return True


class NotedQueue:
    """A queue that notes for what, and for how long at most, somebody queues."""

    def __init__(self, lines):
        self.lines = lines

    @contextmanager
    def __call__(self, states, seconds):
        self.lines.moves.append(f"queue {''.join(sorted(one.id for one in states))} {seconds:g}")
        yield
        self.lines.moves.append("leave the queue")


@pytest.fixture
def clock():
    """One that has run for a while."""
    return ManualClock(monotonic=100.0)


def turns_in(lines, *, queues=False):
    """Return the turns of a run that may take eight seconds."""
    return Turns(lines, lines.clock, Deadline(lines.clock, 8.0), NotedQueue(lines) if queues else None)


def test_who_finds_nobody_waits_for_nobody(clock):
    """And stands in each line once, in order, until the run has ended."""
    lines = ScriptedLines(clock)
    with turns_in(lines) as turns:
        assert turns.before_commit({B, A}) is False
        for again in ({A}, {A, B}):
            assert turns.before_commit(again) is False
            turns.after_conflicts(again, queues=True)
        assert lines.taken() == ["+a", "+b"]
        assert (turns.waited_seconds, lines.waits) == (0.0, [])
    assert lines.taken() == ["-b", "-a"]
    assert turns.is_over


def test_who_finds_somebody_waits_for_half_of_his_time_at_most(clock):
    """Of the time that is left then; how long he waited is counted."""
    lines = ScriptedLines(clock, a=3, b=99)
    with turns_in(lines) as turns:
        assert turns.before_commit({A, B}) is True
        assert lines.waits == [4.0, 2.5]
        assert turns.waited_seconds == 5.5
        lines.busy[C] = 1
        assert turns.before_commit({C}) is True
        assert turns.waited_seconds == 6.5


def test_who_needs_another_line_leaves_all_and_joins_anew(clock):
    """In order, those that he had with it: so nobody waits in a circle."""
    lines = ScriptedLines(clock)
    with turns_in(lines) as turns:
        turns.before_commit({B})
        turns.before_commit({A})
        assert lines.taken() == ["+b", "-b", "+a", "+b"]
        turns.after_conflicts({C}, queues=False)
        assert lines.taken() == ["-b", "-a", "+a", "+b", "+c"]
        turns.after_conflicts({C, A}, queues=False)
        turns.after_conflicts({C, A}, queues=True)
        assert lines.taken() == []


def test_who_goes_on_meeting_conflicts_queues_once(clock):
    """For all that he may write, for half of his time; then he has his turn at whatever else."""
    lines = ScriptedLines(clock)
    with turns_in(lines, queues=True) as turns:
        turns.after_conflicts({B}, queues=False)
        assert lines.taken() == ["+b"]
        turns.after_conflicts({A}, queues=True)
        assert lines.taken() == ["-b", "+a", "+b", "queue ab 4"]
        turns.after_conflicts({A}, queues=True)
        assert turns.before_commit({C}) is False
        assert lines.taken() == []
        turns.after_conflicts({C}, queues=True)
        assert lines.taken() == ["leave the queue", "-b", "-a", "+a", "+b", "+c", "queue abc 4"]
    assert lines.taken() == ["leave the queue", "-c", "-b", "-a"]


def test_who_has_his_lines_and_is_to_queue_queues(clock):
    """Though he needs no other line."""
    lines = ScriptedLines(clock)
    with turns_in(lines, queues=True) as turns:
        turns.before_commit({A})
        turns.after_conflicts({A}, queues=False)
        assert lines.taken() == ["+a"]
        turns.after_conflicts({A}, queues=True)
        assert lines.taken() == ["-a", "+a", "queue a 4"]


def test_a_run_inside_a_body_takes_no_turn(clock):
    """The run around it may have it; one that began before is none, and neither is one behind it."""
    lines = ScriptedLines(clock, a=99)
    with turns_in(lines, queues=True):
        inner = turns_in(lines, queues=True)
        with inner:
            assert inner.before_commit({A}) is False
            inner.after_conflicts({A}, queues=True)
        assert lines.taken() == []
    with turns_in(lines) as later:
        assert later.before_commit({A}) is True
