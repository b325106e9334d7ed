"""Who waits is told once what for."""

import threading

import pytest

from tai_state.cli.program import waiting as module
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
    before = threading.active_count()
    with waiting(said.append, "the store"):
        answered()
    assert said == []
    assert threading.active_count() == before


def test_nobody_waits(said):
    """An answer that nobody waited for is no error."""
    answered()
    assert said == []
