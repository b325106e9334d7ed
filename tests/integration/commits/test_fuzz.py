"""Any ids and any data: what is accepted comes back alike, what is refused is refused before it is sent.

Whether a value may be stored is judged here a second time, by rules of its own. A failure prints the seed.
"""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tai_state import BackendStore, InvalidDataError, InvalidIdError
from tai_state.codec import Payload, from_json, to_json
from tai_state.config import Encoding
from tai_state.conversion import normalize
from tai_state.layout import escape, unescape
from tests._sync.stores import CountingBackend, Place

SHARDS = 4
CASES = {"memory": (2_000, 25_000), "sqlite": (1_000, 4_000), "firestore": (1_000, 2_000)}
"""How many values: in `make test`, and in `make test-more`; in memory in each shard."""
GROUP = {"memory": 25, "sqlite": 25, "firestore": 100}

TEXTS = (
    *("", "a", "é", "🙂", "\0", "\n\r\t", '"', "\\", "\u2028", "$", "$bytes", "$time", "$map", "__x__", "____", "a.b"),
    *("a/b", "..", "`", "\ufeff", "\uffff", "漢字", "e\u0301", "null", "{}", "%41", "x@3", "K", "k", "\u212a", "same"),
)
EDGES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2**53 + 1,
        2**63 - 1,
        -(2**63),
        0.0,
        -0.0,
        1.0,
        0.1,
        1e16,
        1e-7,
        5e-324,
        b"",
        b"\0\xff",
    ),
    *(1.7976931348623157e308, {}, [], datetime(1, 1, 1, tzinfo=UTC)),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45))),
)
HOSTILE: tuple[Callable[[], Any], ...] = (
    *(lambda: 2**63, lambda: -(2**63) - 1, lambda: 10**400, lambda: math.nan, lambda: math.inf, lambda: -math.inf),
    *(lambda: (), lambda: (1, 2), lambda: {1}, frozenset, lambda: Decimal("1.5"), lambda: bytearray(b"x"), lambda: 1j),
    *(object, lambda: int, lambda: ..., lambda: range(3), lambda: {1: 2}, lambda: {None: 1}, lambda: {b"k": 1}),
    *(lambda: {(): 1}, lambda: "\ud800", lambda: "a\udfff", lambda: {"\udfff": 1}, lambda: deep(25)),
    lambda: datetime(2024, 1, 1),  # noqa: DTZ001 - a naive one is what must be refused
    lambda: datetime(2024, 1, 1, tzinfo=UTC).date(),
    lambda: datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
)


def deep(levels: int) -> Any:
    value: Any = "leaf"
    for level in range(levels):
        value = [value] if level % 2 else {"d": value}
    return value


def some_text(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(TEXTS)
    if kind < 0.9:
        return "".join(rng.choice(TEXTS) for _ in range(rng.randrange(6)))
    return "".join(chr(rng.choice((rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)))) for _ in range(8))


def some_value(rng: random.Random, depth: int = 0) -> Any:  # noqa: C901, PLR0911 - a table of odds
    """Draw a value: mostly small and fine, now and then large, deep or impossible."""
    kind = rng.random()
    if kind < 0.012:
        return rng.choice(HOSTILE)()
    if kind < 0.0125:
        return some_text(rng) + "x" * 100_000
    if kind < 0.02:
        return deep(rng.randrange(14, 20))
    if kind < 0.35:
        return rng.choice(EDGES)
    if kind < 0.55:
        return some_text(rng)
    if kind < 0.62:
        return rng.getrandbits(rng.choice((8, 32, 53, 63))) * rng.choice((1, -1))
    if kind < 0.68:
        return rng.uniform(-1, 1) * 10.0 ** rng.randrange(-300, 300)
    if kind < 0.72:
        return rng.randbytes(rng.randrange(20))
    if kind < 0.75:
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=rng.getrandbits(50))
    if depth > 4:
        return rng.choice(EDGES)
    if kind < 0.87:
        return [some_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {some_text(rng): some_value(rng, depth + 1) for _ in range(rng.randrange(4))}


def some_id(rng: random.Random) -> Any:
    """Draw an id: mostly text that is fine, now and then none at all."""
    kind = rng.random()
    if kind < 0.02:
        return rng.choice(("", "\ud800", None, 5, b"x", ("a",), "x" * 481, "é" * 241, "a\udfff", 1.5))
    if kind < 0.04:
        return rng.choice("xé🙂") * rng.choice((120, 240, 480))
    if kind < 0.3:
        return f"__{some_text(rng)}__"
    return some_text(rng) + rng.choice(("", "@1", "-1", "A", "\0", "é", some_text(rng)))


def is_text(value: Any) -> bool:
    return type(value) is str and not any("\ud800" <= char <= "\udfff" for char in value)


def may_be_id(value: Any) -> bool:
    return is_text(value) and 0 < len(value.encode()) <= 480


def may_be_stored(value: Any, level: int) -> bool:  # noqa: PLR0911 - one return for each type
    """Whether the contract lets *value* be stored at that level."""
    if isinstance(value, bool | None) or type(value) is bytes:
        return True
    if type(value) is str:
        return is_text(value)
    if type(value) is int:
        return -(2**63) <= value < 2**63
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is datetime:
        offset = value.utcoffset()
        return offset is not None and value.replace(tzinfo=None) - datetime.min >= offset  # noqa: DTZ901
    if type(value) is list:
        return level <= 20 and all(may_be_stored(item, level + 1) for item in value)
    if type(value) is dict:
        return level <= 20 and all(is_text(key) and may_be_stored(value[key], level + 1) for key in value)
    return False


def alike(left: Any, right: Any) -> bool:
    """Whether both are equal and of the same types all the way down, -0.0 and 0.0 apart."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return bool(left == right)


def check_codec(rng: random.Random, value: Any) -> None:
    """An accepted value survives the codec under any thresholds."""
    normal = normalize(value, level=2)
    assert alike(normal, value)
    encoded = to_json(normal)
    assert alike(from_json(encoded), normal)
    encoding = Encoding(rng.choice((0, 8, 64, 4_096)), rng.choice((0, 64, 1_024, 10**9)))
    stored = Payload.stored(Payload(encoded).field(encoding))
    assert stored.json == encoded
    assert alike(stored.value(), normal)


def check_refusal(store: BackendStore, backend: CountingBackend, value: Any) -> None:
    """A refused value is named by its path, and nothing is sent."""
    with pytest.raises(InvalidDataError) as caught:
        store.save_state("refused", "s", {"v": value})
    assert caught.value.path.startswith("data.v")
    str(caught.value).encode()
    assert backend.calls == []


def check_id(store: BackendStore, backend: CountingBackend, value: Any) -> bool:
    """Return whether *value* is an id; it comes back from its stored form, or is refused unsent."""
    if may_be_id(value):
        assert unescape(escape(value)) == value
        return True
    with pytest.raises(InvalidIdError):
        store.save_state("refused", value, {})
    assert backend.calls == []
    return False


class Fuzz:
    """Draws cases and checks each; groups of accepted values are written as one state and read back."""

    def __init__(self, rng: random.Random, place: Place) -> None:
        self.rng = rng
        self.store, self.backend = place.counting()
        self.group = GROUP[place.kind]
        self.written: dict[tuple[str, str], dict[str, Any]] = {}
        self.refused = 0

    def run(self, cases: int) -> None:
        values: list[Any] = []
        for _ in range(cases):
            value = some_value(self.rng)
            if may_be_stored(value, 2):
                check_codec(self.rng, value)
                values.append(value)
            else:
                check_refusal(self.store, self.backend, value)
                self.refused += 1
            if len(values) == self.group:
                self.write({f"v{number}": each for number, each in enumerate(values)})
                values = []
        self.write({f"v{number}": each for number, each in enumerate(values)})
        self.read()

    def write(self, data: dict[str, Any]) -> None:
        ids = [value for value in (some_id(self.rng) for _ in range(8)) if check_id(self.store, self.backend, value)]
        governor, state = ids[0], ids[-1]
        self.store.save_state(governor, state, data)
        self.written[governor, state] = data
        self.backend.taken()

    def read(self) -> None:
        for governor in {governor for governor, _ in self.written}:
            expected = {state: data for (each, state), data in self.written.items() if each == governor}
            found = {one.state_id: one.data for one in self.store.list_states(governor)}
            assert found.keys() == expected.keys()
            for state, data in expected.items():
                assert alike(found[state], data), (governor, state)
                *_, last = self.store.get_events(governor, state)
                assert alike(last.to_state, data), (governor, state)
        assert set(self.store.list_governors()) == {governor for governor, _ in self.written}


def fuzz(rng_seed: str, place: Place, cases: int) -> None:
    run = Fuzz(random.Random(rng_seed), place)
    try:
        run.run(cases)
    except Exception as error:
        error.add_note(f"seed {rng_seed!r}")
        raise
    finally:
        place.close()
    assert run.refused > cases / 200
    assert len(run.written) > 1


@pytest.fixture
def seed(request):
    """The seed of this run, which pytest-randomly prints."""
    return request.config.getoption("randomly_seed", 0)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_any_value_in_memory(seed, shard, scale):
    """The values of all shards together are 100,000 in the end."""
    fuzz(f"{seed} {shard}", Place("memory"), scale(*CASES["memory"]))


def test_any_value_in_sqlite(seed, tmp_path, scale):
    """Up to 4,000 values."""
    fuzz(str(seed), Place("sqlite", path=tmp_path / "store.db"), scale(*CASES["sqlite"]))


@pytest.mark.emulator
def test_any_value_on_firestore(seed, tai_state_project, scale):
    """Up to 2,000 values."""
    fuzz(str(seed), Place("firestore", project=tai_state_project), scale(*CASES["firestore"]))
