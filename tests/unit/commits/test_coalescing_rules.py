"""What goes with one commit."""

from tai_state import KEEP
from tai_state.rules.commits.coalescing import weight
from tai_state.rules.commits.kinds import transition_change
from tai_state.rules.commits.starting import start_change
from tests.unit.commits.made import TURNSTILE, call, head_of, plan


def moved(*, data=0, payload=0):
    """Return a move over so many bytes of data, with so many of payload more than none."""
    started = plan(start_change(call(), TURNSTILE, {"data": "x" * data}))
    return plan(transition_change(call(), TURNSTILE, "pay", {"payload": "x" * payload}, KEEP), head_of(started))


def test_a_change_weighs_what_it_stores():
    """Its payload, and the data before it and behind it."""
    least = weight(moved())
    assert least == 2_048 + len('{"payload":""}') + 2 * len('{"data":""}')
    assert weight(moved(payload=1_000)) - least == 1_000
    assert weight(moved(data=1_000)) - least == 2_000
