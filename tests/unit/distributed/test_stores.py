"""Who takes part in a distributed transaction: so many at most, each by a name of its own."""

import pytest

from tai_state.errors import ConfigurationError
from tai_state.rules.distributed.stores import checked_names


@pytest.mark.parametrize(("stores", "participants"), [(1, 0), (0, 1), (2, 0), (100, 0), (99, 1)])
def test_1_to_100_take_part(stores, participants):
    """Stores and other participants together."""
    checked_names([f"s{n}" for n in range(stores)], [f"p{n}" for n in range(participants)])


@pytest.mark.parametrize(("stores", "participants"), [(0, 0), (101, 0), (100, 1)])
def test_none_and_more_than_100_are_refused(stores, participants):
    """With their number."""
    with pytest.raises(ConfigurationError, match=f"1 to 100 stores, not {stores + participants}$"):
        checked_names([f"s{n}" for n in range(stores)], [f"p{n}" for n in range(participants)])


@pytest.mark.parametrize(("stores", "participants"), [(["a", "a"], []), (["a"], ["a"]), ([], ["a", "a"])])
def test_no_two_have_one_name(stores, participants):
    """Else the one would be told what the other is to do."""
    with pytest.raises(ConfigurationError, match="the same name"):
        checked_names(stores, participants)


@pytest.mark.parametrize("name", ["", "a\ud800", 3, None])
def test_a_name_that_cannot_be_stored_is_refused(name):
    """As what it is here: a configuration."""
    with pytest.raises(ConfigurationError, match="the name of a store"):
        checked_names(["a"], [name])
