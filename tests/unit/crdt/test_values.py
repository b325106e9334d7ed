"""What each type stands for, one change after the other and beside each other."""

from datetime import UTC, datetime

import pytest

from tai_state import InvalidDataError
from tai_state.crdt import GCounter, LWWMap, LWWRegister, MVRegister, ORSet, PNCounter, from_data, merged_values

LARGEST = 2**63 - 1


def at(second):
    return datetime(2024, 1, 1, 0, 0, second, tzinfo=UTC)


def test_a_counter_is_the_sum_of_what_its_nodes_counted():
    """Beside each other, nothing is counted twice and nothing lost."""
    base = GCounter().increment("a").increment("a", 2)
    assert (base.value, GCounter().value) == (3, 0)
    assert base.increment("b", 5).merge(base.increment("c", 7)).value == 15


def test_a_counter_falls_where_it_may():
    """What was counted up and down, each by itself."""
    base = PNCounter().increment("a", 10)
    assert base.decrement("b", 4).merge(base.decrement("c", 8)).value == -2


@pytest.mark.parametrize("by", [-1, 1.5, True, "1", LARGEST])
def test_what_cannot_be_counted_is_refused(by):
    """No step back, and no number that cannot be stored."""
    with pytest.raises(InvalidDataError, match="by: must be a whole number"):
        GCounter().increment("a").increment("a", by)
    with pytest.raises(InvalidDataError, match="by"):
        PNCounter().decrement("a").decrement("a", by)


def test_the_last_write_of_a_register_wins():
    """By the clocks of those who wrote; of what was seen, whatever they say."""
    base = LWWRegister().set("a", "old", at=at(5))
    assert (LWWRegister().value, base.value) == (None, "old")
    assert base.set("b", "new", at=at(7)).merge(base.set("c", "less new", at=at(6))).value == "new"
    assert base.set("b", "newer", at=at(1)).merge(base).value == "newer"
    assert LWWRegister().set("b", "old").set("a", "new").merge(LWWRegister().set("b", "old")).value == "new"
    assert base.set("b", "of b").merge(base.set("c", "of c")).value == "of c"


def test_a_register_of_many_keeps_what_was_written_at_a_time():
    """The next write that has seen it takes the place of all of it."""
    base = MVRegister().set("a", "old")
    both = base.set("b", "x").merge(base.set("c", {"n": 1}))
    assert both.value == ["x", {"n": 1}]
    assert both.set("a", "one").value == ["one"]
    assert both.set("a", "one").merge(base.set("b", "x")).value == ["one"]
    assert (MVRegister().value, base.set("b", "x").merge(base.set("c", "x")).value) == ([], ["x"])


def test_an_addition_wins_over_a_removal_that_has_not_seen_it():
    """One that has seen it removes it everywhere."""
    base = ORSet().add("a", "x").add("a", 1)
    assert base.value == {"x", 1}
    assert base.remove("x").merge(base.add("b", "x")).value == {"x", 1}
    assert base.remove("x").merge(base).value == {1}
    assert base.remove("y") == base
    assert ("x" in base, "y" in base) == (True, False)


@pytest.mark.parametrize("item", [True, 1.5, None, ["x"], 2**63])
def test_an_item_is_a_text_or_a_whole_number(item):
    """What Python would take for another one, or cannot hold in a set, is none."""
    with pytest.raises(InvalidDataError, match="item"):
        ORSet().add("a", item)


def test_the_last_write_of_each_key_wins():
    """A removal is one."""
    base = LWWMap().set("a", "k", 1, at=at(1)).set("a", "l", [1], at=at(1))
    assert base.value == {"k": 1, "l": [1]}
    assert base.set("b", "k", 2, at=at(2)).merge(base.set("c", "k", 3, at=at(3))).value == {"k": 3, "l": [1]}
    assert base.remove("b", "k", at=at(3)).merge(base.set("c", "k", 3, at=at(2))).value == {"l": [1]}
    assert base.remove("b", "k").merge(base).value == {"l": [1]}
    assert base.remove("b", "m") == base


def test_the_first_write_of_a_key_is_stamped_as_that_of_a_register():
    """By the first time there is, where the writer says none and has seen none."""
    (entry,) = LWWMap().set("a", "k", 1).to_data()["entries"].values()
    register = LWWRegister().set("a", 1).to_data()
    assert (entry["time"], register["time"]) == (1, 1)


def test_a_value_that_is_read_is_the_reader_s_own():
    """What he does to it changes nothing."""
    register, mapping = LWWRegister().set("a", {"n": [1]}), LWWMap().set("a", "k", {"n": [1]})
    register.value["n"].append(2)
    mapping.value["k"]["n"].append(2)
    register.to_data()["value"]["n"].append(2)
    assert (register.value, mapping.value) == ({"n": [1]}, {"k": {"n": [1]}})


def test_values_are_equal_where_they_know_the_same():
    """Of one type."""
    assert GCounter().increment("a", 0) == GCounter()
    assert GCounter() != PNCounter()
    assert repr(GCounter().increment("a")) == "GCounter(1)"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (None, "d.crdt"),
        ({}, "d.crdt"),
        ({"crdt": ["g_counter"]}, "d.crdt"),
        ({"crdt": "g_counter", "counts": []}, "d.counts"),
        ({"crdt": "g_counter", "counts": {"a": -1}}, "d.counts.a"),
        ({"crdt": "g_counter", "counts": {"a": True}}, "d.counts.a"),
        ({"crdt": "g_counter", "counts": {"": 1}}, "d.counts."),
        ({"crdt": "pn_counter", "up": {"a": "1"}}, "d.up.a"),
        ({"crdt": "pn_counter", "down": {"a": 2**63}}, "d.down.a"),
        ({"crdt": "lww_register", "time": 1}, "d.node"),
        ({"crdt": "lww_register", "time": 1.0, "node": "a"}, "d.time"),
        ({"crdt": "lww_register", "time": 1, "node": "a", "value": (1,)}, "d.value"),
        ({"crdt": "mv_register", "held": {}}, "d.held"),
        ({"crdt": "mv_register", "held": [["a", 1]]}, "d.held[0]"),
        ({"crdt": "mv_register", "held": [["a", 0, "x"]]}, "d.held[0][1]"),
        ({"crdt": "mv_register", "held": [["a", 1, "x"], ["a", 1, "y"]]}, "d.held"),
        ({"crdt": "mv_register", "seen": {"a": 1}}, "d.seen.a"),
        ({"crdt": "mv_register", "seen": {"a": [[2]]}}, "d.seen.a[0]"),
        ({"crdt": "mv_register", "seen": {"a": [[2, 1]]}}, "d.seen.a[0]"),
        ({"crdt": "or_set", "held": [["a", 1, 1.5]]}, "d.held[0][2]"),
        ({"crdt": "or_set", "seen": {"a": [[1, "2"]]}}, "d.seen.a[0][1]"),
        ({"crdt": "lww_map", "entries": {"k": 1}}, "d.entries.k"),
        ({"crdt": "lww_map", "entries": {"k": {"time": 1, "node": 2}}}, "d.entries.k.node"),
        ({"crdt": "lww_map", "entries": {1: {}}}, "d.entries"),
    ],
)
def test_damaged_data_is_told_by_its_place(data, place):
    """By one typed error, whatever is wrong with it."""
    with pytest.raises(InvalidDataError) as caught:
        from_data(data, path="d")
    assert caught.value.path == place


def test_data_of_another_type_is_not_taken_for_one():
    """Each type reads its own."""
    with pytest.raises(InvalidDataError, match="must be 'pn_counter', not 'g_counter'"):
        PNCounter.from_data(GCounter().to_data())


def test_only_two_values_of_one_type_are_merged_in_data():
    """A map of the user's own that looks like one is left to himself."""
    counter, other = GCounter().increment("a"), GCounter().increment("b", 2)
    assert merged_values(counter.to_data(), other.to_data()) == counter.merge(other).to_data()
    assert merged_values(counter.to_data(), PNCounter().to_data()) is None
    assert merged_values({"n": 1}, {"n": 1}) is None
    assert merged_values({"crdt": "mine"}, {"crdt": "mine"}) is None
    assert merged_values(counter.to_data(), {"crdt": "g_counter", "counts": 7}) is None


@pytest.mark.parametrize(("seconds", "is_new"), [(None, True), (4, True), (5, False), (6, False)])
def test_a_register_that_was_written_later_elsewhere_has_nothing_new(seconds, is_new):
    """Nor has the same one: what it would send loses everywhere."""
    since = LWWRegister() if seconds is None else LWWRegister().set("b" if seconds != 5 else "a", "x", at=at(seconds))
    register = LWWRegister().set("a", "x", at=at(5))
    assert register.delta(since) == (register if is_new else LWWRegister())


def test_values_that_know_different_things_differ():
    """Whichever of them is asked."""
    one, other = GCounter().increment("a"), GCounter().increment("a", 2)
    assert one != other
    assert other != one
