"""The codec: what a value becomes, in every stored shape, and the canonical bytes that are hashed."""

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from tai_state import compression
from tai_state.codec import EMPTY, NULL, Payload, dump_fields, dump_json, from_json, load_fields, to_json
from tai_state.compression import compress, decompress
from tai_state.config import Encoding
from tai_state.conversion import INT_MAX, INT_MIN, LEVELS_MAX, normalize, normalize_data
from tai_state.documents import Json
from tai_state.errors import InvalidDataError

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = texts | st.sampled_from(["$bytes", "$time", "$map", "$", "", "__x__", "a.b", "k" * 400])
zones = st.sampled_from([UTC, timezone(timedelta(hours=-3)), timezone(timedelta(hours=5, minutes=45))])
times = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones)  # noqa: DTZ001 - bounds are naive
scalars = (
    st.none()
    | st.booleans()
    | st.integers(INT_MIN, INT_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.binary(max_size=20)
    | times
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)
datas = st.dictionaries(keys, values, max_size=5)
thresholds = st.sampled_from([0, 1, 2, 16, 64, 256, 4_096, 2**40])
encodings = st.builds(Encoding, thresholds, thresholds)


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


def deep(levels):
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@given(values)
def test_a_normal_value_is_alike(value):
    """Normalizing changes nothing but the zone of times, and a second time nothing at all."""
    normal = normalize(value)
    assert alike(normal, value)
    assert to_json(normalize(normal)) == to_json(normal)


@given(values)
def test_a_normal_value_shares_nothing(value):
    """No list or dict of the copy is one of the original."""

    def containers(item):
        if isinstance(item, dict | list):
            yield id(item)
            for inner in item.values() if isinstance(item, dict) else item:
                yield from containers(inner)

    assert not set(containers(value)) & set(containers(normalize(value)))


@given(times)
def test_a_normal_time_is_the_same_moment_in_utc(moment):
    """Whatever its zone was."""
    normal = normalize(moment)
    assert normal == moment
    assert normal.tzinfo is UTC


@given(values)
@example({"$bytes": "YQ=="})
@example({"$time": "2024-01-01T00:00:00.000000+00:00"})
@example({"$map": {"$map": {"$bytes": b"x"}}})
@example([{"$map": 1}, {"$time": None, "a": 1}])
def test_canonical_json_gives_the_value_back(value):
    """Alike, from bytes and from text; what looks like a tag of ours is none."""
    normal = normalize(value)
    encoded = to_json(normal)
    assert alike(from_json(encoded), normal)
    assert alike(from_json(encoded.decode()), normal)


@given(datas)
@example({"at": datetime(2026, 1, 1, tzinfo=UTC)})
@example({"at": datetime(2026, 1, 1, tzinfo=UTC), "data": {"at": datetime(2026, 1, 1, tzinfo=UTC)}})
@example({"at": {"$time": "2026-01-01T00:00:00.000000+00:00"}, "text": '"$'})
def test_fields_of_a_document_come_back(fields):
    """As from any JSON, whether their times stand at the top or deeper."""
    normal = normalize(fields)
    assert alike(load_fields(dump_fields(normal)), normal)
    assert alike(load_fields(dump_json(normal)), normal)


@pytest.mark.parametrize(
    "text", [b"{", b'{"a":{"$time":1},"b":2}', b'{"a":{"$time":"no time"},"b":2}', b'{"a":{"$bytes":"?"},"b":2}']
)
def test_fields_that_nobody_wrote_are_refused(text):
    """As by ``from_json``."""
    with pytest.raises(InvalidDataError, match="not a stored JSON value"):
        load_fields(text)


@given(datas, encodings)
def test_a_payload_survives_every_shape(data, encoding):
    """Whatever the thresholds were when it was stored: map, text or compressed bytes."""
    payload = Payload.of(normalize_data(data))
    field = payload.field(encoding)
    stored = Payload.stored(field)
    assert stored == payload
    assert (stored.json, stored.digest) == (payload.json, payload.digest)
    assert alike(stored.value(), normalize_data(data))


@given(values, encodings)
def test_any_value_survives_as_a_payload(value, encoding):
    """What comes with an action need not be a dict."""
    payload = Payload.of(normalize(value, path="payload"))
    assert alike(Payload.stored(payload.field(encoding)).value(), payload.value())


@given(datas, encodings)
def test_a_map_is_one_that_every_engine_can_hold(data, encoding):
    """No list in a list, no odd key, no dotted path past 1,500 bytes, not too deep."""

    def check(value, level, above):
        if isinstance(value, dict):
            for key, item in value.items():
                assert key
                assert not (key.startswith("__") and key.endswith("__"))
                assert above + len(key.encode()) <= 1_500
                check(item, level + 1, above + len(key.encode()) + 1)
        elif isinstance(value, list):
            for item in value:
                assert not isinstance(item, list)
                check(item, level + 1, above)
        assert level <= 20

    field = Payload.of(normalize_data(data)).field(encoding)
    if isinstance(field, dict):
        check(field, 1, len("from_state."))


def test_long_keys_in_one_path_are_no_map():
    """Each of them would fit, their path would not."""
    data = {"a" * 370: {"b" * 370: {"c" * 370: {"d" * 370: {"e" * 370: 1}}}}}
    assert not isinstance(Payload.of(normalize_data(data)).field(Encoding()), dict)


@given(datas)
def test_equal_values_have_equal_bytes(data):
    """Whatever the order in which their keys came."""

    def reversed_keys(value):
        if isinstance(value, dict):
            return {key: reversed_keys(value[key]) for key in reversed(value)}
        return [reversed_keys(item) for item in value] if isinstance(value, list) else value

    assert to_json(normalize(data)) == to_json(normalize(reversed_keys(data)))


@given(values, values)
def test_different_values_have_different_bytes(one, other):
    """So a digest tells them apart; 1, 1.0 and True are different values."""
    one, other = normalize(one), normalize(other)
    assert (to_json(one) == to_json(other)) == alike(one, other)


@given(datas)
def test_a_value_is_a_fresh_copy(data):
    """Each reader gets one of its own."""
    payload = Payload.of(normalize_data(data))
    first = payload.value()
    first["spoilt"] = True
    assert alike(payload.value(), normalize_data(data)) or "spoilt" in data


GOLDEN = [
    (None, b"null"),
    (True, b"true"),
    (0, b"0"),
    (-1, b"-1"),
    (INT_MAX, b"9223372036854775807"),
    (INT_MIN, b"-9223372036854775808"),
    (1.0, b"1.0"),
    (-0.0, b"-0.0"),
    (0.1, b"0.1"),
    (1e16, b"1e+16"),
    (1e15, b"1000000000000000.0"),
    (123456789012345680.0, b"1.2345678901234568e+17"),
    (1e-5, b"1e-05"),
    (1e-7, b"1e-07"),
    (5e-324, b"5e-324"),
    (1.7976931348623157e308, b"1.7976931348623157e+308"),
    ("", b'""'),
    ("é", b'"\xc3\xa9"'),
    ("🙂", b'"\xf0\x9f\x99\x82"'),
    ("\u2028", b'"\xe2\x80\xa8"'),
    ("\0\t\n\x1f\x7f", b'"\\u0000\\t\\n\\u001f\x7f"'),
    ('"\\/', b'"\\"\\\\/"'),
    (b"", b'{"$bytes":""}'),
    (b"\x00\xff", b'{"$bytes":"AP8="}'),
    (datetime(2024, 2, 29, 12, tzinfo=UTC), b'{"$time":"2024-02-29T12:00:00.000000+00:00"}'),
    (datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC), b'{"$time":"0001-01-01T00:00:00.000001+00:00"}'),
    ({"b": 1, "a": 2, "é": 3, "B": 4, "": 5}, b'{"":5,"B":4,"a":2,"b":1,"\xc3\xa9":3}'),
    ({"\U0001f642": 1, "\uffff": 2}, b'{"\xef\xbf\xbf":2,"\xf0\x9f\x99\x82":1}'),
    ({"$bytes": "x"}, b'{"$map":{"$bytes":"x"}}'),
    ({"$bytes": "x", "y": 1}, b'{"$bytes":"x","y":1}'),
    ([[], {}, [1, [2.0]]], b"[[],{},[1,[2.0]]]"),
]


@pytest.mark.parametrize(("value", "encoded"), GOLDEN, ids=[ascii(encoded)[2:30] for _, encoded in GOLDEN])
def test_canonical_bytes_never_change(value, encoded):
    """Hashes of stored events rest on them."""
    assert to_json(normalize(value)) == encoded
    assert alike(from_json(encoded), value)


def test_canonical_json_is_json():
    """Any reader of JSON takes it."""
    assert json.loads(to_json({"a": [1, 1.5, "é", None]})) == {"a": [1, 1.5, "é", None]}


def test_digests_never_change():
    """Events name payloads by them."""
    assert [EMPTY.digest, NULL.digest, Payload.of({"n": 1}).digest] == [
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",  # pragma: allowlist secret
        "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b",  # pragma: allowlist secret
        "2bfd14f43d17fc7cea24e0917a8879b4b2f880b8baeec1b9d90fbaad655e71bd",  # pragma: allowlist secret
    ]


@pytest.mark.parametrize("levels", [LEVELS_MAX, LEVELS_MAX + 1])
def test_nesting_ends_at_level_20(levels):
    """The outermost list is level 1; one level more is refused."""
    if levels == LEVELS_MAX:
        assert normalize(deep(levels)) == deep(levels)
        return
    with pytest.raises(InvalidDataError, match="deeper") as caught:
        normalize(deep(levels))
    assert caught.value.path == "data" + "[0]" * LEVELS_MAX


def test_deep_values_are_stored_as_text():
    """What is deeper than a map may be, on any engine, is none."""
    data: dict[str, object] = {}
    for _ in range(LEVELS_MAX - 1):
        data = {"a": data}
    payload = Payload.of(normalize_data(data))
    assert isinstance(payload.field(Encoding()), str)
    assert Payload.stored(payload.field(Encoding())).value() == data


def test_each_shape_begins_at_its_threshold():
    """A map below the first, text up to the second, then compressed bytes."""
    encoding = Encoding(json_bytes_min=100, zstd_bytes_min=200)
    for size, kind in ((99, Json), (100, str), (199, str), (200, bytes)):
        payload = Payload.of({"t": "x" * (size - 8)})
        assert len(payload.json) == size
        assert type(payload.field(encoding)) is kind


def test_compressing_leaves_nothing_uncompressed():
    """The last resort before a document is too large."""
    for payload in (EMPTY, Payload.of({"n": 1}), Payload.of(5)):
        field = payload.field(Encoding().compressing())
        assert isinstance(field, bytes)
        assert Payload.stored(field) == payload


def test_a_text_edited_by_hand_is_read_as_its_value():
    """Blanks and another order of keys are no other value."""
    assert Payload.stored('{"b": 1,\n "a": 2}') == Payload.of({"a": 2, "b": 1})


@pytest.mark.parametrize(
    "field",
    [5, 1.5, True, [1], "{", "nonsense", b"", b"nonsense", b"\x28\xb5\x2f\xfd\x00", '{"$bytes":"*"}',
     '{"$bytes":1}', '{"$time":"today"}', '{"$map":1}', "NaN", datetime(2024, 1, 1, tzinfo=UTC)],
    ids=ascii,
)  # fmt: skip
def test_a_field_of_no_shape_is_refused(field):
    """By InvalidDataError, whatever is wrong with it."""
    with pytest.raises(InvalidDataError):
        Payload.stored(field)


def test_a_bomb_is_refused():
    """A frame that claims to grow past 64 MiB, or does not say how far, is not opened."""
    with pytest.raises(InvalidDataError, match="claims"):
        decompress(compress(b"\0" * (64 * 1024 * 1024 + 1)))
    assert len(decompress(compress(b"\0" * 1_000_000))) == 1_000_000


@given(st.binary(max_size=500))
def test_compression_gives_the_bytes_back(raw):
    """All of them."""
    assert decompress(compress(raw)) == raw


def test_threads_do_not_meet_in_one_compressor(monkeypatch):
    """Who comes while it is in use makes another one; both are kept."""
    both = threading.Barrier(2)

    class Compressor:
        is_busy = False

        def compress(self, raw):
            assert not self.is_busy
            self.is_busy = True
            both.wait(timeout=10)
            self.is_busy = False
            return raw

    kept = [Compressor()]
    monkeypatch.setattr(compression, "_compressors", kept)
    monkeypatch.setattr(zstandard, "ZstdCompressor", lambda level: Compressor())
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(compress, [b"a", b"b"])) == [b"a", b"b"]
    assert len(kept) == 2


class Text(str):
    __slots__ = ()


class Number(int):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [(), set(), frozenset(), bytearray(), memoryview(b""), object(), 1j, Text("x"), Number(1), range(3), ...],
    ids=lambda value: type(value).__name__,
)
def test_a_type_that_would_not_come_back_is_refused(value):
    """Subclasses too: they would come back as their base."""
    with pytest.raises(InvalidDataError) as caught:
        normalize({"a": [value]})
    assert caught.value.path == "data.a[0]"
    assert type(value).__name__ in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        Json(b'{"price":"$5","m":{"$map":{"$time":"x"}}}'),
        {"$time": "2026-01-01T00:00:00.000000+00:00"},
        {"deep": [{"$bytes": "AA=="}]},
        'a $ and a "$ in a text',
        b"bytes",
        {"deep": datetime(2026, 1, 1, tzinfo=UTC)},
        datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1))),
    ],
    ids=str,
)
def test_fields_are_written_as_any_value_is(value):
    """The quick way and the other one give the same bytes, beside a moment that is equal and written otherwise."""
    fields = {"at": datetime(2026, 1, 1, 11, tzinfo=UTC), "value": value, "null": None}
    assert dump_fields(fields) == dump_json(fields)
    assert dump_fields(fields) == dump_json(fields)
