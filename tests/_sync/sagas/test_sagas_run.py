# Generated from tests/_async/sagas/test_sagas_run.py by .ci/generate_sync.py; do not edit.
"""A runner that goes on: sagas as they come due, some at a time, until it is drained."""
import pytest

from tai_state import BackendStore, MemoryStore, RetryPolicy
from tai_state._sync.sagas import runner as runner_module
from tai_state._sync.sagas.hands import Hands
from tai_state._sync.sagas.working import SagaWork
from tai_state._platform.backgrounds import Background
from tai_state._platform.tasks import sleep
from tai_state.sagas import SagaRunner, Saga, Step
from tests._sync.sagas.deeds import Deeds
from tests._sync.stores import UnreachableBackend
from tests.waits import SECONDS_MAX


@pytest.fixture
def store():
    """A store in memory."""
    return MemoryStore(actor="tester")


@pytest.fixture
def deeds():
    """A saga of three steps."""
    return Deeds()


def ended(runner, count):
    """Wait until so many sagas have completed."""
    found: list[str] = []
    for _ in range(int(SECONDS_MAX / 0.01)):
        found = [one.saga_id for one in runner.list_sagas("shop", status="completed")]
        if len(found) == count:
            return
        sleep(0.01)
    raise AssertionError(found)


def test_what_its_process_starts_is_run_at_once_with_few_hands(store, deeds):
    """However rarely it looks; a drain ends it."""
    runner = SagaRunner(store, [deeds.saga], poll=3600, concurrency=2)
    running = Background("runner", runner.run)
    for number in range(7):
        runner.start("shop", f"o-{number}", "order")
    ended(runner, 7)
    assert runner.drain()
    assert running.join(SECONDS_MAX)


def test_a_saga_that_takes_long_holds_up_no_other(store, deeds):
    """While a hand is free."""
    runner = SagaRunner(store, [deeds.saga], poll=3600, concurrency=2)
    running = Background("runner", runner.run)

    def long(ctx):
        del ctx
        ended(runner, 3)

    deeds.ends["reserve"] = [long, nothing]
    runner.start("shop", "long", "order")
    while not deeds.done:
        sleep(0.01)
    for number in range(3):
        runner.start("shop", f"o-{number}", "order")
    ended(runner, 4)
    assert runner.drain()
    assert running.join(SECONDS_MAX)


def test_a_store_that_is_drained_ends_it_between_two_steps(store, deeds):
    """In order, with all else of the store."""
    runner = SagaRunner(store, [deeds.saga], poll=3600)

    def drains(ctx):
        del ctx
        store.drain(timeout=0)

    deeds.ends["charge"] = [drains]
    runner.start("shop", "o-1", "order")
    running = Background("runner", runner.run)
    assert running.join(SECONDS_MAX)
    assert deeds.order == ["reserve", "charge"]
    other = SagaRunner(BackendStore(store.runtime.access.backend), [deeds.saga])
    assert other.run_due() == 1
    assert deeds.order == ["reserve", "charge", "ship"]


def test_it_goes_on_when_the_store_answers_again(store, deeds):
    """What was in hand is taken up again when its lease has ended."""
    backend = UnreachableBackend(store.runtime.access.backend)
    cut = BackendStore(backend, retry=RetryPolicy(attempts=1, deadline=0.2), actor="tester")
    runner = SagaRunner(cut, [deeds.saga], poll=0.05, lease=0.3)

    def cuts(ctx):
        del ctx
        backend.is_cut = True

    deeds.ends["charge"] = [cuts, nothing]
    runner.start("shop", "o-1", "order")
    running = Background("runner", runner.run)
    while not backend.is_cut:
        sleep(0.01)
    sleep(0.3)
    backend.is_cut = False
    ended(SagaRunner(store), 1)
    assert deeds.order.count("charge") >= 2
    assert runner.drain()
    assert running.join(SECONDS_MAX)


def test_what_nobody_foresaw_ends_it_with_an_error(store, deeds, monkeypatch):
    """A bug of the package's is not passed over in a thread."""

    def fails(*arguments):
        del arguments
        raise ZeroDivisionError

    runner = SagaRunner(store, [deeds.saga], poll=3600)
    monkeypatch.setattr(SagaWork, "_work_at", fails)
    runner.start("shop", "o-1", "order")
    with pytest.raises(ZeroDivisionError):
        runner.run()


def test_it_goes_on_when_another_call_of_the_same_runner_ends(store, deeds):
    """What is due may be asked for at once beside it, as by an endpoint."""
    runner = SagaRunner(store, [deeds.saga], poll=3600)
    runner.start("shop", "first", "order")
    running = Background("runner", runner.run)
    ended(runner, 1)
    assert runner.run_due() == 0
    runner.start("shop", "second", "order")
    ended(runner, 2)
    assert runner.drain()
    assert running.join(SECONDS_MAX)


def test_a_hand_that_becomes_free_the_moment_it_is_asked_for_is_used(store, deeds, monkeypatch):
    """What was found is not left until the next look."""
    free, asked = vars(Hands)["has_room"].fget, []

    def ends_behind_the_question(hands):
        asked.append(hands)
        if len(asked) > 1:
            return free(hands)
        hands._wake()
        return False

    monkeypatch.setattr(Hands, "has_room", property(ends_behind_the_question))
    runner = SagaRunner(store, [deeds.saga], poll=3600)
    runner.start("shop", "o-1", "order")
    running = Background("runner", runner.run)
    ended(runner, 1)
    assert runner.drain()
    assert running.join(SECONDS_MAX)


def test_a_saga_that_takes_long_holds_up_no_page_of_what_is_due(store, deeds, monkeypatch):
    """Its hand alone is busy: the others go on with what a look found no room for."""
    monkeypatch.setattr(runner_module, "BATCH", 2)
    runner = SagaRunner(store, [deeds.saga], concurrency=2)

    def long(ctx):
        del ctx
        ended(runner, 4)

    deeds.ends["reserve"] = [long, nothing]
    for number in range(5):
        runner.start("shop", f"o-{number}", "order")
    assert runner.run_due() == 5
    ended(runner, 5)


def test_much_that_is_due_of_one_saga_holds_up_no_other(store, monkeypatch):
    """Where a look ends with the first page of what is due, the next begins with another definition."""
    monkeypatch.setattr(runner_module, "BATCH", 2)
    ran = []

    def note(ctx):
        ran.append(ctx.saga_id)

    runner = SagaRunner(store, [Saga(name, [Step("a", note)]) for name in ("many", "few")], concurrency=1)
    for number in range(6):
        runner.start("shop", f"m-{number}", "many")
    runner.start("shop", "f", "few")
    assert runner.run_due() == 7
    assert ran.index("f") <= 2


def nothing(ctx):
    """Do nothing more."""
    del ctx
