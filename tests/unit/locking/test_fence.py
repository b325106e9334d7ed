"""What guards a commit: the leases that it carries, and the tokens that never fall."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.documents import UpdatedAt
from tai_state.errors import FencedOutError
from tai_state.rules.locking.fence import Fence, check_leases
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
