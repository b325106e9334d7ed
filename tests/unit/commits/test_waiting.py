"""Changes that wait by state: the oldest state first, each in its order, and nobody for ever."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from tai_state.documents import DocumentPath
from tai_state.rules.commits.waiting import Waiting


class Item(NamedTuple):
    """One that waits."""

    number: int
    path: DocumentPath


def filled(names):
    """Return what waits where items of these states came."""
    waiting: Waiting[Item] = Waiting()
    for number, name in enumerate(names):
        waiting.add(Item(number, DocumentPath("states", name)))
    return waiting


def taken(waiting, most, busy=""):
    """Return the states and numbers of what is taken."""
    return [(one.path.id, one.number) for one in waiting.take(most, {DocumentPath("states", name) for name in busy})]


def test_those_of_the_oldest_state_are_taken_together():
    """Then those of the next one, as far as they go."""
    waiting = filled("abacab")
    assert taken(waiting, 4) == [("a", 0), ("a", 2), ("a", 4), ("b", 1)]
    assert (len(waiting), waiting.first.number) == (2, 3)
    assert taken(waiting, 9) == [("c", 3), ("b", 5)]
    assert (len(waiting), list(waiting), taken(waiting, 1)) == (0, [], [])


def test_a_state_with_many_lets_the_others_come():
    """What is left of it waits behind those that are older than that."""
    waiting = filled("aaaabc")
    assert taken(waiting, 2) == [("a", 0), ("a", 1)]
    waiting.add(Item(6, DocumentPath("states", "a")))
    assert taken(waiting, 2) == [("a", 2), ("a", 3)]
    assert taken(waiting, 3) == [("b", 4), ("c", 5), ("a", 6)]


def test_those_of_busy_states_wait_in_their_places():
    """And are the oldest again when those are free."""
    waiting = filled("abab")
    assert taken(waiting, 9, busy="a") == [("b", 1), ("b", 3)]
    assert taken(waiting, 9, busy="a") == []
    assert (len(waiting), waiting.first.number) == (2, 0)
    assert taken(waiting, 9) == [("a", 0), ("a", 2)]


@given(st.lists(st.tuples(st.text("abc", max_size=6), st.integers(1, 4), st.sets(st.sampled_from("abc"), max_size=2))))
def test_each_is_taken_once_and_in_the_order_of_its_state(rounds):
    """Whatever comes between; the oldest one that is not held back is always among them."""
    waiting: Waiting[Item] = Waiting()
    put: list[Item] = []
    out: list[Item] = []
    for names, most, busy in [*rounds, *([("", 4, set())] * (2 * len(rounds) + 2))]:
        for name in names:
            put.append(Item(len(put), DocumentPath("states", name)))
            waiting.add(put[-1])
        free = [one for one in put if one not in out and one.path.id not in busy]
        found = waiting.take(most, {DocumentPath("states", name) for name in busy})
        assert found[:1] == free[:1]
        assert len(found) == min(most, len(free))
        out += found
        assert len(waiting) == len(put) - len(out)
        assert sorted(waiting) == sorted(set(put) - set(out))
    assert sorted(out) == put
    for name in "abc":
        assert [one.number for one in out if one.path.id == name] == [one.number for one in put if one.path.id == name]
