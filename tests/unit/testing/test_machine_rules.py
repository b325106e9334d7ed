"""The rules made of a machine find what is wrong in a store, a machine or an invariant, and pass what is right."""

import builtins
import unittest
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from pydantic import BaseModel

from tai_state import (
    ConfigurationError,
    Machine,
    SqliteStore,
    StateMachinePersister,
    StoreClosedError,
    Transition,
    TransitionNotAllowedError,
    TransitionResult,
)
from tai_state.due import Timeout
from tai_state.testing import machine_rules
from tai_state.testing.rule_machine import MachineRules


def paid(data: dict[str, int], coins: int) -> dict[str, int]:
    return {"paid": data["paid"] + coins}


def is_coin(_, coins: int) -> bool:
    return 0 < coins < 100


TILL = Machine(
    "till",
    "open",
    [
        Transition("pay", "open", "open", is_coin, paid),
        Transition("close", "open", "closed", lambda data, _: data["paid"] > 150),
        Transition("close", "open", "small"),
        Transition("reopen", ["closed", "small"], "open", None, lambda data, _: {"paid": 0}),
    ],
    timeouts={"small": Timeout(timedelta(hours=12), "reopen")},
)
# Without shrinking: what is found is all that these tests ask for.
QUICK = settings(
    max_examples=6,
    stateful_step_count=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
THOROUGH = settings(QUICK, max_examples=60, stateful_step_count=12)


def run(rules, how=QUICK):
    run_state_machine_as_test(rules, settings=how)


@pytest.mark.more
def test_a_sound_machine_passes():
    """Guards, shared actions, timeouts and all; the steps were really made."""
    seen = set()

    def is_known(state):
        seen.add(state.status)
        return state.data["paid"] >= 0

    run(machine_rules(TILL, [is_known], start_data={"paid": 0}, payloads={"pay": st.integers(-10, 110)}), THOROUGH)
    assert seen == {"open", "closed", "small"}


def test_each_transition_has_a_rule_of_its_own():
    """By its action and its target."""
    rules = machine_rules(TILL)
    names = {name for name in vars(rules) if "_to_" in name}
    assert names == {"pay_to_open", "close_to_closed", "close_to_small", "reopen_to_open"}


@pytest.mark.more
def test_payloads_are_drawn_from_what_a_function_takes():
    """By the annotation of its second parameter."""
    kinds = set()

    def noted(data, payload: str | int):
        kinds.add(type(payload))
        return data

    run(machine_rules(Machine("m", "a", [Transition("go", "a", "a", apply=noted)])), THOROUGH)
    assert kinds == {str, int}


@pytest.mark.more
def test_data_is_drawn_from_the_type_of_the_machine():
    """A model that Hypothesis can make."""

    class Count(BaseModel):
        n: int = 0

    starts = set()

    def is_typed(state):
        starts.add(state.data.n)
        return isinstance(state.data, Count)

    data = st.builds(Count, n=st.integers(0, 5))
    machine = Machine("m", "a", [Transition("go", "a", "a", apply=lambda data, _: data)], data_type=Count)
    run(machine_rules(machine, [is_typed], start_data=data))
    assert len(starts) > 1
    run(machine_rules(machine, [is_typed]))


def test_a_broken_invariant_is_found_and_named():
    """With the state that breaks it."""
    rules = machine_rules(
        TILL, {"at most 60": lambda s: s.data["paid"] <= 60}, payloads={"pay": [10, 50]}, start_data={"paid": 0}
    )
    with pytest.raises(AssertionError, match="invariant 'at most 60' does not hold of"):
        run(rules, THOROUGH)


def planted(monkeypatch, method, fault):
    """Have the persister's *method* do what *fault* makes of the sound one."""
    sound = getattr(StateMachinePersister, method)
    monkeypatch.setattr(
        StateMachinePersister, method, lambda self, *args, **options: fault(sound, self, *args, **options)
    )


def test_a_store_that_makes_a_refused_move_is_found(monkeypatch):
    """Here one that logs whatever the machine refuses."""

    def fault(sound, self, governor, state, *move, **options):
        try:
            return sound(self, governor, state, *move, **options)
        except TransitionNotAllowedError:
            return self.log_transition(governor, state, move[0], to_status="open", data={"paid": 0})

    planted(monkeypatch, "transition", fault)
    with pytest.raises(AssertionError, match="is not allowed, and led to 'open'"):
        run(machine_rules(TILL, start_data={"paid": 0}), THOROUGH)


def test_a_refusal_that_changes_something_is_found(monkeypatch):
    """It is told as refused, and leaves an event."""

    def fault(sound, self, governor, state, *move, **options):
        try:
            return sound(self, governor, state, *move, **options)
        except TransitionNotAllowedError:
            snapshot = self.load_state(governor, state).snapshot
            self.log_transition(governor, state, "noise", to_status=snapshot.status, data=snapshot.data)
            raise

    planted(monkeypatch, "transition", fault)
    with pytest.raises(AssertionError, match=r"the stored state is \('\w+', \d+\), the machine says"):
        run(machine_rules(TILL, start_data={"paid": 0}), THOROUGH)


def test_a_key_that_is_ignored_is_found(monkeypatch):
    """A repetition is made again."""

    def fault(sound, self, *args, idempotency_key=None, **options):
        return sound(self, *args, **options)

    planted(monkeypatch, "transition", fault)
    with pytest.raises((AssertionError, TransitionNotAllowedError), match=r"made again under its key|not allowed"):
        run(machine_rules(TILL, start_data={"paid": 0}), THOROUGH)


@pytest.mark.parametrize("is_again", [False, True])
def test_a_move_that_is_made_and_told_wrong_is_found(monkeypatch, is_again):
    """The first time, or only where it is asked for again: the store itself is sound."""

    def fault(sound, self, *args, **options):
        told = sound(self, *args, **options)
        if told.replayed is not is_again:
            return told
        return TransitionResult(
            told.event, told.snapshot.model_copy(update={"data": {"paid": -1}}), replayed=told.replayed
        )

    planted(monkeypatch, "transition", fault)
    with pytest.raises(AssertionError, match=r"the data of what is told of \w+ is \{'paid': -1\}"):
        run(machine_rules(TILL, start_data={"paid": 0}), THOROUGH)


def test_an_apply_that_is_not_pure_is_found():
    """It makes other data when it runs again."""
    calls = iter(range(1_000_000))
    machine = Machine("m", "a", [Transition("go", "a", "a", apply=lambda data, _: {"n": next(calls)})])
    with pytest.raises(AssertionError, match="the machine says"):
        run(machine_rules(machine))


def test_what_an_apply_raises_comes_out():
    """As a bug of the machine's."""
    machine = Machine("m", "a", [Transition("go", "a", "a", apply=lambda data, _: {"n": data["n"]})])
    with pytest.raises(KeyError):
        run(machine_rules(machine))


@pytest.mark.more
def test_a_due_move_is_made_as_the_machine_says():
    """Time passes, and the timeout's move is in the state as decided."""
    machine = Machine(
        "m",
        "a",
        [Transition("expire", "a", "b"), Transition("renew", "b", "a")],
        timeouts={"a": Timeout(timedelta(hours=1), "expire")},
    )
    seen = []

    def noted(state):
        seen.append((state.status, state.metadata.context.get("due"), state.due_action))
        return True

    run(machine_rules(machine, [noted]), THOROUGH)
    assert {"a", "b"} == {status for status, *_ in seen}


def test_a_timeout_that_is_never_done_is_found(monkeypatch):
    """The worker does nothing."""
    monkeypatch.setattr("tai_state.testing.rule_machine.DueWorker.run_once", lambda self: 0)
    machine = Machine(
        "m", "a", [Transition("expire", "a", "b")], timeouts={"a": Timeout(timedelta(seconds=1), "expire")}
    )
    with pytest.raises(AssertionError, match=r"the stored state is \('a', 1\), the machine says \('b', 2\)"):
        run(machine_rules(machine), THOROUGH)


def test_it_runs_on_another_store(tmp_path):
    """Which is made for each run with its clock, and closed."""
    made: list[SqliteStore] = []

    def store(clock):
        made.append(SqliteStore(tmp_path / f"{len(made)}.db", clock=clock))
        return made[-1]

    run(machine_rules(TILL, start_data={"paid": 0}, store=store), settings(QUICK, max_examples=2))
    assert made
    for one in made:
        with pytest.raises(StoreClosedError):
            one.find_state("rules", "x")


def test_it_is_a_test_case_of_unittest():
    """What pytest collects, and unittest runs."""
    assert issubclass(machine_rules(TILL).TestCase, unittest.TestCase)
    assert issubclass(machine_rules(TILL), MachineRules)


def test_without_hypothesis_it_says_what_to_install(monkeypatch):
    """The extra, by its name."""
    sound = builtins.__import__

    def absent(name, *args, **options):
        if name == "tai_state.testing.rule_machine":
            raise ModuleNotFoundError("No module named 'hypothesis'", name="hypothesis")
        return sound(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ConfigurationError, match=r"tai_state\[testing\]"):
        machine_rules(TILL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"payloads": {"pai": st.none()}}, "no action 'pai'"),
        ({"invariants": ["x"]}, "is no function"),
    ],
)
def test_what_cannot_be_is_refused_at_once(options, message):
    """By name, before anything runs."""
    with pytest.raises(ConfigurationError, match=message):
        machine_rules(TILL, **options)
