"""The formulas of an estimate against counted runs: billed operations, documents, and their bytes."""

import base64
import random

import pytest

from tai_state import (
    BackendStore,
    ConfigurationError,
    Machine,
    Maintenance,
    MemoryStore,
    PersistenceConfig,
    StateMachinePersister,
    Transition,
)
from tai_state.backends.firestore.sizes import document_bytes
from tai_state.rules.history.costs import cost_of_change
from tai_state.scale import Load, Prices, estimate, near, prices
from tai_state.scale.estimate import MONTH_SECONDS, bytes_of, documents_of
from tai_state.scale.limits import ramp_minutes
from tai_state.telemetry import Monitor

EVERY, KEPT = 10, 2
SMALL = Maintenance(snapshot_interval=EVERY, snapshot_retention=KEPT, segment_events=EVERY)
CONFIG = PersistenceConfig(snapshot_interval=EVERY, snapshot_retention=KEPT, segment_events=EVERY)
PRICES = Prices("here", "USD", "a test", "now", "", 1.0, 2.0, 4.0, 8.0)
RNG = random.Random(7)


def noted(size):
    """Data of so many bytes that compresses badly."""
    return {"note": base64.b64encode(RNG.randbytes(size)).decode()[: size - 8]}


def machine(size):
    return Machine("m", "on", [Transition("go", "on", "on", apply=lambda _data, _payload: noted(size))])


def billed(store, moves, config=CONFIG):
    """Return the reads, writes and deletes of so many *moves*, each by a persister that ``store()`` gives."""
    counted = [0, 0, 0]
    for number in range(moves):
        over = store(number)
        with Monitor(over) as monitor:
            StateMachinePersister(over, machine(200), config).transition(
                "g", "s", "go", idempotency_key=f"k{number}" if number % 2 else None
            )
        one = monitor.as_dict()["billed"]
        for place, name in enumerate(("documents_read", "documents_written", "documents_deleted")):
            counted[place] += one[name]
    return counted


@pytest.fixture
def first(place):
    """A store with a state that has had the snapshots that are kept, and a segment or more."""
    persister = StateMachinePersister(place, machine(200), CONFIG)
    persister.start("g", "s", noted(200))
    for _ in range(EVERY * (KEPT + 1)):
        persister.transition("g", "s", "go")
    return place


@pytest.fixture(params=["memory", pytest.param("emulator", marks=[pytest.mark.emulator, pytest.mark.more])])
def place(request):
    """A store in memory, and for long on Firestore's emulator."""
    return request.getfixturevalue(f"tai_state_{request.param}")


def test_a_remembered_move_is_billed_as_the_formula_says(first):
    """Its process read nothing, sealed what it made itself, and half of the moves had a key."""
    moves = EVERY * 4
    cost = cost_of_change(keyed=0.5, snapshot_interval=EVERY, segments=1 / EVERY, sealed=0.0, known=1.0)
    # A key that may be there is looked for by the commit itself.
    expected = [moves * cost.reads, moves * cost.writes, moves * cost.deletes]
    assert billed(lambda _: first, moves) == pytest.approx(expected)


def test_a_strangers_move_is_billed_as_the_formula_says(first):
    """Each by a process that knows nothing but the store's id: it reads the state, and all that it seals."""
    moves = EVERY * 4
    cost = cost_of_change(keyed=0.5, snapshot_interval=EVERY, segments=1 / EVERY, sealed=1.0)

    def stranger(_):
        store = BackendStore(first.runtime.access.backend)
        store.runtime.writer.origin = first.runtime.writer.origin
        return store

    expected = [moves * cost.reads, moves * cost.writes, moves * cost.deletes]
    assert billed(stranger, moves) == pytest.approx(expected)


@pytest.mark.parametrize("size", [200, 1_000, 4_000])
@pytest.mark.parametrize("moves", [9, 10, 35])
def test_documents_and_bytes_are_those_of_a_real_store(size, moves):
    """As many of each kind; their bytes as Firestore counts them, within a fifth."""
    load = Load(machines=1, moves_per_second=moves / MONTH_SECONDS, data_bytes=size)
    with MemoryStore() as store:
        persister = StateMachinePersister(store, machine(size), CONFIG)
        persister.start("a-governor", "a-state-of-ours", noted(size))
        for _ in range(moves):
            persister.transition("a-governor", "a-state-of-ours", "go")
        found = {
            kind: [
                document_bytes(str(one.path), one.fields)
                for one in store.runtime.access.scan(f"governors/a-governor/{kind}")
            ]
            for kind in ("states", "events", "snapshots", "segments", "receipts")
        }
    documents = documents_of(load, SMALL)
    assert {kind: len(sizes) for kind, sizes in found.items()} == documents
    indexes = 2 * 200 * (3 * documents["states"] + documents["events"] + documents["segments"])
    assert bytes_of(load, documents, SMALL) - indexes == pytest.approx(sum(map(sum, found.values())), rel=0.2)


def test_money_is_the_price_of_what_is_billed():
    """By a hundred thousand operations, and by the gibibyte."""
    found = estimate(Load(machines=1000, moves_per_second=1, data_bytes=100, keyed=1, known=1), PRICES)
    moves = MONTH_SECONDS
    assert (found.reads, found.writes, found.deletes) == pytest.approx((0, moves * 3.02, moves * 1.01))
    assert found.money == pytest.approx(
        {
            "reads": 0,
            "writes": moves * 3.02 / 100_000 * 2,
            "deletes": moves * 1.01 / 100_000 * 4,
            "storage": found.bytes / 1024**3 * 8,
        }
    )
    assert found.total == pytest.approx(sum(found.money.values()))


def test_the_limits_that_a_load_comes_near_are_told():
    """The tightest first, with what to turn; a small load comes near none."""
    calm = Load(machines=100_000, moves_per_second=10, data_bytes=500)
    assert near(estimate(calm, PRICES), Maintenance()) == []
    wild = Load(machines=1_000, moves_per_second=5_000, data_bytes=600_000)
    told = [(one.limit.split()[0], round(one.share, 1)) for one in near(estimate(wild, PRICES), Maintenance())]
    assert [name for name, _ in told] == ["750", "500", "500", "one", "1"]
    assert dict(told[2:]) == {"500": 10.0, "one": 5.0, "1": 1.1}


def test_the_ramp_is_googles():
    """500 at once; half as much again each five minutes."""
    assert [ramp_minutes(rate) for rate in (100, 500, 750)] == pytest.approx([0, 0, 5])
    assert ramp_minutes(500 * 1.5**10) == pytest.approx(50)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"machines": 0}, {"moves_per_second": -1}, {"keyed": 1.5}, {"known": float("nan")}, {"months": -1}),
        *({"moves_per_second": 1e308}, {"machines": 10**400}, {"months": float("inf")}),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    """By its name."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Load(**{"machines": 1, "moves_per_second": 1, "data_bytes": 1, **wrong})


def test_the_shipped_prices_tell_their_source_and_date():
    """And that they are to be checked."""
    found = prices()
    assert found.source == "https://cloud.google.com/firestore/pricing"
    assert found.as_of
    assert "check them" in found.note
    assert prices("nam5").reads_per_100000 > 0


def priced(price):
    return (
        '{"currency": "USD", "source": "", "as_of": "", "note": "", "regions": {"a": {"reads_per_100000": '
        f'{price}, "writes_per_100000": 1, "deletes_per_100000": 1, "gib_month": 1}}}}}}'
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not json", "is no JSON"),
        ("[]", "regions"),
        ('{"regions": {"a": {}}}', "currency"),
        (priced("NaN"), "reads_per_100000: is no price"),
        (priced("-1"), "reads_per_100000: is no price"),
        (priced("1e999"), "reads_per_100000: is no price"),
        ('{"regions": {"b": {}}, "currency": "USD"}', "no region 'a'; it has b"),
    ],
)
def test_a_price_table_that_is_none_is_refused(tmp_path, text, told):
    """By what is wrong with it."""
    file = tmp_path / "prices.json"
    file.write_text(text)
    with pytest.raises((ConfigurationError, ValueError), match=told):
        prices("a", file)
    with pytest.raises(ConfigurationError, match="No such file"):
        prices("a", tmp_path / "none.json")
