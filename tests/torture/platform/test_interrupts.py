"""Ctrl-C at every single moment of sync changes and lock calls in memory, and at every fifth on SQLite."""

import sys
from pathlib import Path

import pytest

from tests._sync.stores import Place
from tests.integration.platform.interrupting import CHANGES, LOCKS, check_change, check_locks

pytestmark = pytest.mark.torture

MOMENTS_MAX = 20_000
STEPS = {"memory": 1, "sqlite": 5}


def interrupt_at_every_moment(kind, folder: Path, prepare, check, name) -> None:
    interrupted = 0
    for at in range(1, MOMENTS_MAX, STEPS[kind]):
        path = folder / f"{at}.db"
        place = Place(kind, path=path)
        strike = check(place, prepare, at)
        place.close()
        for file in folder.glob(f"{path.name}*"):
            file.unlink()
        if not strike.has_struck:
            break
        interrupted += strike.interrupted
    else:
        pytest.fail(f"{name} goes on and on")
    sys.stderr.write(f"\ninterrupts, {name} on {kind}: {interrupted} moments\n")
    # A deletion on SQLite, the shortest of them, has some 500 moments.
    assert interrupted > 400 / STEPS[kind]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_may_be_interrupted_anywhere(name, kind, tmp_path):
    """Made again under its key it makes one event; state and history agree."""
    interrupt_at_every_moment(kind, tmp_path, CHANGES[name], check_change, name)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_call_may_be_interrupted_anywhere(name, kind, tmp_path):
    """Nobody holds the lock afterwards."""
    interrupt_at_every_moment(kind, tmp_path, LOCKS[name], check_locks, name)
