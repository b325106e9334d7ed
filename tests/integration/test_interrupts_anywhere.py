"""Ctrl-C at any moment of a sync call: nothing is half done, nothing stays taken, and a retry makes one event.

A sample of the moments, other ones with each run; ``make torture`` goes through all of them.
"""

import random
from pathlib import Path

import pytest

from tests._sync.stores import Place
from tests.integration.interrupting import CHANGES, LOCKS, begin, check_change, check_locks, moments

SAMPLE = 12


def fresh(kind: str, folder: Path, number: int) -> Place:
    (folder / str(number)).mkdir()
    return Place(kind, path=folder / str(number) / "store.db")


def interrupt_at_some(kind, folder, prepare, check):
    """Interrupt fresh calls, each at a moment of its own; return how many of them were interrupted."""
    counted = fresh(kind, folder, 0)
    begin(counted)
    count = moments(counted, prepare)
    counted.close()
    interrupted = 0
    for at in random.sample(range(1, count + 1), SAMPLE):
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
