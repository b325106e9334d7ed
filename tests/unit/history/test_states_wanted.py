"""Which states are wanted: what the engine is asked for, and what is looked at here."""

import pytest

from tai_state.rules.history.states_wanted import wanted_states


@pytest.mark.parametrize(
    ("asked", "is_filtered"),
    [
        ({}, False),
        ({"labels": {"a": "b"}}, False),
        ({"labels": {"a": "b", "c": "d"}}, True),
        ({"status": "open"}, False),
        ({"machine": "orders"}, False),
        ({"labels": {"a": "b"}, "status": "open"}, True),
        ({"labels": {"a": "b"}, "machine": "orders"}, True),
        ({"governor_id": "g", "status": "open", "descending": True}, True),
        ({"governor_id": "g", "machine": "orders", "descending": True}, True),
        ({"governor_id": "g", "descending": True}, False),
    ],
)
def test_what_one_index_answers_is_not_looked_at_again(asked, is_filtered):
    """One label, or the status and machine, in their order; whatever is beside them is filtered here."""
    given = {"labels": None, "status": None, "machine": None, "governor_id": None, "after": None, "descending": False}
    assert wanted_states(**{**given, **asked}).is_filtered is is_filtered
