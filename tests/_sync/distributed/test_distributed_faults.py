# Generated from tests/_async/distributed/test_distributed_faults.py by .ci/generate_sync.py; do not edit.
"""Replies that are lost, and commits that come late: what is decided is done once, and what is told is so."""
import pytest

from tai_state.distributed import settle
from tai_state.errors import PreconditionFailedError
from tai_state.testing.faults import SimulatedCrash
from tests._sync.distributed.pair import (
    AT_ONCE,
    CALLS,
    ITEM,
    ORDER,
    Death,
    order,
    outcome_of,
    transaction,
)
from tests._sync.stores import in_memory

COMMITS = [5, 2]
"""How many commits a transaction makes in the store of the orders, which decides, and in that of the stock."""

each_commit = pytest.mark.parametrize(
    ("which", "at"), [(which, at) for which, commits in enumerate(COMMITS) for at in range(commits)]
)


@in_memory
def test_the_commits_are_counted(pair):
    """All of them: a commit that is added is tried, too."""
    for which, commits in enumerate(COMMITS):
        stores, backend = pair.faulty(which, 99, "fine")
        transaction(*stores).run(order)
        assert len(backend.sent) == commits
        stores[0].delete_state(*ORDER)


@each_commit
@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_what_is_lost_at_any_commit_changes_nothing(pair, which, at, fault):
    """The transaction is decided once, and both stores have it once."""
    stores, backend = pair.faulty(which, at, fault)
    assert transaction(*stores).run(order) == 4
    assert not backend.faults
    assert outcome_of(*pair.opened())


@in_memory
@each_commit
def test_a_commit_that_comes_when_all_is_over_changes_nothing(pair, which, at):
    """Its request was sent again as it is; that of the first one comes behind all that followed, and is refused."""
    stores, backend = pair.faulty(which, at, "late")
    transaction(*stores).run(order)
    late = backend.sent[at]
    with pytest.raises(PreconditionFailedError):
        backend.inner.commit(late, timeout=5.0)
    others = pair.opened()
    assert settle(others[0]) == settle(others[1], coordinator=others[0]) == 0
    assert outcome_of(*others)


@in_memory
@pytest.mark.parametrize("settles", [False, True], ids=["at once", "behind a settlement"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
def test_a_commit_of_a_dead_process_may_come_late(pair, at, settles):
    """Both stores agree, whether it arrives before others settle, or behind that; what was settled stays so."""
    death = Death(at)
    with pytest.raises(SimulatedCrash):
        transaction(*pair.dying(death), lease=AT_ONCE).run(order)
    if death.unsent is None:
        return
    others = pair.opened()
    before = None
    if settles:
        transaction(*others).recover()
        before = outcome_of(*others)
    death.deliver()
    transaction(*others).recover()
    assert outcome_of(*others) in ({False, True} if before is None else {before})


@in_memory
def test_a_prepare_that_comes_behind_the_abort_is_refused(pair):
    """All of its states were absent, and are again: the part that was closed refuses it."""

    def body(dtx):
        dtx["orders"].save_state(*ORDER, {})
        dtx["stock"].save_state("shop", "new", {})

    calls = 0
    while True:
        calls += 1
        death = Death(calls)
        with pytest.raises(SimulatedCrash):
            transaction(*pair.dying(death), lease=AT_ONCE).run(body)
        if death.unsent is not None and any(write.path.collection == "prepared" for write in death.unsent[1]):
            break
    others = pair.opened()
    transaction(*others).recover()
    assert not death.deliver()
    for store, name in zip(others, (ORDER[1], "new"), strict=True):
        assert store.find_state("shop", name) is None
        assert store.save_state("shop", name, {}) == 1
    assert (others[1].get_state(*ITEM))[1] == 1
