# Generated from tests/_async/transactions/test_transactions_reads.py by .ci/generate_sync.py; do not edit.
"""What a body sees: one moment, its own writes on top, and nothing any more once that moment is gone."""
import pytest

from tai_state import (
    BackendStore,
    StateMachinePersister,
    Transaction,
    Capability,
    RetriesExhaustedError,
    RetryPolicy,
    StaleReadError,
    StateNotFoundError,
    StoreError,
    StoreUnavailableError,
    UnsupportedOperationError,
)
from tai_state._platform.tasks import together
from tai_state.testing.clock import ManualClock
from tests._sync.accounts import (
    BANK,
    MeddledBackend,
    PresentBackend,
    TearingBackend,
    amount,
    amounts,
    open_accounts,
    put,
    transfer,
    manager_of,
    over,
)
from tests._sync.machines import COUNTER
from tests._sync.stores import WrappedBackend


class Impossible(Exception):  # noqa: N818 - what a body says of a view that cannot be
    pass


@pytest.fixture
def other(place):
    """Another writer in the same place, where two accounts hold 100 together."""
    store = place.store()
    open_accounts(store, a=100, b=0)
    return store


def mover(other):
    """Return a call by which the other writer moves 10 from a to b, in one transaction."""

    def move():
        manager_of(other).run(lambda tx: transfer(tx, "a", "b", 10))

    return move


@pytest.mark.parametrize("read_only", [True, False])
def test_all_reads_are_of_one_moment(place, other, read_only):
    """The first one's; or what was read before is read again with what is new, and what has changed is read anew."""
    store = place.store()
    seen: list[int] = []

    def body(tx):
        first = amount(tx, "a")
        if not seen:
            mover(other)()
        seen.append(first)
        return first + amount(tx, "b")

    assert manager_of(store).run(body, read_only=read_only) == 100
    assert seen == ([100] if Capability.READ_AT in store.capabilities else [100, 90])


@pytest.mark.parametrize("kind", [WrappedBackend, PresentBackend], ids=["as it is", "present alone"])
def test_single_reads_beside_a_steady_writer_end(place, other, kind):
    """Somebody writes before each of them: no attempt is lost, or one, whose reads the next makes in one go."""
    store, _ = over(place, kind)
    runs = []

    def body(tx):
        runs.append(1)
        total = 0
        for name in ("a", "b"):
            mover(other)()
            total += amount(tx, name)
        return total

    assert manager_of(store).run(body, read_only=True) == 100
    assert len(runs) == (1 if Capability.READ_AT in store.capabilities else 2)


def test_writes_on_what_was_read_of_the_past_are_refused_where_it_has_changed(place, other):
    """The commit checks every read, of whatever time it was."""
    store = place.store()
    runs: list[int] = []
    seen: list[tuple[int, int]] = []

    def body(tx):
        runs.append(1)
        first = amount(tx, "a")
        if len(runs) == 1:
            mover(other)()
        seen.append((first, amount(tx, "b")))
        put(tx, "c", sum(seen[-1]))

    manager_of(store).run(body)
    assert seen[-1] == (90, 10)
    assert len(runs) == 2
    assert amounts(other, "c") == [100]


def test_a_body_that_takes_too_long_for_the_past_reads_the_present(place, other):
    """Engines forget what was: then the reads are compared, as elsewhere."""
    clock = ManualClock()
    store = BackendStore(place.store().runtime.access.backend, clock=clock)
    seen: list[int] = []

    def body(tx):
        first = amount(tx, "a")
        clock.advance(601)
        if not seen:
            mover(other)()
        seen.append(first)
        return first + amount(tx, "b")

    assert manager_of(store).run(body, read_only=True, timeout=6_000) == 100
    assert seen == [100, 90]


def test_reads_that_stand_are_not_run_again(place, other):
    """Bit by bit, one request each, and none for what is known."""
    store, backend = place.counting()

    def body(tx):
        for name in ("a", "b", "a", "b", "c"):
            tx.find_state(BANK, name)

    manager_of(store).run(body, read_only=True)
    # Where batches may be torn, one more read tells whether the single ones were of one moment.
    may_tear = {Capability.READ_AT, Capability.STEADY_READS} & backend.capabilities == {Capability.READ_AT}
    # And one look says that c never was.
    assert backend.taken() == ["get_many", "get_many", "get_many", "scan", *(["get_many"] if may_tear else [])]


def test_a_stale_body_cannot_commit(place, other):
    """Whoever catches the error can neither go on nor commit: the attempt is over."""
    store, _ = over(place, PresentBackend)
    caught: list[Exception] = []

    def body(tx):
        amount(tx, "a")
        if not caught:
            mover(other)()
        try:
            amount(tx, "b")
        except StaleReadError as error:
            caught.append(error)
            for call in (lambda: amount(tx, "a"), lambda: put(tx, "b", 1)):
                with pytest.raises(StaleReadError):
                    call()
            return "stale"
        put(tx, "c", 1)
        return "fresh"

    assert manager_of(store).run(body) == "fresh"
    assert len(caught) == 1


@pytest.mark.parametrize("read_only", [True, False])
def test_a_body_that_hides_that_it_is_stale_is_given_up(place, other, read_only):
    """Each attempt counts, whatever the body returns or raises."""
    store, _ = over(place, PresentBackend)
    runs = []

    def body(tx):
        runs.append(1)
        if not read_only:
            put(tx, "c", 1)
        amount(tx, "a")
        mover(other)()
        # One that no attempt before has asked for: it is not read ahead. And it is younger than what was read.
        other.save_state(BANK, f"b-{len(runs)}", {})
        try:
            tx.find_state(BANK, f"b-{len(runs)}")
        except StaleReadError:
            if len(runs) % 2:
                raise Impossible from None
        return "done"

    with pytest.raises(RetriesExhaustedError) as caught:
        manager_of(store).run(body, read_only=read_only)
    assert isinstance(caught.value.__cause__, StaleReadError)
    assert len(runs) == 5
    assert other.find_state(BANK, "c") is None


def test_calls_side_by_side_are_of_one_moment(place, other):
    """A body may have several under way: they wait for each other."""
    store, backend = over(place, MeddledBackend)
    backend.before_reads += [lambda: amounts(other, "a"), mover(other)]
    total = []

    def body(tx):
        amounts = together([lambda: amount(tx, "a"), lambda: amount(tx, "b")])
        total.append(sum(amounts))

    manager_of(store).run(body)
    assert total == [100]


def test_changes_side_by_side_follow_each_other(place, other):
    """Two moves of one state at the same time are two events."""
    versions: list[int] = []

    def body(tx):
        versions[:] = together([lambda: put(tx, "a", 1), lambda: put(tx, "a", 2)])

    manager_of(other).run(body)
    assert sorted(versions) == [2, 3]
    assert [event.version for event in other.get_events(BANK, "a")] == [1, 2, 3]


def test_read_only_refuses_to_write(place, other):
    """By every method that would."""
    store, backend = place.counting()
    persister = StateMachinePersister(store, COUNTER)
    calls = [
        lambda tx: put(tx, "a", 1),
        lambda tx: tx.update_state(BANK, "a", {}, 1),
        lambda tx: tx.delete_state(BANK, "a"),
        lambda tx: tx.start(persister, BANK, "c"),
        lambda tx: tx.transition(persister, BANK, "a", "add"),
    ]
    for call in calls:
        with pytest.raises(UnsupportedOperationError, match="read_only"):
            manager_of(store).run(call, read_only=True)
    assert backend.taken() == []


def test_read_only_costs_reads_alone(place, other):
    """One request for what is read in one go, and no record."""
    store, backend = place.counting()
    batch = manager_of(store).run(lambda tx: tx.batch_get_states(BANK, ["a", "b"]), read_only=True)
    assert sorted(batch.found) == ["a", "b"]
    assert backend.taken() == ["get_many"]
    assert [one for one in manager_of(other).list_transactions()] == []


def test_nothing_of_a_transaction_works_after_it(place, other):
    """Every method of a transaction that was committed says so."""
    kept: list[Transaction] = []
    persister = StateMachinePersister(other, COUNTER)
    manager_of(other).run(lambda tx: keep(tx, kept))
    (tx,) = kept
    calls = [
        lambda: tx.get_state(BANK, "a"),
        lambda: tx.find_state(BANK, "a"),
        lambda: tx.batch_get_states(BANK, ["a"]),
        lambda: put(tx, "a", 1),
        lambda: tx.update_state(BANK, "a", {}, 1),
        lambda: tx.delete_state(BANK, "a"),
        lambda: tx.start(persister, BANK, "c"),
        lambda: tx.transition(persister, BANK, "a", "add"),
    ]
    for call in calls:
        with pytest.raises(StoreError, match="ended"):
            call()


def test_an_attempt_that_was_rerun_is_over(place, other):
    """The transaction of the first attempt is not that of the second."""
    kept: list[Transaction] = []
    store, backend = over(place, MeddledBackend)
    backend.before_commits.append(mover(other))

    def body(tx):
        if kept:
            with pytest.raises(StoreError, match="ended"):
                put(kept[0], "a", 1)
        keep(tx, kept)
        put(tx, "b", 1)

    manager_of(store).run(body)
    assert len(kept) == 2


def keep(tx, kept):
    amount(tx, "a")
    kept.append(tx)


# An engine whose batches may be torn beside writers, as the emulator's are.


def test_a_torn_view_cannot_make_a_body_fail(place, other):
    """What it raised because of what never was is no verdict; it runs again."""
    store, backend = over(place, TearingBackend)
    backend.between.append(mover(other))
    runs = []

    def body(tx):
        runs.append(1)
        found = (tx.batch_get_states(BANK, ["a", "b"])).found
        if found["a"].data["n"] + found["b"].data["n"] != 100:
            raise Impossible
        return "sound"

    assert manager_of(store).run(body) == "sound"
    assert len(runs) == 2


def test_a_torn_view_cannot_be_returned(place, other):
    """Without writes there is no commit that would check it: one consistent read does."""
    store, backend = over(place, TearingBackend)
    backend.between.append(mover(other))

    def body(tx):
        found = (tx.batch_get_states(BANK, ["a", "b"])).found
        return found["a"].data["n"] + found["b"].data["n"]

    assert manager_of(store).run(body) == 100
    assert backend.consistent_reads > 0


def test_a_torn_view_cannot_be_committed(place, other):
    """The commit checks every document."""
    store, backend = over(place, TearingBackend)
    backend.between.append(mover(other))

    def body(tx):
        found = (tx.batch_get_states(BANK, ["a", "b"])).found
        put(tx, "c", found["a"].data["n"] + found["b"].data["n"])

    manager_of(store).run(body)
    assert amounts(other, "c") == [100]


def test_read_only_asks_for_a_consistent_read(place, other):
    """Nothing would check it later."""
    store, backend = over(place, TearingBackend)
    backend.between.append(mover(other))
    manager_of(store).run(lambda tx: tx.batch_get_states(BANK, ["a", "b"]), read_only=True)
    assert backend.between, "no torn read was made"


def test_an_exception_on_a_sound_view_passes(place, other):
    """After one consistent read; for a single document after none."""
    store, backend = over(place, TearingBackend)

    def body(tx):
        tx.batch_get_states(BANK, ["a", "b"])
        raise Impossible

    with pytest.raises(Impossible):
        manager_of(store).run(body)
    before = backend.consistent_reads
    with pytest.raises(StateNotFoundError):
        manager_of(store).run(lambda tx: tx.get_state(BANK, "c"))
    assert backend.consistent_reads == before, "no engine tears a read of one document"


def test_an_exception_on_a_view_that_cannot_be_confirmed(place, other):
    """Is no verdict either: the store's error is raised, with the body's behind it."""
    _, backend = over(place, TearingBackend)
    store = BackendStore(backend, retry=RetryPolicy(attempts=2, wait_initial=0.0, wait_max=0.0))

    def away(paths, *, timeout, consistent=True):
        raise StoreUnavailableError

    def body(tx):
        tx.batch_get_states(BANK, ["a", "b"])
        backend.get_many = away
        raise Impossible

    with pytest.raises(RetriesExhaustedError) as caught:
        manager_of(store).run(body)
    assert isinstance(caught.value.__cause__, StoreUnavailableError)
    behind = caught.value.__cause__.__context__
    assert isinstance(behind, Impossible)
