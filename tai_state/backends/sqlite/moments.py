"""Times as the file stores them: integer microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta

from tai_state.errors import StoreError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(moment_us: int) -> datetime:
    """Return the datetime, in UTC, of *moment_us*.

    Raises:
        StoreError: There is no such time: the file is damaged.
    """
    try:
        return _EPOCH + timedelta(microseconds=moment_us)
    except OverflowError as error:
        message = f"the file is damaged: it holds the time {moment_us} us, which no calendar has"
        raise StoreError(message) from error
