"""The machine file: written, read with and without functions, and refused in words."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from tai_state.errors import ConfigurationError, InvalidMachineError
from tai_state.machine import Machine, MachineProblem, Transition


def holds(data, payload):
    return True


def count(data, payload):
    return {"count": data.get("count", 0) + 1}


FILE: dict[str, Any] = {
    "name": "order",
    "version": 2,
    "initial": "new",
    "terminal": ["done"],
    "transitions": [
        {"action": "go", "source": ["mid", "new"], "target": "done", "guard": "ready", "apply": "tally"},
        {"action": "go", "source": "new", "target": "mid"},
    ],
}
FUNCTIONS = {"ready": holds, "tally": count}


def changed(**changes):
    return json.dumps(FILE | changes)


def with_transition(**changes):
    return changed(transitions=[*FILE["transitions"], {"action": "x", "source": "new", "target": "mid"} | changes])


def refusal(text, functions=None):
    with pytest.raises(InvalidMachineError) as caught:
        Machine.from_json(text, functions=functions)
    return [(problem.kind, str(problem)) for problem in caught.value.problems if isinstance(problem, MachineProblem)]


def test_a_machine_is_read_from_its_file():
    machine = Machine.from_json(json.dumps(FILE), functions=FUNCTIONS)
    transitions = [
        Transition("go", ["new", "mid"], "done", holds, count, guard_name="ready", apply_name="tally"),
        Transition("go", "new", "mid"),
    ]
    assert machine == Machine("order", "new", transitions, version=2, terminal=["done"])


def test_a_machine_is_written_as_its_file():
    text = Machine.from_json(json.dumps(FILE), functions=FUNCTIONS).to_json()
    assert text == json.dumps(FILE, indent=2)


def test_functions_are_written_by_their_own_name_where_none_was_given():
    machine = Machine("m", "a", [Transition("go", "a", "b", holds, count)])
    assert json.loads(machine.to_json())["transitions"] == [
        {"action": "go", "source": "a", "target": "b", "guard": "holds", "apply": "count"}
    ]


def test_terminals_are_written_only_when_declared():
    assert "terminal" not in json.loads(Machine("m", "a", []).to_json())


def test_two_functions_of_one_name_cannot_be_written():
    transitions = [Transition("go", "a", "b", lambda d, p: True), Transition("go", "a", "c", lambda d, p: False)]
    with pytest.raises(ConfigurationError, match="two functions of machine 'm' are called '<lambda>'"):
        Machine("m", "a", transitions).to_json()


def test_the_version_is_1_where_the_file_gives_none():
    assert Machine.from_json('{"name": "m", "initial": "a", "transitions": []}').version == 1


def test_the_data_type_is_given_beside_the_file():
    class Data(BaseModel):
        count: int = 0

    assert Machine.from_json(json.dumps(FILE), data_type=Data).data_type is Data


def test_a_machine_read_without_functions_moves_where_none_is_needed():
    machine = Machine.from_json(
        json.dumps(FILE | {"transitions": [*FILE["transitions"], {"action": "x", "source": "new", "target": "mid"}]})
    )
    assert machine.choose("new", "x", dict, dict).target == "mid"


def test_a_machine_read_without_functions_cannot_run_them():
    machine = Machine.from_json(json.dumps(FILE))
    with pytest.raises(ConfigurationError, match="'ready' cannot run: the machine was read without its functions"):
        machine.choose("new", "go", dict, dict)


def test_a_function_that_is_not_given_is_named():
    assert refusal(json.dumps(FILE), {"ready": holds}) == [
        ("unknown_function", "transitions[0].apply 'tally' is not among the functions given: 'ready'")
    ]


def test_a_function_that_is_none_is_named():
    assert refusal(json.dumps(FILE), {"ready": holds, "tally": 5}) == [
        ("invalid_function", "transitions[0].apply must be callable, not int")
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"name":\n  oops}', "line 2, column 3: no JSON: Expecting value"),
        ("", "line 1, column 1: no JSON: Expecting value"),
        ('{"name": "a" "b"}', "line 1, column 14: no JSON: Expecting ',' delimiter"),
    ],
)
def test_what_is_no_json_is_refused_with_line_and_column(text, sentence):
    assert refusal(text) == [("json", sentence)]


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000])
def test_json_beyond_reading_is_refused(text):
    assert [kind for kind, _ in refusal(text)] == ["json"]


def test_a_key_given_twice_is_refused():
    text = json.dumps(FILE).replace('"version": 2', '"version": 2, "version": 3')
    assert refusal(text) == [("json", "the key 'version' is given 2 times in one object")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "the machine must be a JSON object"),
        (changed(colour="red"), "colour is not a known key"),
        (changed(**{"a b": 1}), "['a b'] is not a known key"),
        (changed(name=5), "name must be text"),
        (changed(version="2"), "version must be a whole number"),
        (changed(version=True), "version must be a whole number"),
        (changed(initial=None), "initial must be text"),
        (changed(terminal=["done", 5]), "terminal[1] must be text"),
        (changed(transitions={}), "transitions must be a list"),
        (with_transition(colour="red"), "transitions[2].colour is not a known key"),
        (with_transition(target=5), "transitions[2].target must be text"),
        (with_transition(source=5), "transitions[2].source must be text"),
        (with_transition(source=["new", 5]), "transitions[2].source[1] must be text"),
        (with_transition(guard=5), "transitions[2].guard must be text"),
        (changed(transitions=[*FILE["transitions"], "x"]), "transitions[2] must be a JSON object"),
    ],
)
def test_a_wrong_shape_is_refused_with_its_place(text, sentence):
    assert refusal(text) == [("shape", sentence)]


def test_text_that_is_no_unicode_is_refused_with_its_place():
    ((kind, sentence),) = refusal(with_transition(action="\ud800"))
    assert (kind, sentence.startswith("transitions[2].action ")) == ("invalid_action", True)


def test_a_missing_key_is_refused_with_its_place():
    assert refusal('{"name": "m", "initial": "a", "transitions": [{"action": "x", "source": "a"}]}') == [
        ("shape", "transitions[0].target is missing")
    ]


def test_wrong_shapes_and_wrong_definitions_are_found_at_once():
    text = json.dumps(
        {
            "name": "",
            "version": 0,
            "initial": "a",
            "colour": 1,
            "transitions": [
                {"action": "x", "source": "a", "target": "b", "guard": "unknown"},
                {"action": "y", "source": "a", "target": 5},
                {"action": "z", "source": "island", "target": "a"},
            ],
        }
    )
    assert sorted(kind for kind, _ in refusal(text, {})) == [
        "invalid_name", "invalid_version", "shape", "shape", "unknown_function", "unreachable",
    ]  # fmt: skip
