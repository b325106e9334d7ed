"""What a run of the simulation is held against, where a key was forgotten before its caller got an answer."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tai_state.testing.linearizability import Move, Moved, Operation
from tai_state.testing.simulation.checks import Outcome, _check_keys, _check_promise, _explained
from tai_state.testing.simulation.failure import BrokenError
from tai_state.testing.simulation.ledger import Promise

TTL = timedelta(seconds=20)


def event(version: int, seconds: float, mark: str, key: str | None = "k") -> Any:
    """Return an event that a mark made under a key."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return SimpleNamespace(version=version, committed_at=at, idempotency_key=key, metadata=SimpleNamespace(reason=mark))


def made_twice(seconds: float, key: str | None = "k") -> Outcome:
    """Return what a run left in which a change was made again so many seconds later."""
    return Outcome({"shop/a": [event(1, 0, "m", key), event(2, 1, "n", None), event(3, seconds, "m", key)]}, TTL)


def test_a_change_that_is_asked_for_again_behind_its_receipt_s_end_may_be_made_twice():
    """The last is what its caller was told; both stand in the history that is explained."""
    outcome = made_twice(20.001)
    _check_keys(outcome)
    assert outcome.by_mark() == {"m": [("shop/a", 3)], "n": [("shop/a", 2)]}
    _check_promise("m", Promise({"shop/a": 0}, {"shop/a": 3}), outcome.by_mark()["m"])
    asked = Operation("shop/a", "w0", Move("m"), 0.0, 30.0, Moved(3))
    assert [one.reply for one in _explained([asked], outcome)] == [Moved(1), Moved(3)]


@pytest.mark.parametrize("outcome", [made_twice(20.0), made_twice(5.0), made_twice(9_999.0, key=None)], ids=str)
def test_any_other_change_is_made_once(outcome):
    """Within the time of its receipt, and where it had no key."""
    assert outcome.forgotten() == set()
    with pytest.raises(BrokenError, match="exactly once"):
        _check_promise("m", Promise({"shop/a": 0}, {"shop/a": 3}), outcome.by_mark()["m"])
