"""Values that are not plain: enum members and models are taken, the rest is refused with what to do."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import NamedTuple
from uuid import UUID

import pytest

from tai_state import MemoryStore, codec
from tai_state.codec import Payload, from_json
from tai_state.conversion import normal_time, normalize, normalize_data
from tai_state.errors import DocumentTooLargeError, InvalidDataError


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Shape(Enum):
    SQUARE = (4, 4)
    ROUND = "round"
    BOXES = [1, 2]  # noqa: RUF012 - the value of a member


class Moment(datetime):
    """As the tools that freeze time make them."""


class Fine(datetime):
    """One that is finer than a datetime, as those of data frames are."""

    def __eq__(self, other: object) -> bool:
        return type(other) is Fine

    def __ne__(self, other: object) -> bool:
        return type(other) is not Fine

    def __hash__(self) -> int:
        return 0


class Pair(NamedTuple):
    a: int
    b: int


def test_a_member_of_an_enum_is_its_value():
    """In data and payload, as a status is; as a key, too."""
    normal = normalize({"a": [Colour.RED, Level.HIGH, Shape.ROUND, Shape.BOXES], Colour.RED: 1, Shape.ROUND: 2})
    assert normal == {"a": ["red", 3, "round", [1, 2]], "red": 1, "round": 2}
    assert [type(one) for one in normal["a"]] == [str, int, str, list]
    assert {type(key) for key in normal} == {str}


@pytest.mark.parametrize(
    ("wrong", "path", "advice"),
    [
        ({"a": Decimal(1)}, "data.a", "str(value)"),
        ({"a": UUID(int=1)}, "data.a", "str(value)"),
        ({"a": date(2024, 1, 1)}, "data.a", "value.isoformat()"),
        ({"a": time(1)}, "data.a", "value.isoformat()"),
        ({"a": timedelta(1)}, "data.a", "value.total_seconds()"),
        ({"a": (1,)}, "data.a", "list(value)"),
        ({"a": Pair(1, 2)}, "data.a", "list(value)"),
        ({"a": {1}}, "data.a", "sorted(value)"),
        ({"a": bytearray(b"x")}, "data.a", "bytes(value)"),
        ({"a": type("Text", (str,), {})("x")}, "data.a", "str(value)"),
        ({"a": Shape.SQUARE}, "data.a", "list(value)"),
        ({"a": object()}, "data.a", "a pydantic model"),
        ({"a": {Level.HIGH: 1}}, "data.a", "keys must be str"),
        ({"red": 1, Shape.ROUND: 1, "round": 2}, "data", "twice"),
    ],
)
def test_what_is_refused_says_what_to_do(wrong, path, advice):
    """The path, and the plain value to use."""
    with pytest.raises(InvalidDataError) as caught:
        normalize_data(wrong)
    assert caught.value.path == path
    assert advice in str(caught.value)


def test_a_snapshot_is_no_data():
    """What a read returned is neither data nor a part of it: its data is."""
    with MemoryStore() as store:
        store.save_state("g", "s", {"n": 1})
        snapshot, _ = store.get_state("g", "s")
        event = next(iter(store.get_events("g", "s")))
        for wrong in (snapshot, {"state": snapshot}, event, snapshot.metadata):
            with pytest.raises(InvalidDataError, match="is no data"):
                store.save_state("g", "s", wrong)
        assert store.save_state("g", "s", snapshot.data) == 2


def test_a_datetime_of_a_subclass_is_a_plain_one():
    """The same moment, in UTC."""
    zone = timezone(timedelta(hours=5, minutes=30))
    normal = normalize({"at": Moment(2024, 1, 1, 3, tzinfo=zone)})["at"]
    assert (type(normal), normal) == (datetime, datetime(2023, 12, 31, 21, 30, tzinfo=UTC))


def test_a_datetime_finer_than_microseconds_is_refused():
    """What would be lost is not lost silently."""
    with pytest.raises(InvalidDataError, match="microseconds"):
        normal_time(Fine(2024, 1, 1, tzinfo=UTC), "data.at")


def test_a_value_larger_than_can_be_read_again_is_refused(scale, monkeypatch):
    """Named, with its size and the bound, however well it compresses."""
    bound = scale(2**20, 64 * 2**20)
    monkeypatch.setattr(codec, "PAYLOAD_BYTES_MAX", bound)
    assert Payload.of("x" * (bound - 2)).json
    with pytest.raises(DocumentTooLargeError, match="payload") as caught:
        Payload.of("x" * (bound - 1), "payload")
    assert (caught.value.size, caught.value.limit) == (bound + 1, bound)


@pytest.mark.parametrize("levels", [300, 2_000])
@pytest.mark.parametrize("leaf", ["1", '{"$bytes":"eA=="}'])
def test_stored_json_that_is_too_deep_is_refused(levels, leaf):
    """As anything that was never stored by us, not by an error of the parser's."""
    with pytest.raises(InvalidDataError):
        Payload.stored("[" * levels + leaf + "]" * levels)
    with pytest.raises(InvalidDataError):
        Payload.stored({"a": deep(levels)})


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_json_that_no_parser_reads_is_refused():
    """Neither is text that is no JSON."""
    with pytest.raises(InvalidDataError):
        from_json("[" * 100_000)
