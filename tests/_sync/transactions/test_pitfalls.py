# Generated from tests/_async/transactions/test_pitfalls.py by .ci/generate_sync.py; do not edit.
"""The pitfalls of atomic persistence that docs/pitfalls.md lists, as far as they are of what is read and written.

Those of time, of locks and of trying again: test_pitfalls_time.py.
"""
import pytest

from tai_state import (
    StateMachinePersister,
    RetriesExhaustedError,
    RetryPolicy,
    StaleReadError,
    VersionConflictError,
)
from tests._sync.accounts import (
    BANK,
    MeddledBackend,
    amount,
    amounts,
    open_accounts,
    put,
    transfer,
    manager_of,
    over,
)
from tests._sync.machines import COUNTER
from tests._sync.stores import contents

ONCE = RetryPolicy(attempts=1)


class Undone(Exception):  # noqa: N818 - a body's own reason to give up
    pass


def bank(place):
    """Return two stores of a place in which accounts of 100 are open, as two processes have them."""
    store, other = place.store(), place.store()
    open_accounts(other, a=100, b=100, c=100)
    return store, other


def test_a_forgotten_rollback_leaves_nothing(place):
    """Nobody has to undo anything: a body that fails has written nothing, and keeps nobody waiting."""
    store, other = bank(place)
    before = contents(other, BANK)

    def fails(tx):
        put(tx, "a", 0)
        put(tx, "d", 1)
        raise Undone

    with pytest.raises(Undone):
        manager_of(store).run(fails)
    with pytest.raises(Undone):
        with manager_of(store).begin() as tx:
            fails(tx)
    assert contents(other, BANK) == before
    other.save_state(BANK, "a", {"n": 99}, timeout=10)
    assert amounts(store, "a", "b") == [99, 100]


def test_no_update_is_partial(place):
    """Where the last of several writes is refused none is there, and no event of one."""
    _, other = bank(place)
    store, backend = over(place, MeddledBackend)

    def takes(tx):
        for name in ("a", "b", "c"):
            put(tx, name, amount(tx, name) - 1)

    backend.before_commits.append(lambda: other.save_state(BANK, "c", {"n": 7}))
    with pytest.raises(RetriesExhaustedError):
        manager_of(store, ONCE).run(takes)
    assert amounts(other, "a", "b", "c") == [100, 100, 7]
    events = [[event.version for event in other.get_events(BANK, name)] for name in ("a", "b", "c")]
    assert events == [[1], [1], [1, 2]]


def test_no_update_is_lost(place):
    """Two processes that both remember the state add to it, and who overwrites what he read long ago is refused."""
    store, other = place.store(), place.store()
    one, two = (StateMachinePersister(each, COUNTER) for each in (store, other))
    one.start("g", "s", {"n": 0})
    for _ in range(3):
        two.transition("g", "s", "add", 1)
        one.transition("g", "s", "add", 1)
    snapshot, version = other.get_state("g", "s")
    assert (snapshot.data["n"], version) == (6, 7)
    open_accounts(store, a=100)
    store.update_state(BANK, "a", {"n": 50}, 1)
    with pytest.raises(VersionConflictError):
        other.update_state(BANK, "a", {"n": 101}, 1)
    assert amounts(other, "a") == [50]


def test_no_read_is_dirty(place):
    """What is not committed nobody sees, whichever way he reads."""
    store, other = bank(place)
    seen = []

    def writes(tx):
        put(tx, "a", 0)
        seen.extend(amounts(other, "a"))
        seen.append((other.get_state(BANK, "a"))[0].data["n"])
        seen.append(manager_of(other).run(lambda another: amount(another, "a"), read_only=True))
        seen.append((StateMachinePersister(other).load_state(BANK, "a")).snapshot.data["n"])
        seen.append(len([event for event in other.get_events(BANK, "a")]))
        raise Undone

    with pytest.raises(Undone):
        manager_of(store).run(writes)
    assert seen == [100, 100, 100, 100, 1]


@pytest.mark.parametrize("read_only", [False, True])
def test_every_read_is_repeatable(place, read_only):
    """All that an attempt reads is of one moment, whoever moves money meanwhile."""
    store, other = bank(place)
    views, moves = [], ["once"]

    def adds_up(tx):
        before = amount(tx, "a")
        while moves:
            moves.pop()
            manager_of(other).run(lambda another: transfer(another, "a", "b", 30))
        views.append((before, amount(tx, "b"), amount(tx, "a")))
        return views[-1]

    last = manager_of(store).run(adds_up, read_only=read_only)
    assert {(a + b, again - a) for a, b, again in views} == {(200, 0)}
    assert last in {(100, 100, 100), (70, 130, 70)}


def test_no_write_is_skewed(place):
    """Two doctors on call who each leave only if the other one stays do not both leave."""
    store, other = place.store(), place.store()
    open_accounts(other, a=1, b=1)
    rivals = ["b"]

    def leaves(tx, name):
        on_call = amount(tx, "a") + amount(tx, "b")
        while name == "a" and rivals:
            rivals.pop()
            manager_of(other).run(lambda another: leaves(another, "b"))
        if on_call == 2:
            put(tx, name, 0)
        return on_call

    assert manager_of(store).run(lambda tx: leaves(tx, "a")) == 1
    assert amounts(other, "a", "b") == [1, 0]


def test_a_long_transaction_keeps_nobody_waiting(place):
    """While its body runs others read and write what it has read and written; then it begins anew."""
    store, other = bank(place)
    seen: list[int] = []

    def takes_long(tx):
        found = amount(tx, "a")
        put(tx, "a", found + 1)
        while len(seen) < 20:
            other.save_state(BANK, "a", {"n": len(seen)}, timeout=10)
            manager_of(other).run(lambda another: transfer(another, "b", "c", 1), timeout=10)
            seen.extend(amounts(other, "a"))
        return found

    assert manager_of(store).run(takes_long) == 19
    assert seen == list(range(20))
    assert amounts(other, "a", "b", "c") == [20, 80, 120]


def test_a_long_unit_of_work_is_refused_rather_than_waited_for(place):
    """What it rests on has changed by its end, and nothing of it is written."""
    store, other = bank(place)

    def block():
        with manager_of(store).begin() as tx:
            put(tx, "b", amount(tx, "a"))
            other.save_state(BANK, "a", {"n": 1}, timeout=10)

    with pytest.raises(StaleReadError):
        block()
    assert amounts(other, "a", "b") == [1, 100]
