"""Operations on keys against a plain dict, each by itself: what is there behind it, and what its caller is told."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.errors import ConfigurationError, InvalidDataError, InvalidIdError, KeyTypeError
from tai_state.keys import (
    ABSENT,
    AddToSet,
    CompareAndSwap,
    Decrement,
    Delete,
    DeleteField,
    Exists,
    Get,
    Increment,
    KeyOp,
    Pop,
    Push,
    RemoveFromSet,
    Set,
    SetField,
    Shift,
    Unshift,
    Update,
    op_from_json,
)
from tai_state.layout import state_layout
from tai_state.rules.keys.changes import answer_in, key_change
from tai_state.rules.keys.json_form import OPS
from tai_state.rules.records.erased import erased
from tests.unit.commits.made import call, head_of, plan

numbers = st.integers(-1000, 1000) | st.floats(-1000, 1000, width=16)
items = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", 1.0, b"x"]) | st.just([1])
lists = st.lists(items, max_size=6)
names = st.sampled_from(["a", "b", "c.d"])
maps = st.recursive(st.dictionaries(names, items, max_size=3), lambda inner: st.dictionaries(names, inner, max_size=3))
values = items | lists | maps | numbers
absent = st.just(ABSENT)


def done(op, before):
    """Return what is there behind an operation, and what its caller is told; *before* must stay as it is."""
    shown = repr(before)
    outcome = op.apply(before)
    assert repr(before) == shown
    if not outcome.is_change:
        assert repr(outcome.value) == shown
    return outcome.value, outcome.answer


def model(before):
    """Return the dict that has what was before."""
    return {} if before is ABSENT else {"k": before}


def same(one, other):
    """Whether two items are equal, and of one type."""
    return type(one) is type(other) and one == other


@given(values | absent)
def test_get_and_exists_read(before):
    """And leave everything as it is."""
    assert done(Get("k", 7), before) == (before, model(before).get("k", 7))
    assert done(Exists("k"), before) == (before, "k" in model(before))


@given(values | absent, values)
def test_set_and_delete_whatever_there_was(before, value):
    """A set tells the value, a delete whether there was one."""
    assert done(Set("k", value), before) == (value, value)
    assert done(Delete("k"), before) == (ABSENT, before is not ABSENT)


@given(values | absent, values)
def test_update_gives_what_its_function_makes(before, value):
    """It is given the value, or the default."""
    assert done(Update("k", lambda held: [held, value], default=0), before) == (
        [model(before).get("k", 0), value],
        [model(before).get("k", 0), value],
    )
    assert done(Update("k", lambda _: ABSENT), before)[0] is ABSENT


@given(numbers | absent, numbers, numbers | st.none())
def test_numbers_are_counted_up_and_down(before, by, floor):
    """A key that is not there counts as 0, and nothing is taken below the floor."""
    held = model(before).get("k", 0)
    assert done(Increment("k", by), before) == (held + by, held + by)
    rest = held - by
    if floor is not None and rest < floor:
        rest = max(rest, min(held, floor))
    assert done(Decrement("k", by, floor), before) == (rest, rest)


def test_a_floor_is_where_counting_down_ends():
    """What is below it already is not raised to it."""
    assert done(Decrement("k", 5, floor=0), 3) == (0, 0)
    assert done(Decrement("k", 5, floor=0), 5) == (0, 0)
    assert done(Decrement("k", 1, floor=0), -2) == (-2, -2)
    assert done(Decrement("k", 1, floor=0), ABSENT) == (0, 0)


@given(values | absent, values | absent, values | absent)
def test_compare_and_swap_compares_values_and_their_types(before, expected, new):
    """What is expected is there, or nothing happens."""
    got = done(CompareAndSwap("k", expected, new), before)
    if got[1]:
        assert got == (new, True)
        assert before == expected
    else:
        assert got == (before, False)
        assert repr(before) != repr(expected)


def test_compare_and_swap_tells_one_from_one_point_naught():
    """And True from 1; the order of a map's fields says nothing."""
    assert done(CompareAndSwap("k", 1, 2), 1.0) == (1.0, False)
    assert done(CompareAndSwap("k", 1, 2), bool(1)) == (True, False)
    assert done(CompareAndSwap("k", {"a": 1, "b": 2}, 2), {"b": 2, "a": 1}) == (2, True)
    assert done(CompareAndSwap("k", None, 2), ABSENT) == (ABSENT, False)


@given(lists | absent, lists, st.integers(1, 4) | st.none())
def test_push_and_unshift_keep_the_newest(before, new, limit):
    """At the one end and at the other."""
    held = model(before).get("k", [])
    pushed, put = held + new, new + held
    if limit is not None:
        pushed, put = pushed[max(0, len(pushed) - limit) :], put[:limit]
    assert done(Push("k", *new, limit=limit), before) == (pushed, pushed)
    assert done(Unshift("k", *new, limit=limit), before) == (put, put)


@given(lists | absent)
def test_pop_and_shift_take_one(before):
    """From the one end and from the other; from nothing the default."""
    for op, at in ((Pop("k", "none"), -1), (Shift("k", "none"), 0)):
        left = list(model(before).get("k", []))
        if not left:
            assert done(op, before) == (before, "none")
            continue
        taken = left.pop(at)
        assert done(op, before) == (left, taken)


@given(lists | absent, lists)
def test_a_set_has_each_item_once(before, new):
    """As many are told as were added, or taken out."""
    held = list(model(before).get("k", []))
    added = list(held)
    for item in new:
        if not any(same(item, one) for one in added):
            added.append(item)
    count = len(added) - len(held)
    assert done(AddToSet("k", *new), before) == (added if count else before, count)
    left = [one for one in held if not any(same(one, item) for item in new)]
    gone = len(held) - len(left)
    assert done(RemoveFromSet("k", *new), before) == (left if gone else before, gone)


paths = st.lists(names, min_size=1, max_size=3)


@given(maps | absent, paths, items)
def test_fields_are_set_at_any_depth(before, path, value):
    """The maps that lead there are made; what stands in the way is told."""
    expected: dict[str, Any] = copy.deepcopy(model(before).get("k", {}))
    inner: Any = expected
    for depth, name in enumerate(path[:-1]):
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            with pytest.raises(KeyTypeError) as told:
                SetField("k", path, value).apply(before)
            assert told.value.place == tuple(path[: depth + 1])
            return
    inner[path[-1]] = value
    assert done(SetField("k", path, value), before) == (expected, expected)


@given(maps | absent, paths)
def test_fields_are_deleted_at_any_depth(before, path):
    """A path that leads nowhere changes nothing."""
    expected: dict[str, Any] = copy.deepcopy(model(before).get("k", {}))
    inner: Any = expected
    for name in path[:-1]:
        if name not in inner:
            assert done(DeleteField("k", path), before) == (before, False)
            return
        inner = inner[name]
        if not isinstance(inner, dict):
            with pytest.raises(KeyTypeError):
                DeleteField("k", path).apply(before)
            return
    was_there = inner.pop(path[-1], ABSENT) is not ABSENT
    assert done(DeleteField("k", path), before) == (expected if was_there else before, was_there)


@pytest.mark.parametrize(
    ("op", "before", "expected", "found"),
    [
        (Increment("n"), "5", "a number", "str"),
        (Decrement("n"), True, "a number", "bool"),
        (Push("n", 1), {"a": 1}, "a list", "dict"),
        (Unshift("n", 1), 1, "a list", "int"),
        (Pop("n"), None, "a list", "NoneType"),
        (Shift("n"), "x", "a list", "str"),
        (AddToSet("n", 1), 1.5, "a list", "float"),
        (RemoveFromSet("n", 1), b"", "a list", "bytes"),
        (SetField("n", "a", 1), [], "a map", "list"),
        (DeleteField("n", "a"), 7, "a map", "int"),
    ],
)
def test_a_value_of_another_type_is_told(op, before, expected, found):
    """With the key, the operation, what it needs and what is there."""
    with pytest.raises(KeyTypeError) as told:
        op.apply(before)
    error = told.value
    assert (error.key, error.op, error.expected, error.found) == ("n", op.NAME, expected, found)
    assert (error.code, error.place) == ("key_type", ())


EACH = [
    *(Get("k", {"a": b"1"}), Exists("k"), Set("k", [1.5, b"x"]), Delete("k", id="7"), Increment("k", 2.5)),
    *(Decrement("k", 1, 0), CompareAndSwap("k", ABSENT, 1), CompareAndSwap("k", None, ABSENT), Pop("k", 0), Shift("k")),
    *(Push("k", 1, None, limit=3), Unshift("k", "a"), SetField("k", ["a.b", "c"], 1), DeleteField("k", "a.b")),
    *(AddToSet("k", 1, 2), RemoveFromSet("k", id="é")),
]


@pytest.mark.parametrize("op", EACH, ids=lambda op: op.NAME)
def test_an_operation_comes_back_from_json(op):
    """Equal, and of the same type."""
    again = op_from_json(op.to_json())
    assert type(again) is type(op)
    assert again == op
    assert {one.NAME for one in EACH} == set(OPS)


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ({"op": "explode", "key": "k"}, "op"),
        ({"op": "update", "key": "k"}, "op"),
        ({"op": ["set"], "key": "k"}, "op"),
        ({"key": "k"}, "op"),
        ({"op": "set", "key": "k"}, "value"),
        ({"op": "push", "key": "k"}, "items"),
        ({"op": "push", "key": "k", "items": "abc"}, "items"),
        ({"op": "get", "key": "k", "by": 1}, "by"),
        ({"op": "increment", "key": "k", "by": "1"}, "by"),
        ({"op": "set_field", "key": "k", "path": "a..b", "value": 1}, "path"),
        ("[]", "op"),
    ],
)
def test_what_is_no_operation_is_refused(told, path):
    """By the name of what is wrong."""
    with pytest.raises(InvalidDataError) as refused:
        op_from_json(told)
    assert refused.value.path == path


@pytest.mark.parametrize(
    "make",
    [
        lambda: Set("", 1),
        lambda: Set("k", 1, id=""),
        lambda: Set("k", object()),
        lambda: Push("k", {1}),
        lambda: Push("k", 1, limit=0),
        lambda: Increment("k", by=True),
        lambda: Increment("k", float("inf")),
        lambda: Update("k", None),  # type: ignore[arg-type]  # as a caller without a type checker would
        lambda: SetField("k", "", 1),
        lambda: SetField("k", [], 1),
        lambda: DeleteField("k", [1]),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_made(make):
    """Before anything is read or written."""
    with pytest.raises((InvalidDataError, InvalidIdError)):
        make()


def test_an_update_has_no_json_form():
    """A function cannot be sent."""
    with pytest.raises(InvalidDataError, match="compare_and_swap"):
        Update("k", len).to_json()


def test_what_all_operations_have_in_common_is_none_itself():
    """Nobody can make one that does nothing."""
    with pytest.raises(TypeError, match="abstract"):
        KeyOp("k")  # type: ignore[abstract]


def test_an_async_function_makes_no_value():
    """It is told at once, and not kept as a value."""

    async def later(value):
        return value

    with pytest.raises(ConfigurationError, match="async"):
        Update("k", later).apply(1)


def test_an_operation_keeps_what_it_was_given():
    """Whatever becomes of the caller's objects."""
    given_list = [1]
    op = Set("k", given_list)
    given_list.append(2)
    assert op.value == [1]


WRITTEN = [
    (Set("k", 8), 8),
    (Increment("k"), 8),
    (Decrement("k"), 6),
    (Update("k", lambda held: held * 2), 14),
]
BESIDE = [(Push("l", 2), [1, 2]), (Unshift("l", 2), [2, 1]), (SetField("m", "b", 2), {"a": 1, "b": 2})]


def written(op):
    """Return the event of an operation on a key that was there."""
    before = {"k": 7, "l": [1], "m": {"a": 1}}[op.key]
    paths = state_layout("g", op.key)
    return plan(key_change(call(paths), op), head_of(plan(key_change(call(paths), Set(op.key, before))))).event


@pytest.mark.parametrize(("op", "value"), [*WRITTEN, *BESIDE], ids=lambda one: type(one).__name__)
def test_whoever_is_told_the_value_is_told_what_was_written(op, value):
    """Which is not made anew: of what was erased since nothing is told, rather than what never was."""
    event = written(op)
    assert answer_in(op, event) == value
    assert answer_in(op, erased(event)) is None


def test_the_function_of_an_update_is_not_asked_again_for_what_it_made():
    """It may say something else by then."""
    made = iter([1, 2])
    op = Update("k", lambda _: next(made))
    assert answer_in(op, written(op)) == 1
    assert next(made) == 2


@pytest.mark.parametrize(
    ("op", "answer"),
    [
        *((Delete("k"), True), (Pop("l"), 1), (Shift("l"), 1), (CompareAndSwap("k", 7, 8), True)),
        *((AddToSet("l", 2, 1), 1), (RemoveFromSet("l", 1, 5), 1)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_whoever_is_told_something_else_is_told_it_from_the_event(op, answer):
    """What was taken, how many, or whether there was one: it follows from what was there."""
    assert answer_in(op, written(op)) == answer
