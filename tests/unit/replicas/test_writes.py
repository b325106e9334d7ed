"""What becomes of concurrent writes: the same, in whichever order somebody came upon them."""

from dataclasses import replace
from itertools import permutations

import pytest

from tai_state import ConflictResolutionError, InvalidDataError
from tai_state.causality import Causal, Custom, HighestVersion, LastWriteWins, MergeFields, Resolution
from tai_state.codec import Payload
from tai_state.rules.replicas.standing import content_digest, same_node
from tai_state.rules.replicas.writes import left_by_erasures, met, resolved
from tests.unit.commits.made import at, lived


def write(name, seconds=1, **changes):
    """Return a write of a store of this name, which no other has seen."""
    event = lived(1)[0].event
    said = {
        "origin": name,
        "causality": {"base": 1, name: 1},
        "timestamp": at(seconds),
        "to_state": Payload.of({"n": name, name: 1}),
        "hash": (name * 64)[:64],
    }
    return replace(event, **{**said, **changes})


def joined(earlier, later, _):
    """Put the names together: neither commutative nor associative."""
    return {"n": f"({earlier.data['n']}{later.data['n']})"}


WRITES = [write("a"), write("b"), write("c", 2)]
RESOLVERS = [LastWriteWins(), Causal(), HighestVersion(), MergeFields(), Custom(joined)]


@pytest.mark.parametrize("resolver", RESOLVERS, ids=lambda resolver: resolver.name)
def test_the_order_in_which_writes_are_found_does_not_matter(resolver):
    """Though the resolver be neither commutative nor associative."""
    found = {
        content_digest(replace(WRITES[0], to_state=resolved(order, None, resolver).target().data))
        for order in permutations(WRITES)
    }
    assert len(found) == 1


def test_all_of_three_are_resolved():
    """One after the other, the last one last."""
    writes = [write("c", 3), write("a", 1), write("b", 2)]
    assert resolved(writes, None, Custom(joined)).target().data.value() == {"n": "((ab)c)"}


def test_what_all_know_is_what_they_have_in_common():
    """Of each writer the least."""
    assert met(WRITES).root == {"base": 1}
    assert met([write("a", causality={"x": 3, "y": 1}), write("b", causality={"x": 2})]).root == {"x": 2}


def test_what_does_not_know_of_an_erasure_does_not_count():
    """What knows of it does, and the erasure itself; where there is nothing else, all do."""
    tombstone = write("a", kind="erase", causality={"a": 2})
    before, behind = write("b", causality={"b": 1}), write("c", causality={"a": 2, "c": 1})
    assert left_by_erasures([tombstone, before], [{"a": 2}]) == [tombstone]
    assert left_by_erasures([before, behind], [{"a": 2}]) == [behind]
    assert left_by_erasures([before], [{"a": 2}]) == [before]
    assert left_by_erasures([before, behind], []) == [before, behind]


@pytest.mark.parametrize("kind", ["delete", "transition", "save", "update", "start", "merge"])
def test_no_other_write_counts_as_an_erasure_does(kind):
    """Whatever it is called: one that does not know of the erasure, not even a deletion, brings nothing back."""
    tombstone = write("a", kind="erase", causality={"a": 2})
    assert left_by_erasures([write("b", kind=kind, causality={"b": 1}), tombstone], [{"a": 2}]) == [tombstone]


def test_a_resolution_is_of_one_of_the_versions():
    """Somebody else's is refused, and so is what cannot be stored."""

    class Strange:
        governor_id, state_id, deleted = "g", "s", False

    with pytest.raises(ConflictResolutionError, match="one of the versions"):
        resolved(WRITES, None, Custom(lambda *_: Resolution(Strange(), {}, {})))  # type: ignore[arg-type]
    with pytest.raises(InvalidDataError, match="labels"):
        resolved(WRITES, None, Custom(lambda one, *_: Resolution(one, {}, {"k": ""}))).target()


def test_a_tombstone_has_no_data():
    """Whatever a resolver says of it."""
    writes = [write("a"), write("b", 3, deleted=True)]
    merged = resolved(writes, None, Custom(lambda _, later, __: Resolution(later, {"n": 1}, {})))
    assert (merged.target().deleted, merged.target().data.value()) == (True, {})


@pytest.mark.parametrize(
    ("ours", "theirs", "node"),
    [
        ({"s1/edge": 1}, {"s2/edge": 1}, "edge"),
        ({"s1/edge": 1}, {"s1/edge": 2}, None),
        ({"s1/edge": 1, "s2/edge": 1}, {"s2/edge": 2}, None),
        ({"s1/edge": 1}, {"s2/hub": 1}, None),
        ({"s1": 1}, {"s2": 1}, None),
    ],
)
def test_one_name_of_two_writers_who_do_not_know_of_each_other_is_found(ours, theirs, node):
    """A store that took another id, whose history both know, is none."""
    assert same_node(ours, theirs) == node
