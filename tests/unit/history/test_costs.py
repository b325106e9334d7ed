"""What a change costs in billed operations: each part of it by itself."""

from typing import Any

import pytest

from tai_state.rules.history.costs import cost_of_change

PLAIN: Any = {"keyed": 0.0, "snapshot_interval": 100, "segments": 0.0, "sealed": 0.0}


@pytest.mark.parametrize(
    ("changed", "cost"),
    [
        ({}, (1.0, 2.01, 0.01, 2.02)),
        ({"keyed": 1.0}, (2.0, 3.01, 0.01, 3.02)),
        ({"known": 1.0, "keyed": 1.0}, (0.0, 3.01, 0.01, 3.02)),
        ({"known": 0.5, "keyed": 0.5}, (0.75, 2.51, 0.01, 2.52)),
        ({"snapshot_interval": 4}, (1.0, 2.25, 0.25, 2.5)),
        ({"segments": 0.05, "sealed": 0.5}, (1.5, 2.06, 0.01, 2.07)),
    ],
    ids=str,
)
def test_the_cost_of_a_change(changed, cost):
    """State and event; a receipt where it is keyed; a snapshot now and then, for an old one; segments."""
    found = cost_of_change(**{**PLAIN, **changed})
    assert (found.reads, found.writes, found.deletes, found.writes_and_deletes) == pytest.approx(cost)
