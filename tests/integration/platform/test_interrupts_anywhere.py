"""Ctrl-C at any moment of a sync call: nothing is half done, nothing stays taken, and a retry makes one event.

A sample of the moments, other ones with each run; ``make torture`` goes through all of them.
"""

import random
import signal
from pathlib import Path

import pytest

from tai_state import BackendStore, CommitAmbiguousError, MemoryStore
from tests._sync.stores import Place, WrappedBackend
from tests.integration.platform.interrupting import CHANGES, LOCKS, check_change, check_locks, moments, persister

SAMPLE = 12


def fresh(kind: str, folder: Path, number: int) -> Place:
    (folder / str(number)).mkdir()
    return Place(kind, path=folder / str(number) / "store.db")


def interrupt_at_some(kind, folder, prepare, check):
    """Interrupt fresh calls, each at a moment of its own; return how many of them were interrupted."""
    new, known = fresh(kind, folder, 0), fresh(kind, folder, -1)
    last, last_known = moments(new, prepare), moments(known, prepare, is_known=True)
    new.close()
    known.close()
    interrupted = 0
    # The odd ones are tried on a store that is known.
    for at in random.sample([at for at in range(1, last + 1) if at <= last_known or not at % 2], SAMPLE):
        place = fresh(kind, folder, at)
        interrupted += check(place, prepare, at).interrupted
        place.close()
    return interrupted


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("name", CHANGES)
def test_an_interrupted_change_that_is_made_again_makes_one_event(name, kind, tmp_path):
    """State and history agree, and the store is as usable as before."""
    assert interrupt_at_some(kind, tmp_path, CHANGES[name], check_change) > SAMPLE / 2


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("name", LOCKS)
def test_an_interrupted_caller_holds_no_lock(name, kind, tmp_path):
    """Another one gets it at once."""
    assert interrupt_at_some(kind, tmp_path, LOCKS[name], check_locks) > SAMPLE / 2


class DoubtfulBackend(WrappedBackend):
    """Loses the first request, and is interrupted meanwhile."""

    is_interrupted = False

    def commit(self, writes, *, timeout):
        if not self.is_interrupted:
            self.is_interrupted = True
            signal.raise_signal(signal.SIGINT)
            raise CommitAmbiguousError("no reply")
        return super().commit(writes, timeout=timeout)


def test_what_is_in_doubt_is_settled_before_the_interrupt(monkeypatch):
    """The commit whose reply was lost is sent again, and the waits between let nothing in."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with MemoryStore() as inner:
            persister(inner).start("g", "s")
            with pytest.raises(KeyboardInterrupt):
                persister(BackendStore(DoubtfulBackend(inner.runtime.access.backend))).transition("g", "s", "add", 1)
            assert inner.get_state("g", "s")[1] == 2
    finally:
        signal.signal(signal.SIGINT, before)
