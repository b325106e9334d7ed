"""Which states a list is of: ranges of stored ids, and where a list of them begins and ends."""

import pytest

from tai_state.layout import escape
from tai_state.rules.history.id_ranges import IdRange, id_ranges

IDS = sorted(map(escape, ["-", "0", "00", "1", "A", "Z", "a", "a-", "a0", "aa", "é", "z", "__x__", "_a", "%", "/"]))


@pytest.mark.parametrize("low", IDS)
def test_a_list_begins_before_its_first_id_and_behind_all_others(low):
    """At a place that every engine takes as an id."""
    place = IdRange(low).begins_behind(descending=False)
    assert place is not None
    assert "/" not in place
    assert [one for one in IDS if one > place] == [one for one in IDS if one >= low]


def test_a_range_that_nothing_is_in_is_none():
    """So that nobody asks an engine for it."""
    assert list(id_ranges(prefix="b", after="c", until=None, descending=False)) == []
    assert list(id_ranges(prefix=None, after="b", until="b", descending=False)) == []
    assert list(id_ranges(prefix=None, after=None, until=None, descending=True)) == [IdRange()]
