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


@pytest.mark.parametrize(("seconds", "counts"), [(0, True), (5, True), (5.000001, False)])
def test_a_wait_that_is_not_renewed_counts_for_five_seconds(seconds, counts):
    """To the microsecond, by the store's clock."""
    document = Document(wait_path("a"), dict(wait_write(wait("a", "r", "b"), now=START).fields), START, START)
    assert (live_wait(document, at(seconds)) is not None) is counts


@pytest.mark.parametrize(("ttl", "seconds", "counts"), [(2, 2, True), (2, 2.1, False), (0.5, 0.6, False)])
def test_a_wait_says_itself_how_long_it_counts(ttl, seconds, counts):
    """Up to five seconds."""
    fields = {**wait_write(wait("a", "r", "b"), now=START).fields, "ttl_seconds": ttl}
    assert (live_wait(Document(wait_path("a"), fields, START, START), at(seconds)) is not None) is counts


@pytest.mark.parametrize(
    ("ttl", "is_one"), [(0, False), (-1, False), (1, True), (True, False), (86_400.0, True), (86_401, False)]
)
def test_a_wait_has_a_ttl_that_can_be(ttl, is_one):
    """More than nothing, a day at most, and a number."""
    fields = {**wait_write(wait("a", "r", "b"), now=START).fields, "ttl_seconds": ttl}
    document = Document(wait_path("a"), fields, START, START)
    if is_one:
        assert live_wait(document, START) is not None
    else:
        with pytest.raises(StoreError, match="its ttl is"):
            live_wait(document, START)


def test_a_wait_that_was_copied_elsewhere_is_none():
    """It would let somebody wait who does not."""
    fields = dict(wait_write(wait("b", "r", "c"), now=START).fields)
    for other in ("a", "c"):
        with pytest.raises(StoreError, match="it names the owner 'b'"):
            live_wait(Document(wait_path(other), fields, START, START), START)


def test_what_is_written_of_a_wait():
    """What older and newer releases read, and until when the engine is to keep it."""
    several = replace(wait("a", "r", "b"), edges=(Edge("r", "b", 1), Edge("s", "c", 7)), renewals=4)
    assert wait_write(several, now=at(1)).fields == {
        "format": 1,
        "owner": "a",
        "label": "A",
        "nonce": "n",
        "resource": "r",
        "holder": "b",
        "token": 1,
        "ttl_seconds": 5.0,
        "renewals": 4,
        "tai_expires_at": at(6),
        "others": [{"resource": "s", "holder": "c", "token": 7}],
    }
    assert wait("a", "r", "b").renewals == 0
    assert replace(several, renewals=5) == several


def test_the_victim_is_the_greatest_nonce():
    """Of releases that chose otherwise each cycle would have two victims, or none."""
    cycle = steps(wait("a", "r", "b", "n2"), wait("b", "r", "c", "n3"), wait("c", "r", "a", "n1"))
    assert victim(cycle).owner.id == "b"
