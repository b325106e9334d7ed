"""What may be stored comes back equal and of the same type; all else is refused before it is sent."""

import math
import random
from collections import OrderedDict
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest

from tai_state import ChangeMetadata, DocumentTooLargeError, InvalidDataError, InvalidIdError
from tests._async.stores import async_contents, in_memory


class Colour(StrEnum):
    RED = "red"


def nested(levels, leaf=None):
    """Return data of that many levels, dicts and lists in turn; the outermost dict is level 1."""
    value: object = leaf
    for level in range(levels, 0, -1):
        value = {"d": value} if level % 2 else [value]
    return value


def alike(left, right):
    """Whether both are equal and of the same types all the way down, -0.0 and 0.0 apart."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return left == right


MOMENT = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
ACCEPTED = {
    "scalars": {"none": None, "yes": True, "no": False, "one": 1, "float": 1.0, "text": "é🙂\0\n"},
    "ints": {"max": 2**63 - 1, "min": -(2**63), "over 53 bits": 2**53 + 1, "zero": 0},
    "floats": {"small": 5e-324, "large": 1.7976931348623157e308, "minus": -0.0, "tenth": 0.1, "e16": 1e16},
    "bytes": {"empty": b"", "all": bytes(range(256)), "list": [b"a", [b"b"]]},
    "times": {"moment": MOMENT, "first": datetime(1, 1, 1, tzinfo=UTC), "list": [MOMENT]},
    "last time": {"last": datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)},
    "nested lists": {"matrix": [[1, 2], [], [[3], {"a": [[]]}]]},
    "keys": {"": 1, "a.b": 2, "a/b": 3, "__x__": 4, "`": 5, "\\": 6, "é": 7, "\0": 8, "*": 9, "[0]": 10},
    "deep keys": {"map": {"": {"__y__": [{"": None}]}}},
    "tags": {"$bytes": "YQ=="},
    "tag of a time": {"time": {"$time": "2024-01-01T00:00:00.000000+00:00"}, "map": {"$map": {"$map": 1}}},
    "tags in lists": {"list": [{"$map": {"$bytes": "x"}}, {"$bytes": 1, "b": 2}], "bytes": b"$"},
    "dollars": {"text": '"$bytes"', "$": "$", "$bytes ": {"$time": b"x"}},
    "long key": {"k" * 1_600: 1},
    "long path": {"k" * 400: {"l" * 400: {"m" * 400: {"n" * 400: 1}}}},
    "long keys in a short map": {"k" * 375: {"l" * 375: {"m" * 375: {"n" * 375: {"o" * 375: 1}}}}},
    "twenty levels": nested(20),
    "wide": {f"k{n}": n for n in range(500)},
    "above the json threshold": {"text": "x" * 5_000, "bytes": b"\0" * 100, "time": MOMENT},
    "above the zstd threshold": {"items": [{"n": n, "at": MOMENT} for n in range(2_000)]},
    "empty": {},
}  # fmt: skip


@pytest.mark.parametrize("data", ACCEPTED.values(), ids=ACCEPTED)
async def test_accepted_data_comes_back_alike(store, data):
    """State, event and the event's other side give back equal values of the same types."""
    await store.save_state("g", "s", data)
    assert alike((await store.get_state("g", "s"))[0].data, data)
    await store.save_state("g", "s", {"next": 1})
    first, second = [event async for event in store.get_events("g", "s")]
    assert alike(first.to_state, data)
    assert alike(second.from_state, data)


async def test_accepted_data_may_be_metadata_too(store):
    """The context of a change holds what data may hold, long and reserved keys included."""
    context = {name: value for name, value in ACCEPTED.items() if name != "twenty levels"}
    await store.save_state("g", "s", {}, ChangeMetadata(changed_by="ann", context=context))
    assert alike((await store.get_state("g", "s"))[0].metadata.context, context)


async def test_a_small_context_of_long_keys(store):
    """A context small enough for a map, whose keys fill what a map's path may have."""
    for size in (375, 1_480, 1_495):
        context = {"k" * size: 1}
        await store.save_state("g", "s", context, ChangeMetadata(changed_by="ann", context=context))
        snapshot, _ = await store.get_state("g", "s")
        assert (snapshot.data, snapshot.metadata.context) == (context, context)


async def test_a_time_of_another_zone_comes_back_in_utc(store):
    """It is the same moment."""
    local = datetime(2024, 1, 1, 3, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    await store.save_state("g", "s", {"at": local})
    at = (await store.get_state("g", "s"))[0].data["at"]
    assert at == local
    assert at.tzinfo is UTC


REFUSED = {
    "tuple": ({"a": {"b": (1,)}}, "data.a.b"),
    "set": ({"a": [0, {1}]}, "data.a[1]"),
    "decimal": ({"price": Decimal(1)}, "data.price"),
    "naive time": ({"at": datetime(2024, 1, 1)}, "data.at"),  # noqa: DTZ001 - what must be refused
    "time past the calendar": (
        {"at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))},
        "data.at",
    ),
    "nan": ({"items": [{"x": float("nan")}]}, "data.items[0].x"),
    "infinity": ({"x": float("inf")}, "data.x"),
    "minus infinity": ({"x": float("-inf")}, "data.x"),
    "large int": ({"x": 2**63}, "data.x"),
    "small int": ({"x": -(2**63) - 1}, "data.x"),
    "int key": ({"a": {1: 2}}, "data.a"),
    "none key": ({None: 2}, "data"),
    "surrogate": ({"a": ["\ud800"]}, "data.a[0]"),
    "surrogate key": ({"a": {"\udfff": 1}}, "data.a"),
    "21 levels": (nested(21), "data.d[0].d[0].d[0].d[0].d[0].d[0].d[0].d[0].d[0].d[0]"),
    "25 levels": (nested(25), "data.d[0].d[0].d[0].d[0].d[0].d[0].d[0].d[0].d[0].d[0]"),
    "object": ({"a": object()}, "data.a"),
    "bytearray": ({"a": bytearray(b"x")}, "data.a"),
    "ordered dict": ({"a": OrderedDict()}, "data.a"),
    "complex": ({"a": 1j}, "data.a"),
    "date": ({"a": MOMENT.date()}, "data.a"),
    "no dict": ([1], "data"),
    "none": (None, "data"),
    "text": ("{}", "data"),
}


@in_memory
@pytest.mark.parametrize(("data", "path"), REFUSED.values(), ids=REFUSED)
async def test_refused_data_is_named_and_not_sent(place, data, path):
    """InvalidDataError names the place, and the backend is not called at all."""
    store, backend = place.counting()
    for change in (
        lambda: store.save_state("g", "s", data),
        lambda: store.update_state("g", "s", data, 1),
    ):
        with pytest.raises(InvalidDataError) as caught:
            await change()
        assert caught.value.path == path
        assert path in str(caught.value)
    assert backend.calls == []


@in_memory
async def test_refused_context_is_named_and_not_sent(place):
    """The context of a change is checked as data is."""
    store, backend = place.counting()
    metadata = ChangeMetadata(changed_by="ann", context={"a": [float("nan")]})
    with pytest.raises(InvalidDataError) as caught:
        await store.save_state("g", "s", {}, metadata)
    assert caught.value.path == "metadata.context.a[0]"
    assert backend.calls == []


@in_memory
async def test_data_that_contains_itself_is_refused(place):
    """A cycle is deeper than 20 levels."""
    store, backend = place.counting()
    data: dict[str, object] = {}
    data["self"] = data
    with pytest.raises(InvalidDataError):
        await store.save_state("g", "s", data)
    assert backend.calls == []


INVALID_IDS = ["", "é" * 241, "x" * 481, "\ud800", None, 1, b"s", ("s",)]


@in_memory
@pytest.mark.parametrize("wrong", INVALID_IDS, ids=lambda wrong: ascii(wrong)[:20])
async def test_what_is_no_id_is_refused_and_not_sent(place, wrong):
    """Neither a governor, nor a state, nor a key may be called so."""
    store, backend = place.counting()
    calls = [
        lambda: store.save_state(wrong, "s", {}),
        lambda: store.save_state("g", wrong, {}),
        lambda: store.get_state(wrong, "s"),
        lambda: store.find_state("g", wrong),
        lambda: store.update_state("g", wrong, {}, 1),
        lambda: store.delete_state(wrong, "s"),
        lambda: store.exists("g", wrong),
        lambda: store.batch_get_states(wrong, ["s"]),
        lambda: store.stats(wrong),
    ]
    if wrong is not None:
        calls.append(lambda: store.save_state("g", "s", {}, idempotency_key=wrong))
    for call in calls:
        with pytest.raises(InvalidIdError):
            await call()
    for iterate in (lambda: store.list_states(wrong), lambda: store.get_events("g", wrong)):
        with pytest.raises(InvalidIdError):
            [one async for one in iterate()]
    assert backend.calls == []


@in_memory
@pytest.mark.parametrize("wrong", ["", "x" * 481, "\ud800", 1, b"open"], ids=lambda wrong: ascii(wrong)[:20])
async def test_what_is_no_status_is_refused_and_not_sent(place, wrong):
    """Statuses are text of 1 to 480 bytes."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        await store.save_state("g", "s", {}, status=wrong)
    assert caught.value.path == "status"
    assert backend.calls == []


async def test_ids_of_480_bytes_are_fine(store):
    """The longest ids, all of them escaped, and the longest key and status."""
    governor, state = "é" * 240, "🙂" * 120
    await store.save_state(governor, state, {"n": 1}, status="é" * 240, idempotency_key="漢" * 160)
    await store.save_state(governor, state, {"n": 2})
    assert (await store.get_state(governor, state))[0].data == {"n": 2}
    assert [event.version async for event in store.get_events(governor, state)] == [1, 2]
    assert [one async for one in store.list_governors()] == [governor]


async def test_an_enum_is_a_status(store):
    """A StrEnum member is stored and comes back as plain text."""
    await store.save_state("g", "s", {}, status=Colour.RED)
    status = (await store.get_state("g", "s"))[0].status
    assert (status, type(status)) == ("red", str)
    assert [one.state_id async for one in store.list_states("g", status=Colour.RED)] == ["s"]


async def test_an_enum_is_an_id(store):
    """A StrEnum member names what its text names."""
    await store.save_state(Colour.RED, Colour.RED, {})
    (listed,) = [one async for one in store.list_states("red")]
    assert (type(listed.governor_id), type(listed.state_id), listed.state_id) == (str, str, "red")


async def test_what_is_too_large_is_refused_and_nothing_is_written(store):
    """Data that cannot be compressed below a document's limit is refused by size."""
    blob = random.Random(1).randbytes(1_200_000)
    await store.save_state("g", "s", {"n": 1})
    before = await async_contents(store)
    with pytest.raises(DocumentTooLargeError) as caught:
        await store.save_state("g", "s", {"blob": blob})
    assert caught.value.size > caught.value.limit
    assert await async_contents(store) == before


async def test_large_data_is_compressed_rather_than_refused(store):
    """Megabytes that compress well fit, in the state and twice in its event."""
    data = {"lines": ["the quick brown fox"] * 100_000}
    await store.save_state("g", "s", data)
    await store.save_state("g", "s", {**data, "n": 1})
    assert (await store.get_state("g", "s"))[0].data == {**data, "n": 1}
