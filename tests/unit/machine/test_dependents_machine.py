"""A machine's reactions to what its states depend on: checked, compared, written and read."""

import json
from enum import StrEnum

import pytest

from tai_state.errors import InvalidMachineError
from tai_state.machine import Machine, MachineProblem, Transition

MOVES = [Transition("block", "a", "b"), Transition("resume", "b", "a")]


def job(on_dependency=None, transitions=MOVES, **options):
    return Machine("job", "a", transitions, on_dependency=on_dependency, **options)


def refusal(on_dependency, transitions=MOVES, **options):
    """Return the problems for which a machine is refused, as (kind, place, sentence)."""
    with pytest.raises(InvalidMachineError) as caught:
        job(on_dependency, transitions, **options)
    problems = [one for one in caught.value.problems if isinstance(one, MachineProblem)]
    return [(one.kind, one.place, str(one)) for one in problems]


def test_reactions_are_told():
    """As a dict of the caller's own, and one by one."""
    machine = job({"failed": "block"})
    assert machine.on_dependency == {"failed": "block"}
    machine.on_dependency.clear()
    assert (machine.reaction_to("failed"), machine.reaction_to("done")) == ("block", None)


def test_a_machine_reacts_to_nothing_by_default():
    """Which is what an empty map says, too."""
    assert job().on_dependency == {}
    assert job({}) == job()


def test_enums_serve_as_statuses_and_actions():
    """They are kept as plain text."""

    class Name(StrEnum):
        FAILED = "failed"
        BLOCK = "block"

    ((status, action),) = job({Name.FAILED: Name.BLOCK}).on_dependency.items()
    assert (type(status), type(action)) == (str, str)
    assert (status, action) == ("failed", "block")


def test_a_map_that_is_changed_later_changes_no_machine():
    """A machine never changes."""
    reactions = {"failed": "block"}
    machine = job(reactions)
    reactions["failed"] = "resume"
    assert machine.reaction_to("failed") == "block"


def test_what_is_no_map_is_refused():
    """A list of pairs, say."""
    assert refusal([("failed", "block")]) == [
        ("invalid_reaction", "on_dependency", "on_dependency must map statuses to actions, it is a list")
    ]


def test_an_unknown_action_is_refused():
    """By place; the statuses are another machine's, and may be any."""
    assert refusal({"failed": "stop"}) == [
        (
            "unknown_reaction",
            "on_dependency.failed",
            "on_dependency.failed is 'stop', which is not an action of the machine",
        )
    ]


def test_an_action_that_nothing_allows_is_refused():
    """It could never be taken: here "*" stands for no status, since the only one is declared terminal."""
    found = refusal({"failed": "block"}, [Transition("block", "*", "a")], terminal=["a"])
    assert [(kind, place) for kind, place, _ in found] == [("dead_reaction", "on_dependency.failed")]


@pytest.mark.parametrize(
    ("reactions", "sentence"),
    [
        ({"": "block"}, "on_dependency names a status that must not be empty"),
        ({7: "block"}, "on_dependency names a status that must be text, not int"),
        ({"*": "block"}, 'on_dependency names a status that "*" stands for every source and is no status'),
        ({"failed": ""}, "on_dependency.failed must not be empty"),
        ({"failed": None}, "on_dependency.failed must be text, not NoneType"),
        ({"failed": ["block"]}, "on_dependency.failed must be text, not list"),
    ],
)
def test_names_are_checked(reactions, sentence):
    """As every status and action is."""
    assert [(kind, text) for kind, _, text in refusal(reactions)] == [("invalid_reaction", sentence)]


def test_all_problems_are_found_at_once():
    """Those of the reactions beside those of the rest."""
    found = refusal({"failed": "stop", "": "block", "done": None}, [*MOVES, Transition("x", "far", "a")])
    assert [kind for kind, _, _ in found] == ["unreachable", "unknown_reaction", "invalid_reaction", "invalid_reaction"]


@pytest.mark.parametrize("transitions", [None, [*MOVES, "no transition"], [*MOVES, Transition("", "a", "b")]], ids=str)
def test_what_cannot_be_read_is_no_second_problem(transitions):
    """An action may be among the transitions that cannot be read."""
    kinds = [problem.kind for problem in Machine.find_problems("m", "a", transitions, on_dependency={"failed": "stop"})]
    assert "unknown_reaction" not in kinds
    assert len(kinds) == 1


def test_reactions_are_part_of_what_a_machine_is():
    """Of its equality and of its fingerprint; the order is not."""
    one, other = job({"failed": "block", "done": "resume"}), job({"done": "resume", "failed": "block"})
    assert one == other
    assert one.fingerprint == other.fingerprint
    assert one.to_json() == other.to_json()
    for different in (job(), job({"failed": "block"}), job({"failed": "resume", "done": "block"})):
        assert different != one
        assert different.fingerprint != one.fingerprint


def test_reactions_are_written_and_read():
    """The file holds them, and the machine that is read is the same."""
    machine = job({"failed": "block"})
    text = machine.to_json()
    assert json.loads(text)["on_dependency"] == {"failed": "block"}
    assert Machine.from_json(text) == machine


def test_a_machine_without_reactions_is_written_as_ever():
    """So its fingerprint is the one that it had."""
    assert "on_dependency" not in json.loads(job().to_json())


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (["failed"], "on_dependency must be a JSON object"),
        ({"failed": 7}, "on_dependency.failed must be text"),
        ({"failed": "stop"}, "on_dependency.failed is 'stop', which is not an action of the machine"),
    ],
)
def test_a_file_with_wrong_reactions_is_refused(value, sentence):
    """Once each, by place."""
    form = json.loads(job().to_json()) | {"on_dependency": value}
    with pytest.raises(InvalidMachineError) as caught:
        Machine.from_json(json.dumps(form))
    assert sentence in [str(problem) for problem in caught.value.problems]
    assert len(caught.value.problems) == 1
