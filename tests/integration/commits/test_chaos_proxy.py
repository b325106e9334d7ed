"""Each fault of the chaos proxy does to a Commit what it says, on the real emulator, and nothing to a read."""

import time
from contextlib import suppress

import grpc
import pytest

from tai_state import LockConfig, LockManager, OutcomeUnknownError, RetryPolicy, StateMachinePersister, connect
from tai_state.documents import DocumentPath, MustNotExist, Put
from tai_state.errors import PreconditionFailedError
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tests._sync.machines import COUNTER
from tests.chaos.faults import Fault, Plan
from tests.chaos.proxy import UNTIL_TOLD, Client, Proxy
from tests.waits import eventually

pytestmark = pytest.mark.emulator

ONCE = RetryPolicy(attempts=1, attempt_timeout=30.0)
LATE_SECONDS = 0.4
WAIT_SECONDS = 60.0
REFUSED = grpc.StatusCode.FAILED_PRECONDITION.value[0]


class Witness:
    """A victim that nothing happens to; it notes what the store held when it was aimed at."""

    def __init__(self, stored):
        self._stored = stored
        self.seen = []

    def kill(self):
        self.seen.append(("kill", self._stored()))
        return True

    def freeze(self):
        self.seen.append(("freeze", self._stored()))
        return True

    def thaw(self):
        self.seen.append(("thaw", self._stored()))


@pytest.fixture
def stored(tai_state_emulator):
    """What tells how many moves are stored, past the proxy."""
    persister = StateMachinePersister(tai_state_emulator, COUNTER)
    persister.start("g", "s", {"n": 0})
    return lambda: tai_state_emulator.get_state("g", "s")[1] - 1


@pytest.fixture
def witness(stored):
    """Who is aimed at."""
    return Witness(stored)


@pytest.fixture
def proxy(tai_state_emulator_server, stored):
    """A proxy before the emulator."""
    with Proxy(tai_state_emulator_server.host) as proxy:
        yield proxy
    assert proxy.failures == []


@pytest.fixture
def behind(proxy, witness, tai_state_project, monkeypatch):
    """What opens a persister behind the proxy whose first Commit meets a fault."""
    opened = []

    def behind(*faults, retry=ONCE, seconds=LATE_SECONDS):
        plan = Plan("", faults, dict.fromkeys(Fault, (seconds, seconds)))
        monkeypatch.setenv(HOST_VARIABLE, proxy.listen(Client(plan, lambda: witness)))
        store = connect(f"firestore://{tai_state_project}", actor="tester", retry=retry)
        opened.append(store)
        store.get_state("g", "s")
        return StateMachinePersister(store, COUNTER)

    yield behind
    for store in opened:
        store.close()


def lost_replies(caplog):
    """Return how many attempts ended without a verdict, as the client's log tells."""
    return [getattr(record, "event", None) for record in caplog.records].count("ambiguous")


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.HOLE_AFTER, Fault.KILL_AFTER])
def test_a_lost_reply_is_that_of_a_commit_that_was_applied(behind, stored, proxy, fault, caplog):
    """The client hears nothing, and the move is stored."""
    # The one read that it has left may tell it of its move, if the broken connection lets it.
    with suppress(OutcomeUnknownError):
        behind(fault).transition("g", "s", "add", 1)
    assert lost_replies(caplog) == 1
    assert stored() == 1
    assert proxy.counts == {fault: 1}


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.HOLE_BEFORE])
def test_a_lost_request_is_never_applied(behind, stored, proxy, fault):
    """Neither then nor later."""
    with pytest.raises(OutcomeUnknownError):
        behind(fault).transition("g", "s", "add", 1)
    time.sleep(LATE_SECONDS)
    assert stored() == 0
    assert proxy.counts == {fault: 1}


@pytest.mark.parametrize("fault", [Fault.ZOMBIE, Fault.KILL_BEFORE])
def test_a_zombie_is_applied_when_its_client_is_gone(behind, stored, proxy, fault):
    """The client is reset at once, and its Commit is delivered later."""
    with pytest.raises(OutcomeUnknownError):
        behind(fault, seconds=UNTIL_TOLD).transition("g", "s", "add", 1)
    assert stored() == 0
    proxy.deliver()
    assert eventually(lambda: stored() == 1)
    assert proxy.counts == {fault: 1}


def test_a_zombie_of_a_lock_that_was_taken_over_is_refused(behind, stored, proxy, tai_state_emulator):
    """The guarded move is delivered when its lock is another's; nobody has touched the state meanwhile."""
    persister = behind(None, Fault.ZOMBIE, seconds=UNTIL_TOLD)
    lock = LockManager(persister.store, LockConfig(ttl=1.0)).acquire("r", owner="first", heartbeat=False)
    with pytest.raises(OutcomeUnknownError):
        persister.transition("g", "s", "add", 1, lock=lock)
    with LockManager(tai_state_emulator).hold("r", owner="second", timeout=WAIT_SECONDS) as later:
        assert later.fencing_token > lock.fencing_token
        assert proxy.answers == {0: 1}
        proxy.deliver()
        assert eventually(lambda: proxy.answers[REFUSED] == 1)
    assert stored() == 0


def test_a_cut_between_leaves_the_client_in_doubt(behind, proxy, caplog):
    """It is told neither that its move was made nor that it was not, and may find out by itself."""
    with suppress(OutcomeUnknownError):
        behind(Fault.CUT_BETWEEN).transition("g", "s", "add", 1)
    assert lost_replies(caplog) == 1
    assert proxy.counts == {Fault.CUT_BETWEEN: 1}


@pytest.mark.parametrize("fault", [Fault.DELAY_REQUEST, Fault.DELAY_REPLY])
def test_a_delay_is_no_more_than_that(behind, stored, proxy, fault):
    """The move is acknowledged, and took as long as the delay."""
    persister = behind(fault)
    began = time.monotonic()
    assert persister.transition("g", "s", "add", 1).version == 2
    assert time.monotonic() - began >= LATE_SECONDS
    assert proxy.counts == {fault: 1}


def test_a_request_delayed_past_its_timeout_meets_its_own_repetition(behind, stored, proxy):
    """Both arrive, and the move is made once."""
    patient = RetryPolicy(wait_initial=0.01, wait_max=0.1, attempt_timeout=0.2)
    assert behind(Fault.DELAY_REQUEST, retry=patient).transition("g", "s", "add", 1).version == 2
    assert stored() == 1
    assert proxy.counts == {Fault.DELAY_REQUEST: 1}


@pytest.mark.parametrize(("fault", "seen"), [(Fault.KILL_AFTER, ("kill", 1)), (Fault.KILL_BEFORE, ("kill", 0))])
def test_a_kill_strikes_at_its_moment(behind, witness, fault, seen, caplog):
    """Once the move is stored and not yet acknowledged, or before it is delivered."""
    # Nobody is killed here, so the client may find out what became of its move.
    with suppress(OutcomeUnknownError):
        behind(fault, seconds=UNTIL_TOLD).transition("g", "s", "add", 1)
    assert lost_replies(caplog) == 1
    assert witness.seen == [seen]


def test_a_frozen_client_thaws_and_gets_its_reply(behind, witness, stored):
    """It is stopped once the move is stored."""
    assert behind(Fault.FREEZE, seconds=0.1).transition("g", "s", "add", 1).version == 2
    assert eventually(lambda: len(witness.seen) == 2)
    assert witness.seen == [("freeze", 1), ("thaw", 1)]


def test_a_commit_that_fails_has_no_reply_to_lose(behind, proxy):
    """The server's refusal is passed on, and no fault is counted."""
    backend = behind(Fault.CUT_AFTER).store.runtime.access.backend
    there = DocumentPath("governors/g/states", "s")
    with pytest.raises(PreconditionFailedError):
        backend.commit([Put(there, {"n": 1}, MustNotExist())], timeout=WAIT_SECONDS)
    assert proxy.counts == {}


def test_reads_pass_unharmed(behind, proxy):
    """Also where every Commit is cut."""
    persister = behind(*[Fault.CUT_BEFORE] * 100)
    assert [persister.store.get_state("g", "s")[1] for _ in range(20)] == [1] * 20
    assert len(list(persister.history("g", "s"))) == 1
    assert proxy.counts == {}
