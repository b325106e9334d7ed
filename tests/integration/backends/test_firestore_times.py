"""Times, to the microsecond."""

from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.firestore_v1.types import firestore as messages

from tai_state.backends.firestore import values
from tai_state.errors import InvalidDataError


def test_a_time_finer_than_microseconds_is_refused():
    """Given back as a precondition such a time would never match, so it is not read at all."""
    response = messages.CommitResponse.pb()()
    response.commit_time.nanos = 1_500
    with pytest.raises(InvalidDataError):
        values.read_time(response.commit_time)


@pytest.mark.parametrize(
    "moment",
    [datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 999_999)],  # noqa: DTZ001, DTZ901
)
def test_any_moment_round_trips(moment):
    """Times before the epoch, and the first and the last that there are, come back exact."""
    raw = messages.CommitResponse.pb()()
    values.write_time(raw.commit_time, moment.replace(tzinfo=UTC))
    assert values.read_time(raw.commit_time) == moment.replace(tzinfo=UTC)
    assert 0 <= raw.commit_time.nanos < 10**9
    assert timedelta(0) == moment.replace(tzinfo=UTC).utcoffset()
