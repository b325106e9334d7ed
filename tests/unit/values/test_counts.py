"""Numbers of things, as messages tell them."""

from tai_state.counts import counted


def test_a_number_comes_with_its_noun():
    """One is no plural, thousands are grouped, and a plural of its own is named."""
    assert counted(1, "state") == "1 state"
    assert counted(0, "state") == "0 states"
    assert counted(2_000, "status", "statuses") == "2,000 statuses"
