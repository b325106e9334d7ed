"""The fuzz targets themselves: each runs, and a bug that is planted is found."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tai_state.errors import InvalidDataError
from tests.fuzz import targets


@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_a_target_finds_nothing_in_a_moment(name):
    """Some examples of each; the long run has a make target of its own."""

    @settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def feed(data):
        targets.TARGETS[name](data)

    feed()


def test_an_error_of_ours_is_no_finding_and_any_other_is():
    """What a target lets out is what it found."""

    def refused():
        raise InvalidDataError("no", path="data")

    def broken():
        raise OverflowError

    assert targets.ours(refused) is None
    with pytest.raises(OverflowError):
        targets.ours(broken)
