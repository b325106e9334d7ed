"""Which events an event of a branch follows, as far as that is known."""

from dataclasses import replace

import pytest

from tai_state.rules.records.branches import Held, Ref
from tai_state.rules.records.occasional import Foreign
from tests.unit.commits.made import lived

FIRST, SECOND = (one.event for one in lived(2))
BEFORE = Ref("store-0", 1, SECOND.previous_hash)


@pytest.mark.parametrize(
    ("event", "origin", "parents", "is_first"),
    [
        (FIRST, None, [], False),
        (FIRST, "store-0", [], False),
        (SECOND, None, [], True),
        (SECOND, "store-0", [BEFORE], False),
    ],
    ids=["the first of all", "no store made one before it", "behind what was trimmed", "behind one that is known"],
)
def test_an_event_follows_the_one_before_where_its_store_is_known(event, origin, parents, is_first):
    """The first one follows none."""
    held = Held(event, origin)
    assert (held.parents, held.is_first) == (parents, is_first)


def test_a_merge_follows_the_foreign_event_too():
    """Behind its own; or alone, where nothing is known of that."""
    foreign = Ref("store-9", 4, "f" * 64)
    merge = replace(SECOND, foreign_parent=Foreign(*foreign))
    assert Held(merge, "store-0").parents == [BEFORE, foreign]
    assert Held(merge, None).parents == [foreign]
