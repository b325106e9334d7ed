"""What the documents of a governor tell of how much it holds."""

from dataclasses import replace

from tai_state.rules.history.damaged import Damaged
from tai_state.rules.history.usage import Tally
from tests.unit.commits.made import state_at


def test_a_governor_without_states_has_none_of_anything():
    """No version either."""
    told = Tally("g").stats(Damaged("g"))
    assert (told.states, told.deleted, told.events, told.versions, told.highest_version) == (0, 0, 0, 0, 0)
    assert (told.by_status, told.by_machine, told.busiest) == ({}, {}, {})


def test_the_states_that_changed_most_often_are_named():
    """Ten of them, the most versions first, then by their ids; deleted ones are counted apart."""
    tally = Tally("g")
    for number in range(12):
        tally.add(replace(state_at(1 + number % 4), state_id=f"s{number:02}", deleted=number == 3))
    told = tally.stats(Damaged("g"))
    assert (told.states, told.deleted, told.versions, told.highest_version) == (11, 1, 30, 4)
    assert list(told.busiest.items()) == [
        *[("s03", 4), ("s07", 4), ("s11", 4), ("s02", 3), ("s06", 3), ("s10", 3)],
        *[("s01", 2), ("s05", 2), ("s09", 2), ("s00", 1)],
    ]
