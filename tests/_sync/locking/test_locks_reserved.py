# Generated from tests/_async/locking/test_locks_reserved.py by .ci/generate_sync.py; do not edit.
"""Names that begin with ``tai_state:`` are the package's own: no user's lock, and no owner, has one."""
import pytest

from tai_state import LockManager, TransactionManager, InvalidIdError, LockInfo, lock_owner
from tests._sync.stores import in_memory

RESERVED = ["tai_state:", "tai_state:queue:1", "tai_state:serialize:hot"]


def held_in(hold):
    with hold:
        raise AssertionError


CALLS = {
    "acquire": lambda locks, name: locks.acquire(name),
    "try_acquire": lambda locks, name: locks.try_acquire(name),
    "acquire_many": lambda locks, name: locks.acquire_many(["free", name]),
    "hold": lambda locks, name: held_in(locks.hold(name)),
    "owner": lambda locks, name: locks.acquire("free", owner=name),
    "owner of one try": lambda locks, name: locks.try_acquire("free", owner=name),
    "owner of many": lambda locks, name: locks.acquire_many(["free"], owner=name),
}


@in_memory
@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_reserved_name_is_refused(place, call, name):
    """By an error that names the prefix, and before anything is asked."""
    store, backend = place.counting()
    with pytest.raises(InvalidIdError, match="'tai_state:', which is reserved") as caught:
        call(LockManager(store), name)
    assert caught.value.value == name
    assert backend.calls == []


@pytest.mark.parametrize("name", RESERVED)
def test_a_block_owns_under_no_reserved_name(name):
    """On entering it."""
    with pytest.raises(InvalidIdError, match="owner 'tai_state:"), lock_owner(name):
        pass


@pytest.mark.parametrize("name", ["tai_state", "tai_state/a", "my tai_state:", "TAI_STATE:a"])
def test_a_name_that_is_only_like_it_is_free(store, name):
    """The prefix is the whole of it."""
    lock = LockManager(store).acquire(name, owner=name)
    lock.release()


def test_a_user_may_look_at_a_reserved_lock_and_break_it(store):
    """What hangs can be found, and freed by hand; and the package takes it all the same."""
    locks = LockManager(store)
    seen: list[LockInfo | None] = []

    def body(tx):
        seen.append(locks.inspect("tai_state:serialize:hot"))
        assert seen[-1] is not None
        locks.break_lock("tai_state:serialize:hot", seen[-1].fencing_token, "test")
        tx.save_state("g", "s", {})

    TransactionManager(store).run(body, serialize="hot")
    assert seen[0] is not None
    assert seen[0].held
    assert [one.resource for one in locks.list()] == ["tai_state:serialize:hot"]
