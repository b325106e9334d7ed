"""Machines that are not ours: a ``Mover`` in the place of a ``Machine``."""

import logging

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    IdempotencyMismatchError,
    InvalidDataError,
    Machine,
    MachineVersionError,
    MoverError,
    ReplayError,
    Transition,
    TransitionNotAllowedError,
    TransitionRequest,
    async_check_machines,
)
from tests._async.stores import async_contents, in_memory


class JammedError(Exception):
    """How the library of these tests refuses."""


class Turnstile:
    """A machine of nobody's: counts who passes, and jams behind each."""

    refusals = (JammedError,)

    def __init__(self, version=1, fingerprint="brass"):
        self.name = "turnstile"
        self.version = version
        self.fingerprint = fingerprint
        self.asked = []

    def start(self, data):
        self.asked.append("start")
        return "locked", {**data, "passed": 0}

    def move(self, status, data, action, payload):
        self.asked.append(action)
        if (status, action) == ("locked", "coin"):
            return "open", {**data, "paid": payload}
        if (status, action) == ("open", "push"):
            data["passed"] += 1
            return "locked", data
        if action == "break":
            raise KeyError(action)
        if action == "wrong":
            return payload["status"], payload["data"]
        if action == "lost":
            return None
        raise JammedError(f"{action} in {status}")


@pytest.fixture
async def turnstile():
    return Turnstile()


@pytest.fixture
async def gate(store, turnstile):
    return AsyncStateMachinePersister(store, turnstile)


async def test_a_mover_moves_states_as_a_machine_does(gate):
    """One commit a move, with both statuses, the payload and the data before and after."""
    started = await gate.start("g", "s", {"place": "north"})
    assert (started.from_status, started.to_status) == (None, "locked")
    assert started.snapshot.data == {"place": "north", "passed": 0}
    moved = await gate.transition("g", "s", "coin", 2)
    assert (moved.from_status, moved.to_status, moved.version) == ("locked", "open", 2)
    assert moved.event.from_state == {"place": "north", "passed": 0}
    assert moved.event.to_state == {"place": "north", "passed": 0, "paid": 2}
    assert (moved.event.payload, moved.snapshot.machine_name) == (2, "turnstile")
    assert (await gate.transition("g", "s", "push")).snapshot.data["passed"] == 1
    assert (await gate.load_state("g", "s")).snapshot.status == "locked"


async def test_a_key_is_looked_up_before_the_mover_is_asked(gate, turnstile):
    """What was done under it comes back, though the mover would refuse it by now; it does not run."""
    await gate.start("g", "s", idempotency_key="begin")
    first = await gate.transition("g", "s", "coin", 1, idempotency_key="k")
    turnstile.asked.clear()
    again = await gate.transition("g", "s", "coin", 1, idempotency_key="k")
    assert (again.replayed, again.version, again.to_status) == (True, first.version, "open")
    assert (await gate.start("g", "s", idempotency_key="begin")).replayed
    assert turnstile.asked == []
    with pytest.raises(IdempotencyMismatchError):
        await gate.transition("g", "s", "coin", 2, idempotency_key="k")
    found = await gate.result_of("g", "s", "k")
    assert found is not None
    assert (found.version, found.replayed, turnstile.asked) == (2, True, [])


async def test_a_mover_refuses_by_its_own_exception(gate, store):
    """It is told as ours, with its cause; nothing is written."""
    await gate.start("g", "s")
    before = await async_contents(store)
    with pytest.raises(TransitionNotAllowedError, match="'turnstile' refuses it with JammedError") as caught:
        await gate.transition("g", "s", "push")
    assert (caught.value.status, caught.value.action) == ("locked", "push")
    assert isinstance(caught.value.__cause__, JammedError)
    assert await async_contents(store) == before


async def test_a_mover_that_fails_is_named(gate, store):
    """Its bug is no refusal: a MoverError, caused by what it raised; nothing is written."""
    await gate.start("g", "s")
    before = await async_contents(store)
    with pytest.raises(MoverError, match="it raised KeyError; nothing was written") as caught:
        await gate.transition("g", "s", "break")
    assert (caught.value.machine, caught.value.status, caught.value.action) == ("turnstile", "locked", "break")
    assert isinstance(caught.value.__cause__, KeyError)
    assert await async_contents(store) == before


@in_memory
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"status": 3, "data": {}}, "the status that it returned must be text, not int"),
        ({"status": "", "data": {}}, "the status that it returned must not be empty"),
        ({"status": "*", "data": {}}, "is no status"),
        ({"status": "x" * 481, "data": {}}, "has 481 bytes"),
        ({"status": "open", "data": None}, "it returned None in the place of the data"),
        ({"status": "open", "data": [1]}, "it returned a list in the place of the data"),
    ],
)
async def test_what_a_mover_returns_is_checked(gate, answer, problem):
    """A status that cannot be one, and data that is none, are its failure."""
    await gate.start("g", "s")
    with pytest.raises(MoverError, match=problem.replace("*", r"\*")):
        await gate.transition("g", "s", "wrong", answer)


@in_memory
async def test_a_mover_must_return_a_status_and_data(gate):
    """Neither None nor a lone status passes."""
    await gate.start("g", "s")
    with pytest.raises(MoverError, match="it returned None; it must return a tuple"):
        await gate.transition("g", "s", "lost")


@in_memory
async def test_data_that_no_store_takes_is_refused_by_its_place(store):
    """As for the reducer of a machine."""

    class Sets(Turnstile):
        def move(self, status, data, action, payload):
            return "open", {"tags": {1, 2}}

    gate = AsyncStateMachinePersister(store, Sets())
    await gate.start("g", "s")
    with pytest.raises(InvalidDataError, match="tags"):
        await gate.transition("g", "s", "coin")


async def test_a_conflict_asks_the_mover_again_on_fresh_data(place):
    """Two processes push: each push counts, and none is lost."""
    mine, theirs = place.store(), place.store()
    gate, other = AsyncStateMachinePersister(mine, Turnstile()), AsyncStateMachinePersister(theirs, Turnstile())
    await gate.start("g", "s")
    await gate.transition("g", "s", "coin", 1)
    await other.transition("g", "s", "push")
    await other.transition("g", "s", "coin", 2)
    # The first process still has the state in hand as it was before.
    moved = await gate.transition("g", "s", "push")
    assert (moved.version, moved.snapshot.data) == (5, {"passed": 2, "paid": 2})


async def test_what_a_mover_does_to_its_arguments_changes_nothing_stored(store):
    """Each call gets copies of its own."""

    class Careless(Turnstile):
        def move(self, status, data, action, payload):
            data.clear()
            payload["seen"] = True
            raise JammedError

    gate = AsyncStateMachinePersister(store, Careless())
    await gate.start("g", "s", {"kept": 1})
    payload = {"a": 1}
    with pytest.raises(TransitionNotAllowedError):
        await gate.transition("g", "s", "coin", payload)
    assert payload == {"a": 1}
    assert (await gate.load_state("g", "s")).snapshot.data == {"kept": 1, "passed": 0}


async def test_a_replay_asks_the_mover_again(gate, store):
    """Its moves and its start come out the same, and a definition that moves otherwise under one name is told."""

    class Free(Turnstile):
        def move(self, status, data, action, payload):
            return "open", data

    class Anywhere(Turnstile):
        def start(self, data):
            return "open", {**data, "passed": 0}

    await gate.start("g", "s", {"place": "north"})
    await gate.transition("g", "s", "coin", 2)
    await gate.transition("g", "s", "push")
    assert (await gate.replay("g", "s")).status == "locked"
    assert (await gate.validate_consistency("g")).is_consistent
    for mover in (Free(), Anywhere()):
        other = AsyncStateMachinePersister(store, mover)
        with pytest.raises(ReplayError):
            await other.replay("g", "s")
        assert not (await other.validate_consistency("g")).is_consistent


async def test_another_machine_or_an_older_one_may_not_move_its_states(gate, store):
    """As for machines: by name and version."""
    newer = AsyncStateMachinePersister(store, Turnstile(version=2))
    await newer.start("g", "s")
    with pytest.raises(MachineVersionError):
        await gate.transition("g", "s", "coin")
    ours = AsyncStateMachinePersister(store, Machine("other", "locked", [Transition("coin", "locked", "locked")]))
    with pytest.raises(MachineVersionError):
        await ours.transition("g", "s", "coin")


async def test_a_definition_that_changed_is_told(gate, store, caplog):
    """Once, when it moves a state that the other one moved; and by check_machines."""
    await gate.start("g", "s")
    changed = AsyncStateMachinePersister(store, Turnstile(fingerprint="steel"))
    with caplog.at_level(logging.WARNING, "tai_state"):
        await changed.transition("g", "s", "coin")
    assert [record.event for record in caplog.records] == ["machine_redefined"]
    found = await async_check_machines(store, machines=[Turnstile()])
    assert [problem.kind for problem in found] == ["machine_redefined"]


async def test_a_lock_guards_its_moves(gate, store):
    """The fence goes with the commit."""
    await gate.start("g", "s")
    async with AsyncLockManager(store).hold("r") as lock:
        moved = await gate.transition("g", "s", "coin", lock=lock)
        assert moved.event.fencing_token == lock.fencing_token


async def test_many_moves_go_together(gate):
    """Each stands or fails alone, the failures told as they are."""
    for one in ("a", "b", "c"):
        await gate.start("g", one)
    outcomes = await gate.transition_many(
        [TransitionRequest("g", "a", "coin"), TransitionRequest("g", "b", "push"), TransitionRequest("g", "c", "break")]
    )
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["TransitionResult", "TransitionNotAllowedError", "MoverError"]


async def test_a_transaction_moves_by_a_mover(gate, store):
    """Two states in one commit, and a key that is looked up first."""
    await gate.start("g", "a")
    await gate.start("g", "b")

    async def both(tx):
        await tx.transition(gate, "g", "a", "coin")
        await tx.transition(gate, "g", "b", "coin")

    await AsyncTransactionManager(store).run(both)
    assert [(await gate.load_state("g", one)).snapshot.status for one in ("a", "b")] == ["open", "open"]


async def test_states_that_depend_on_each_other_react_across_the_seam(store):
    """A machine's state to that of a mover, and a mover's to that of a machine."""
    follower = Machine(
        "follower",
        "idle",
        [Transition("follow", "idle", "ready"), Transition("rest", "ready", "idle")],
        on_dependency={"open": "follow"},
    )
    mover = Turnstile()
    vars(mover)["on_dependency"] = {"ready": "coin"}
    gate = AsyncStateMachinePersister(store, mover, machines=[follower])
    lamps = AsyncStateMachinePersister(store, follower, machines=[mover])
    await gate.start("g", "first")
    await lamps.start("g", "lamp", depends_on=["first"])
    await gate.start("g", "second", depends_on=["lamp"])
    await gate.transition("g", "first", "coin")
    assert (await lamps.load_state("g", "lamp")).snapshot.status == "ready"
    assert (await gate.load_state("g", "second")).snapshot.status == "open"


async def test_a_status_alone_does_not_tell_a_mover_where_to_go(gate):
    """Which action leads there is its own affair."""
    await gate.start("g", "s")
    with pytest.raises(TransitionNotAllowedError, match="name the action"):
        await gate.update_status("g", "s", "open")


async def test_statuses_that_a_mover_tells_are_held_to(store):
    """One that it does not have is neither returned, nor logged, nor passed over by a check."""

    class Told(Turnstile):
        statuses = ("locked", "open", "gone")
        terminal = ("gone",)

    gate = AsyncStateMachinePersister(store, Told())
    await gate.start("g", "s")
    with pytest.raises(MoverError, match="which is none of its statuses"):
        await gate.transition("g", "s", "wrong", {"status": "elsewhere", "data": {}})
    with pytest.raises(TransitionNotAllowedError):
        await gate.log_transition("g", "s", "tow", to_status="elsewhere", data={})
    await gate.log_transition("g", "s", "tow", to_status="gone", data={"passed": 0})
    with pytest.raises(TransitionNotAllowedError, match="nothing leaves this terminal status"):
        await gate.log_transition("g", "s", "return", to_status="open", data={"passed": 0})


@in_memory
async def test_a_persister_of_one_call_asks_its_own_mover(gate, turnstile):
    """With the same definition; all else is the persister's."""
    await gate.start("g", "s")
    own = Turnstile()
    await gate.with_mover(own).transition("g", "s", "coin")
    assert (own.asked, turnstile.asked) == (["coin"], ["start"])
    with pytest.raises(Exception, match="mover must be"):
        gate.with_mover(Turnstile(fingerprint="steel"))


async def test_states_are_found_and_listed_by_a_mover(gate, store, turnstile):
    """As by a machine."""
    await gate.start("g", "s")
    await store.save_state("g", "other", {}, status="locked")
    assert [one.state_id async for one in store.find(machine=turnstile)] == ["s"]
    assert [one.state_id async for one in gate.list_states("g")] == ["s"]
