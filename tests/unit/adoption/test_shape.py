"""A row becomes a candidate, or is refused by the field that is wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from tai_state import ConfigurationError, Machine, Transition
from tai_state.adoption.rows import Row
from tai_state.adoption.shape import MOVES_MAX, EarlierMoves, RefusedRowError, Shape, candidate_of


class Order(BaseModel):
    total: int


ORDER = Machine("order", "new", [Transition("pay", "new", "paid")])
TYPED = Machine("order", "new", [Transition("pay", "new", "paid")], data_type=Order)
SHAPE = Shape("state", "id", "shop")
WITH_MOVES = Shape("state", "id", "shop", history=EarlierMoves("moves"))


def row(**fields):
    return Row("o.jsonl, line 1", {"source": "o.jsonl", "line": 1}, {}, {"id": "o-1", "state": "new", **fields})


def test_the_rest_of_the_fields_is_the_data():
    """Status and id are none of it."""
    found = candidate_of(row(total=10, note=None), SHAPE, None)
    assert (found.governor_id, found.state_id, found.status) == ("shop", "o-1", "new")
    assert found.data == {"total": 10, "note": None}
    assert found.source == "o.jsonl"


def test_the_row_stays_as_it_was():
    """It is read again for the check."""
    given = row(total=10)
    candidate_of(given, SHAPE, None)
    assert given.fields == {"id": "o-1", "state": "new", "total": 10}


def test_a_governor_may_be_a_field():
    """It is no data then."""
    found = candidate_of(row(shop=7, total=10), Shape("state", "id", governor_field="shop"), None)
    assert (found.governor_id, found.data) == ("7", {"total": 10})


def test_an_id_may_be_the_rows_own():
    """That of its document; a field of that name is data."""
    given = Row("orders/x", {"source": "orders/x"}, {}, {"id": "o-1", "state": "new"}, id="x")
    assert candidate_of(given, Shape("state", governor="g"), None).state_id == "x"
    assert candidate_of(given, Shape("state", governor="g"), None).data == {"id": "o-1"}


def test_two_governors_are_refused():
    """Nobody could tell which one is meant."""
    with pytest.raises(ConfigurationError, match="both given"):
        Shape("state", governor="a", governor_field="b")


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"state": ""}, "state", "1 to 480 bytes"),
        ({"state": None}, "state", "must be a text or an int, not NoneType"),
        ({"state": True}, "state", "must be a text or an int, not bool"),
        ({"id": ""}, "id", "empty"),
        ({"id": 1.5}, "id", "must be a text or an int, not float"),
        ({"state": "lost"}, "state", "machine 'order' has no status 'lost'; it has 'new', 'paid'"),
        ({"total": {"net": float("nan")}}, "total.net", "must be finite"),
        ({"at": datetime(2026, 1, 1)}, "at", "needs a time zone"),  # noqa: DTZ001 - that is the point
    ],
)
def test_what_cannot_be_is_refused_by_its_field(fields, field, message):
    """And says what is wrong with it."""
    with pytest.raises(RefusedRowError, match=message) as caught:
        candidate_of(row(**fields), SHAPE, ORDER)
    assert caught.value.field == field


def test_a_field_that_is_missing_is_named():
    """The status, say."""
    with pytest.raises(RefusedRowError, match="is missing") as caught:
        candidate_of(row(), Shape("status", "id", "g"), None)
    assert caught.value.field == "status"


def test_a_row_with_a_defect_is_refused():
    """For what its source said."""
    with pytest.raises(RefusedRowError, match="is no JSON"):
        candidate_of(Row("x", {}, {}, {}, defect="is no JSON"), SHAPE, None)


def test_data_that_does_not_fit_the_type_of_the_machine_is_refused_without_quoting_it():
    """By the place of it alone."""
    with pytest.raises(RefusedRowError, match="does not fit Order: total") as caught:
        candidate_of(row(total="hush"), SHAPE, TYPED)
    assert caught.value.field == "total"
    assert "hush" not in caught.value.message
    assert candidate_of(row(total=3), SHAPE, TYPED).data == {"total": 3}


def test_earlier_moves_are_ordered_by_their_time():
    """What is not named is the payload of the move."""
    moves = [
        {"state": "paid", "at": "2024-01-02T00:00:00+01:00", "action": "pay", "actor": "ann", "sum": 3},
        {"state": "new", "at": datetime(2024, 1, 1, tzinfo=UTC), "data": {"n": 1}},
    ]
    found = candidate_of(row(moves=moves, total=1), WITH_MOVES, None)
    assert found.data == {"total": 1}
    first, second = found.moves
    assert (first.action, first.status, first.data, first.rest, first.actor) == ("new", "new", {"n": 1}, {}, None)
    assert (second.action, second.status, second.data, second.rest, second.actor) == (
        "pay",
        "paid",
        {},
        {"sum": 3},
        "ann",
    )
    assert second.time is not None
    assert second.time.utcoffset() == timedelta(hours=1)


def test_moves_without_a_time_keep_their_order():
    """Nothing says another one."""
    found = candidate_of(row(moves=[{"state": "b"}, {"state": "a", "at": "2024-01-02T00:00:00Z"}]), WITH_MOVES, None)
    assert [move.status for move in found.moves] == ["b", "a"]


def test_moves_may_be_json():
    """As a column of a table has them; an empty one has none."""
    assert [move.status for move in candidate_of(row(moves='[{"state": "a"}]'), WITH_MOVES, None).moves] == ["a"]
    assert candidate_of(row(moves=""), WITH_MOVES, None).moves == ()
    assert candidate_of(row(), WITH_MOVES, None).moves == ()


@pytest.mark.parametrize(
    ("moves", "field", "message"),
    [
        ("{", "moves", "is no JSON"),
        ([1], "moves", "must be a list of objects"),
        ([{"at": "2024-01-02T00:00:00Z"}], "moves[0].state", "is missing"),
        ([{"state": "a"}, {"state": ""}], "moves[1].state", "1 to 480 bytes"),
        ([{"state": "a", "at": "monday"}], "moves[0].at", "'monday' is no time"),
        ([{"state": "a", "at": "2024-01-02T00:00:00"}], "moves[0].at", "has no offset"),
        ([{"state": "a", "at": 5}], "moves[0].at", "must be a time, not int"),
        ([{"state": "a", "data": 5}], "moves[0].data", "must be an object, not int"),
        ([{"state": "a", "x": float("inf")}], "moves[0]", "must be finite"),
        ([{"state": "a"}] * (MOVES_MAX + 1), "moves", "201 earlier moves; 200 go with one commit"),
    ],
)
def test_a_move_that_cannot_be_is_refused_by_its_place(moves, field, message):
    """The row is refused with it: a state without a part of its history would be told as whole."""
    with pytest.raises(RefusedRowError, match=message) as caught:
        candidate_of(row(moves=moves), WITH_MOVES, None)
    assert caught.value.field == field
