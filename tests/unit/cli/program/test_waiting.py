"""Who waits is told once what for."""

import threading

import pytest

from tai_state import SystemClock
from tai_state.cli.program import waiting as module
from tai_state.cli.program.progress import progressing
from tai_state.cli.program.waiting import answered, waiting


@pytest.fixture
def said(monkeypatch):
    """Every line that was said, with silence counted as too long at once."""
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.0)
    return []


def test_silence_is_told_once(said):
    """Two seconds without anything: what is waited for is named."""
    heard = threading.Event()

    def say(text):
        said.append(text)
        heard.set()

    with waiting(say, "the store"):
        assert heard.wait(10)
    assert said == ["waiting for the store"]


def test_an_answer_ends_it(monkeypatch, said):
    """Nothing is said to somebody who sees that something comes."""
    monkeypatch.setattr(module, "SILENCE_SECONDS", 60.0)
    before = set(threading.enumerate())
    with waiting(said.append, "the store"):
        answered()
    assert said == []
    assert set(threading.enumerate()) <= before


def test_nobody_waits(said):
    """An answer that nobody waited for is no error."""
    answered()
    assert said == []


class CountedTimer:
    """A timer that never speaks, and counts how often one was told not to."""

    daemon = False
    cancelled = 0

    def __init__(self, seconds, say):
        """Begin."""
        del seconds, say

    def start(self):
        """Do nothing."""

    def cancel(self):
        """Count it."""
        CountedTimer.cancelled += 1

    def join(self):
        """Do nothing."""


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_is_an_answer(monkeypatch, said, is_terminal):
    """Of whatever work: what is read and not shown came from the store all the same."""
    monkeypatch.setattr(threading, "Timer", CountedTimer)
    monkeypatch.setattr(CountedTimer, "cancelled", 0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal, raising=False)
    with waiting(said.append, "the store"), progressing(SystemClock(), "events") as progress:
        assert CountedTimer.cancelled == 0
        progress("reading", 1, None)
        assert CountedTimer.cancelled == 1
