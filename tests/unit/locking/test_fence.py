"""What guards a commit: the leases that it carries, and the tokens that never fall."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.documents import UpdatedAt
from tai_state.errors import FencedOutError
from tai_state.rules.locking.fence import Fence, check_leases
from tests.unit.copies import copied
from tests.unit.locking.leases import PATH, START, at, lease, stored


def test_a_guard_carries_every_lease_and_raises_it():
    """So that the commit fails where one of them has changed, and renews them otherwise."""
    leases = (lease(), lease(resource="s", fencing_token=7, update_time=at(1)))
    later, writes = Fence(leases).renewed(), Fence(leases).writes()
    assert [one.renewals for one in later] == [1, 1]
    assert [write.precondition for write in writes] == [UpdatedAt(START), UpdatedAt(at(1))]
    assert Fence(leases).token == 3


@given(st.lists(st.integers(1, 20), max_size=30))
def test_the_tokens_that_write_a_state_never_fall(tokens):
    """Whatever tries, in whatever order; equal ones are the same holder's."""
    fences: Any = {}
    written: list[int] = []
    for token in tokens:
        try:
            fences = Fence((lease(fencing_token=token),)).fences(fences)
            written.append(token)
        except FencedOutError as error:
            assert (error.token, error.current) == (token, max(written))  # noqa: PT017 - the rest is written
    assert written == sorted(written)


def test_a_lease_as_it_stands_in_the_store_is_ours_or_refused():
    """A renewal of our own is taken over; a grant that is not ours is an error with its token."""
    again = lease(renewals=4, update_time=at(3))
    assert check_leases([lease()], {PATH: stored(again)}) == (again,)
    for other, current in (
        (lease(holder=None), 3),
        (lease(nonce="entry", holder=None), 3),
        (lease(nonce="n2", holder="b", fencing_token=4), 4),
    ):
        with pytest.raises(FencedOutError) as caught:
            check_leases([lease()], {PATH: stored(other)})
        assert (caught.value.token, caught.value.current) == (3, current)
    with pytest.raises(FencedOutError):
        check_leases([lease()], {})


def test_a_state_remembers_the_locks_that_wrote_it_last():
    """Sixteen of them, in the order in which they wrote."""
    fences: Any = {}
    for number in range(17):
        fences = Fence((lease(resource=f"r{number:02}", fencing_token=number + 1),)).fences(fences)
    assert list(fences.items()) == [(f"r{number:02}", number + 1) for number in range(1, 17)]
    again = Fence((lease(resource="r05", fencing_token=6),)).fences(fences)
    assert list(again)[-2:] == ["r16", "r05"]
    assert len(again) == 16


def test_an_event_has_the_token_of_the_first_lock():
    """None where it was made without one."""
    assert Fence(()).token is None
    assert Fence((lease(fencing_token=9), lease(resource="s", fencing_token=2))).token == 9


def test_a_lease_that_comes_from_a_store_is_known_by_what_it_says():
    """Its texts are equal, and other objects; another holder or nonce, lower or higher, is another lease's."""
    ours = lease(holder="holder-5", nonce="nonce-5")
    same = lease(holder=copied("holder-5"), nonce=copied("nonce-5"))
    assert check_leases([ours], {PATH: stored(same)}) == (same,)
    for change in ({"holder": "holder-4"}, {"holder": "holder-6"}, {"nonce": "nonce-4"}, {"nonce": "nonce-6"}):
        with pytest.raises(FencedOutError) as caught:
            check_leases([ours], {PATH: stored(lease(**{"holder": "holder-5", "nonce": "nonce-5", **change}))})
        assert caught.value.current == 3
    with pytest.raises(FencedOutError) as caught:
        check_leases([ours], {})
    assert caught.value.current == 0
