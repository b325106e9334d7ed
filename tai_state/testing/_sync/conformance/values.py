# Generated from tai_state/testing/_async/conformance/values.py by .ci/generate_sync.py; do not edit.
"""Every value comes back equal and of the same type, and nobody shares it with the store."""
import copy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tai_state._sync.access.port import Backend
from tai_state.documents import Document, FieldEquals, Put, Query, Value
from tai_state.testing._sync.conformance.base import STATES, ConformanceBase, path

AT = path("subject")
_DEPTH = 18


def typed(value: Value) -> Any:
    """Return *value* with each type written beside it, so that 1, 1.0 and True, or 0.0 and -0.0, differ."""
    if isinstance(value, dict):
        return "dict", {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return "list", [typed(item) for item in value]
    if isinstance(value, datetime):
        return type(value).__name__, value.astimezone(UTC).isoformat(timespec="microseconds")
    return type(value).__name__, repr(value)


def nested(depth: int, *, with_lists: bool = False) -> dict[str, Value]:
    """Return maps nested *depth* levels deep; every second level is a list if asked for."""
    value: Value = {"leaf": 1}
    for level in range(depth - 1):
        value = [value] if with_lists and isinstance(value, dict) and level < depth - 2 else {"level": value}
    assert isinstance(value, dict)
    return value


_ODD_KEYS = ["a.b", "`", "a b", "/", "\\", '"', "'", "$", "~", "*", "[0]", "é", "\N{GRINNING FACE}"]
_ODD_KEYS += ["\0", "\n", "1"]
_ODD_KEYS += ["k" * 400, "é" * 200, "_", "_x", "x_", "$bytes", "$time", "$map", "fields", "id", "json"]

VALUES: dict[str, dict[str, Value]] = {
    "none and booleans": {"none": None, "true": True, "false": False, "in list": [None, True, False, 0, 1]},
    "integers": {
        "zero": 0,
        "one": 1,
        "minus one": -1,
        "past 32 bits": 2**32 + 1,
        "past a float's": [2**53, 2**53 + 1, -(2**53) - 1],
        "ends": [2**63 - 1, -(2**63)],
    },
    "floats": {
        "whole": [1.0, 0.0, -1.0, 1e15, 1e16, 1e22, 9007199254740993.0],
        "minus zero": -0.0,
        "beside ints": [1, 1.0, 0, 0.0, -0.0, True],
        "smallest": [5e-324, -5e-324, 2.2250738585072014e-308],
        "largest": [1.7976931348623157e308, -1.7976931348623157e308],
        "digits": [0.1, 0.30000000000000004, 3.141592653589793, 1e-7, 123456789.12345679],
    },
    "text": {
        "empty": "",
        "spaces": ["  ", "\t", "\n", "\r\n", "\u2028", "\ufeff"],
        "nul": ["\0", "a\0b"],
        "quotes": ["'", '"', "\\", "\\u0000", "`", "%s", "{}", "--"],
        "beyond ascii": ["é", "e\u0301", "ß", "\u05d0", "\uffff", "\ue000"],
        "beyond 16 bits": ["\N{GRINNING FACE}", "\U0010ffff", "\U00010000"],
        "look-alikes": ["1", "1.0", "true", "null", "[]", "2026-01-01T00:00:00Z", "AAEC"],
    },
    "bytes": {"empty": b"", "all": bytes(range(256)), "beside text": ["AAEC", b"AAEC", b"\0\1\2"]},
    "empty containers": {"map": {}, "list": [], "in list": [{}, {"list": [], "map": {}}]},
    "no fields": {},
    "times": {
        "microseconds": [datetime(2026, 3, 1, 12, 0, 0, n, tzinfo=UTC) for n in (0, 1, 999, 1_000, 999_999)],
        "first": datetime(1, 1, 1, tzinfo=UTC),
        "last": datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        "before 1970": datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        "before the calendar": datetime(1582, 10, 4, tzinfo=UTC),
        "elsewhere": datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    },
    "longest keys": {"k" * 1_500: 1, "é" * 750: 2},
    "keys": {**dict.fromkeys(_ODD_KEYS, 1), "nested": dict.fromkeys(_ODD_KEYS, "x"), "a": {"b": 2}},
    "look-alikes of encodings": {
        "bytes": {"$bytes": "AAEC"},
        "time": {"$time": "2026-01-01T00:00:00+00:00"},
        "map": {"$map": {"$bytes": "AAEC"}},
        "mixed": [{"$bytes": "AAEC"}, b"\0\1\2", {"$map": {}}],
    },
    "one field that looks like an encoding": {"$bytes": "AAEC"},
    "deep maps": nested(_DEPTH),
    "deep maps and lists": nested(_DEPTH, with_lists=True),
    "many fields": {f"field {n}": n for n in range(500)},
    "a long list": {"list": list(range(2_000))},
}
"""What a document must be able to hold."""


class ValueContract(ConformanceBase):
    """Documents are values: equal when read, of the same types, and copied in both directions."""

    def _by_each_way(self, backend: Backend) -> dict[str, Document]:
        """Read the document at ``AT`` by every method that hands documents out."""
        query = Query(collection=STATES, equal=(FieldEquals("flag", value=True),))
        found = [one for one in backend.query(query, timeout=self.timeout)]
        return {
            "get": (backend.get(AT, timeout=self.timeout)).documents[AT],
            "get_many": (backend.get_many([AT], timeout=self.timeout)).documents[AT],
            "scan": (self.contents(backend))[0],
            "query": found[0],
        }

    @pytest.mark.parametrize("fields", VALUES.values(), ids=VALUES.keys())
    def test_values_come_back_equal_and_of_the_same_type(
        self, backend: Backend, fields: dict[str, Value]
    ) -> None:
        """What a document was given is what a read returns, types included."""
        self.put(backend, AT, fields)
        document = self.read(backend, AT)
        assert typed(document.fields) == typed(fields)
        assert document.path == AT

    def test_a_scan_returns_the_same_values(self, backend: Backend) -> None:
        """Values come back from a scan as they do from a get."""
        puts = [Put(path(f"{n:02}"), fields) for n, fields in enumerate(VALUES.values())]
        self.put_all(backend, puts)
        stored = self.contents(backend)
        assert [typed(document.fields) for document in stored] == [typed(put.fields) for put in puts]

    def test_a_query_returns_the_same_values(self, backend: Backend) -> None:
        """Values come back from a query as they do from a get."""
        fields = {**VALUES["floats"], **VALUES["times"], **VALUES["bytes"], "flag": True}
        self.put(backend, AT, fields)
        assert typed((self._by_each_way(backend))["query"].fields) == typed(fields)

    def test_what_was_passed_in_is_copied(self, backend: Backend) -> None:
        """A dict that its owner changes after the commit changes nothing in the store."""
        fields: dict[str, Any] = {"flag": True, "map": {"n": 1}, "list": [1, {"n": 1}]}
        given = copy.deepcopy(fields)
        self.put(backend, AT, fields)
        fields["new"] = 1
        fields["map"]["n"] = 2
        fields["list"][1]["n"] = 2
        for way, document in (self._by_each_way(backend)).items():
            assert document.fields == given, way

    def test_what_is_handed_out_is_copied(self, backend: Backend) -> None:
        """A document that its reader changes changes neither the store nor what others read."""
        given: dict[str, Any] = {"flag": True, "map": {"n": 1}, "list": [1, {"n": 1}]}
        self.put(backend, AT, given)
        for way, document in (self._by_each_way(backend)).items():
            document.fields["map"]["n"] = 2
            document.fields["list"].append(way)
            document.fields.pop("flag", None)
        for way, document in (self._by_each_way(backend)).items():
            assert document.fields == {"flag": True, "map": {"n": 1}, "list": [1, {"n": 1}]}, way

    def test_one_dict_may_be_put_twice(self, backend: Backend) -> None:
        """Two documents that were given the same dict share nothing, and the dict itself is left alone."""
        fields: dict[str, Any] = {"list": [1]}
        self.put(backend, path("a"), fields)
        fields["list"].append(2)
        self.put(backend, path("b"), fields)
        assert fields == {"list": [1, 2]}
        assert (self.read(backend, path("a"))).fields == {"list": [1]}
        assert (self.read(backend, path("b"))).fields == {"list": [1, 2]}
