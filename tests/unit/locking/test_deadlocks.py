"""Who waits for whom: a cycle has one victim, and leases that stand confirm it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.documents import Document
from tai_state.errors import StoreError
from tai_state.rules.locking.deadlocks import (
    WAIT_SECONDS,
    Edge,
    Step,
    Wait,
    is_confirmed,
    live_wait,
    victim,
    wait_path,
    wait_write,
)
from tai_state.rules.locking.owners import Owner
from tests.unit.locking.leases import START, at, lease


def wait(owner: str, resource: str, holder: str, nonce: str = "n") -> Wait:
    return Wait(owner=Owner(owner.upper(), owner), nonce=nonce, edges=(Edge(resource, holder, 1),))


def test_a_wait_counts_for_some_seconds():
    """And comes back as it was written, with all its edges."""
    one = wait("a", "r", "b")
    several = replace(one, edges=(*one.edges, Edge("s", "c", 7)))
    for each in (one, several):
        document = Document(wait_path("a"), dict(wait_write(each, now=START).fields), START, START)
        assert live_wait(document, at(WAIT_SECONDS)) == each
        assert live_wait(document, at(WAIT_SECONDS + 0.1)) is None
    assert live_wait(None, START) is None


def test_a_wait_of_an_older_build_counts_no_longer():
    """Though it says so, and has no name beside its owner's."""
    fields = {**wait_write(wait("a", "r", "b"), now=START).fields, "ttl_seconds": 3600.0}
    del fields["label"]
    document = Document(wait_path("a"), fields, START, START)
    assert live_wait(document, at(1)) == replace(wait("a", "r", "b"), owner=Owner("a", "a"))
    assert live_wait(document, at(WAIT_SECONDS + 0.1)) is None


@pytest.mark.parametrize(
    "change", [{"owner": 1}, {"token": "1"}, {"token": True}, {"ttl_seconds": 1e300}, {"ttl_seconds": None}], ids=str
)
def test_a_foreign_document_is_no_wait(change):
    """A typed error names it."""
    fields = {**wait_write(wait("a", "r", "b"), now=START).fields, **change}
    with pytest.raises(StoreError, match="waits/a is no wait"):
        live_wait(Document(wait_path("a"), fields, START, START), START)


def steps(*waits: Wait) -> list[Step]:
    return [Step(one, one.edges[0]) for one in waits]


def test_a_cycle_is_confirmed_by_leases_that_stand():
    """Each held by the next one, under the token that was waited for, and not run out."""
    cycle = steps(wait("a", "y", "b"), wait("b", "x", "a"))
    leases = {name: lease(resource=name, holder=holder, fencing_token=1) for name, holder in (("y", "b"), ("x", "a"))}
    assert is_confirmed(cycle, leases, at(1))
    assert not is_confirmed(cycle, leases, at(11))
    assert not is_confirmed(cycle, {"y": leases["y"]}, at(1))
    for change in ({"holder": "c"}, {"holder": None}, {"fencing_token": 2}, {"owner_id": "another called a"}):
        assert not is_confirmed(cycle, {**leases, "x": replace(leases["x"], **change)}, at(1))


@given(st.lists(st.text(min_size=1), min_size=2, max_size=6, unique=True), st.integers(0, 5))
def test_every_member_of_a_cycle_chooses_the_same_victim(nonces, turn):
    """Wherever it begins to count."""
    cycle = steps(*(wait(f"o{n}", "r", "h", nonce) for n, nonce in enumerate(nonces)))
    turn %= len(cycle)
    assert victim(cycle) == victim(cycle[turn:] + cycle[:turn])
