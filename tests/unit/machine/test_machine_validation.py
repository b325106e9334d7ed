"""Every problem that a definition can have, in words and by kind."""

import copy
import functools
import pickle

import pytest

from tai_state.errors import InvalidMachineError
from tai_state.machine import Machine, MachineProblem, Transition

GO = Transition("go", "a", "b")
LONG = "é" * 241


def holds(data, payload):
    return True


async def waits(data, payload):
    return True


def yields(data, payload):
    yield True


class Waiter:
    async def __call__(self, data, payload):
        return True


def refusal(name="m", initial="a", transitions=(GO,), **options):
    """Return the problems for which a definition is refused, as (kind, sentence)."""
    with pytest.raises(InvalidMachineError) as caught:
        Machine(name, initial, transitions, **options)
    return [(problem.kind, str(problem)) for problem in caught.value.problems if isinstance(problem, MachineProblem)]


@pytest.mark.parametrize(
    ("value", "defect"),
    [
        ("", "must not be empty"),
        (None, "must be text, not NoneType"),
        ("\ud800", r"'\ud800' is not valid Unicode text: surrogates not allowed at position 0"),
        (LONG, f"{LONG[:40]!r}... has 482 bytes, at most 480 are allowed"),
    ],
)
class TestTexts:
    def test_name(self, value, defect):
        assert refusal(name=value) == [("invalid_name", f"name {defect}")]

    def test_initial(self, value, defect):
        assert refusal(initial=value) == [("invalid_initial", f"initial {defect}")]

    def test_action(self, value, defect):
        found = refusal(transitions=[Transition(value, "a", "b")])
        assert found == [("invalid_action", f"transitions[0].action {defect}")]

    def test_source(self, value, defect):
        found = refusal(transitions=[GO, Transition("x", value, "b")])
        assert found == [("invalid_source", f"transitions[1].source {defect}")]

    def test_one_of_several_sources(self, value, defect):
        found = refusal(transitions=[GO, Transition("x", ["a", value], "b")])
        assert found == [("invalid_source", f"transitions[1].source names a status that {defect}")]

    def test_target(self, value, defect):
        found = refusal(transitions=[GO, Transition("x", "a", value)])
        assert found == [("invalid_target", f"transitions[1].target {defect}")]

    def test_terminal(self, value, defect):
        found = refusal(terminal=["b", value])
        assert found == [("invalid_terminal", f"terminal names a status that {defect}")]

    def test_guard_name(self, value, defect):
        transition = Transition("x", "a", "b", holds, guard_name=value)
        if value is None:
            assert transition.guard_name == "holds"
            return
        assert refusal(transitions=[GO, transition]) == [("invalid_function", f"transitions[1].guard name {defect}")]


def test_texts_of_480_bytes_are_allowed():
    name = "é" * 240
    assert Machine(name, name, [Transition(name, name, "b")]).allowed(name) == [name]


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        (0, "version must be at least 1, not 0"),
        (True, "version must be an int, not bool"),
        ("1", "version must be an int, not str"),
        (1.0, "version must be an int, not float"),
    ],
)
def test_a_version_is_a_whole_number_from_1(version, sentence):
    assert refusal(version=version) == [("invalid_version", sentence)]


def test_a_data_type_is_a_pydantic_model():
    assert refusal(data_type=dict) == [
        ("invalid_data_type", "data_type must be a pydantic model class, not <class 'dict'>")
    ]


@pytest.mark.parametrize("part", ["initial", "target"])
def test_the_star_is_a_source_only(part):
    found = refusal(initial="*") if part == "initial" else refusal(transitions=[GO, Transition("x", "a", "*")])
    assert [sentence.endswith('"*" stands for every source and is no status') for _, sentence in found] == [True]


def test_the_star_stands_alone():
    assert refusal(transitions=[GO, Transition("x", ["a", "*"], "b")]) == [
        ("invalid_source", 'transitions[1].source "*" must stand alone, it already means every status')
    ]


def test_a_source_names_a_status_once():
    assert refusal(transitions=[GO, Transition("x", ["a", "a"], "b")]) == [
        ("invalid_source", "transitions[1].source names 'a' more than once")
    ]


def test_a_source_is_not_empty():
    assert refusal(transitions=[GO, Transition("x", [], "b")]) == [
        ("invalid_source", "transitions[1].source must name at least one status")
    ]


def test_what_is_no_transition_is_named():
    assert refusal(transitions=[GO, ("go", "b", "a")]) == [
        ("invalid_transition", "transitions[1] must be a Transition, not tuple")
    ]


def test_what_is_no_list_of_transitions_is_named():
    assert refusal(transitions=5) == [("invalid_transition", "transitions must be a list of Transition, not int")]


def test_transitions_may_come_from_an_iterator():
    assert Machine("m", "a", iter([GO]), terminal=iter(["b"])).terminal == ("b",)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (5, "must be callable, not int"),
        (waits, "'waits' is async or a generator; it must be a plain function"),
        (yields, "'yields' is async or a generator; it must be a plain function"),
        (Waiter(), "'Waiter' is async or a generator; it must be a plain function"),
        (functools.partial(waits), "'partial' is async or a generator; it must be a plain function"),
        (lambda data: True, "'<lambda>' cannot be called as <lambda>(data, payload)"),
    ],
)
@pytest.mark.parametrize("part", ["guard", "apply"])
def test_guards_and_applies_are_plain_functions_of_two(part, function, sentence):
    transition = Transition("x", "a", "b", **{part: function})
    assert refusal(transitions=[GO, transition]) == [("invalid_function", f"transitions[1].{part} {sentence}")]


def test_a_builtin_that_does_not_tell_what_it_takes_is_let_through():
    assert Machine("m", "a", [Transition("x", "a", "b", max)]).allowed("a") == ["x"]


def test_a_name_without_a_function_is_named():
    assert refusal(transitions=[Transition("x", "a", "b", apply_name="f")]) == [
        ("invalid_function", "transitions[0].apply has a name but no function")
    ]


def test_a_transition_behind_one_without_guard_is_a_duplicate():
    assert refusal(transitions=[GO, Transition("go", ["a", "b"], "a", holds)]) == [
        (
            "duplicate",
            "transitions[1] can never win from 'a': transitions[0] takes action 'go' there first and has no guard",
        )
    ]


def test_two_of_any_status_without_guard_are_duplicates():
    transitions = [Transition("go", "*", "b"), Transition("go", "*", "a")]
    assert [kind for kind, _ in refusal(transitions=transitions)] == ["duplicate"]


def test_any_status_beside_a_named_one_is_no_duplicate():
    assert Machine("m", "a", [Transition("go", "*", "b"), GO]).problems() == []


def test_guarded_transitions_may_share_action_and_source():
    transitions = [Transition("go", "a", "b", holds), Transition("go", "a", "c", holds), Transition("go", "a", "d")]
    assert Machine("m", "a", transitions).problems() == []


def test_an_initial_status_that_no_transition_knows_is_named():
    assert refusal(initial="neww") == [("unknown_initial", "initial 'neww' is not a status of any transition")]


def test_an_initial_status_known_to_any_status_only_is_allowed():
    assert Machine("m", "a", [Transition("go", "*", "b")]).statuses == ("a", "b")


def test_an_unreachable_status_is_named():
    assert refusal(transitions=[GO, Transition("back", "island", "a")]) == [
        ("unreachable", "status 'island' is unreachable from the initial status 'a'")
    ]


def test_a_dead_end_is_named_when_terminals_are_declared():
    assert refusal(transitions=[GO, Transition("fall", "a", "pit")], terminal=["b"]) == [
        ("dead_end", "status 'pit' is a dead end: no transition leaves it, and it is not declared terminal")
    ]


def test_a_status_that_only_loops_is_a_dead_end():
    transitions = [GO, Transition("fall", "a", "pit"), Transition("wait", "pit", "pit")]
    assert [kind for kind, _ in refusal(transitions=transitions, terminal="b")] == ["dead_end"]


def test_no_status_is_terminal_when_none_is_declared():
    assert [kind for kind, _ in refusal(terminal=[])] == ["dead_end"]


def test_a_terminal_with_a_way_out_is_named():
    assert refusal(transitions=[GO, Transition("undo", "b", "a")], terminal=["b"]) == [
        ("terminal_left", "status 'b' is declared terminal, yet a transition leaves it")
    ]


def test_an_unknown_terminal_is_named():
    assert refusal(terminal=["b", "z"]) == [
        ("unknown_terminal", "terminal names 'z', which is not a status of the machine")
    ]


def test_what_is_no_list_of_terminals_is_named():
    assert refusal(terminal=5) == [("invalid_terminal", "terminal must be a list of statuses, not int")]


def test_problems_name_their_place():
    (problem,) = Machine.find_problems("m", "a", [GO, Transition("x", "a", "")])
    assert problem.place == "transitions[1].target"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_the_error_keeps_kinds_and_places_when_copied(copied):
    error = InvalidMachineError([MachineProblem("duplicate", "twice", "transitions[1]")])
    (problem,) = copied(error).problems
    assert (problem, problem.kind, problem.place) == ("twice", "duplicate", "transitions[1]")


def test_a_problem_shows_its_kind():
    assert repr(MachineProblem("duplicate", "twice")) == "<duplicate: twice>"


def test_a_source_that_cannot_be_read_does_not_make_its_target_unreachable():
    assert [kind for kind, _ in refusal(transitions=[GO, Transition("x", "", "c")])] == ["invalid_source"]


def test_a_target_that_cannot_be_read_does_not_make_its_source_a_dead_end():
    transitions = [GO, Transition("on", "a", "mid"), Transition("x", "mid", "")]
    assert [kind for kind, _ in refusal(transitions=transitions, terminal=["b"])] == ["invalid_target"]
