"""What holds of every machine: hostile names, guards, wildcards, and definitions with any mix of problems."""

import contextlib
import html
import re
from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.errors import InvalidMachineError, TransitionNotAllowedError
from tai_state.machine import Machine, Transition

HOSTILE = (
    'a"; b --> c', "a: b", "x\ny", "%%{init: {}}%%", "%% x", "[*]", "<script>alert(1)</script>", "**bold**", "1. list",
    "direction TB", "my_direction", "direction", "TB", "LRx", "end note", "note right of a : b", "state x {", "}", "--",
    "click", "class a b", "classDef current fill:#f00", "default", "root_start", "root", "s1", "s2", "current", "'",
    "#34;", "&quot;", "ﬂ°°34¶ß", "style a:#f;", "<<fork>>", "[[fork]]", ":::x", "$$x$$", "\u2028", "\u202e", "\0", " ",
    "www.example.com", "`x`", "in_progress", "_x_", "accTitle: x", "accDescr {", "constructor", "\\n", "🙂", "a;b", "-",
    "__proto__", "état 1", "a, b",
)  # fmt: skip

names = (st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)).filter(
    lambda name: name != "*"
)
FUNCTIONS = {
    "guard of x": lambda data, payload: True,
    "<lambda>": lambda data, payload: False,
    "g: 1\n": lambda data, payload: bool("yes"),
}


@st.composite
def machines(draw):
    """Draw a sound machine: a tree that reaches every status, and guarded moves on top."""
    statuses = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    actions = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    guard_names = st.sampled_from(sorted(FUNCTIONS))
    sources = st.just("*") | st.lists(st.sampled_from(statuses), min_size=1, max_size=3, unique=True)
    rows = draw(
        st.lists(st.tuples(st.sampled_from(actions), sources, st.sampled_from(statuses), guard_names), max_size=5)
    )
    transitions = [
        Transition(action, source, target, FUNCTIONS[guard], guard_name=guard) for action, source, target, guard in rows
    ]
    for index, status in enumerate(statuses[1:], start=1):
        parent = draw(st.integers(0, index - 1))
        free = [action for action in actions if not any(_ends(item, action, statuses[parent]) for item in transitions)]
        if not free:
            statuses = statuses[:index]
            break
        transitions.append(Transition(draw(st.sampled_from(free)), statuses[parent], status))
    kept = [item for item in transitions if {*item.sources, item.target} <= {*statuses, "*"}]
    return Machine(draw(names), statuses[0], kept, version=draw(st.integers(1, 99)))


def _ends(item, action, status):
    return item.guard is None and item.action == action and status in item.sources


@given(machines())
def test_a_machine_file_gives_back_the_same_machine(machine):
    """from_json of to_json is equal: definition, fingerprint and text."""
    again = Machine.from_json(machine.to_json(), functions=FUNCTIONS)
    assert again == machine
    assert again.fingerprint == machine.fingerprint
    assert again.to_json() == machine.to_json()


@given(machines())
def test_a_machine_file_read_without_functions_draws_and_writes_the_same(machine):
    """Names are kept where the functions are not at hand."""
    again = Machine.from_json(machine.to_json())
    assert again.to_mermaid() == machine.to_mermaid()
    assert again.to_json() == machine.to_json()
    assert again.fingerprint == machine.fingerprint


@given(machines())
def test_what_is_allowed_has_a_next_status_and_nothing_else_has(machine):
    """allowed() and next() say the same of every status and action."""
    for status in machine.statuses:
        for action in machine.actions:
            if action in machine.allowed(status):
                assert machine.next(status, action) in machine.statuses
            else:
                with pytest.raises(TransitionNotAllowedError) as caught:
                    machine.next(status, action)
                assert caught.value.allowed == machine.allowed(status)


@given(machines())
def test_a_choice_is_one_of_the_transitions_from_that_status(machine):
    """choose() takes a transition of that action and source, or refuses because each guard did."""
    for status in machine.statuses:
        for action in machine.allowed(status):
            try:
                choice = machine.choose(status, action, dict, dict)
            except TransitionNotAllowedError:
                candidates = [item for item in machine.transitions if item.action == action]
                assert all(item.guard for item in candidates if {status, "*"} & set(item.sources))
            else:
                assert choice.target == choice.transition.target
                assert choice.transition.action == action
                assert {status, "*"} & set(choice.transition.sources)


@given(machines())
def test_derived_terminals_lead_nowhere_else(machine):
    """A status is terminal exactly when no candidate from it has another target."""
    for status in machine.statuses:
        targets = {machine.next(status, action) for action in machine.allowed(status)}
        if status in machine.terminal:
            assert targets <= {status}


STATEMENT = re.compile(
    r"""\ {4}(?:
        state\ "(?P<label>[^":;\n]*(?:\#\d+;[^":;\n]*)*)"\ as\ (?P<alias>\w+)
      | \[\*\]\ -->\ (?P<start>\w+)
      | (?P<end>\w+)\ -->\ \[\*\]
      | (?P<source>\w+)\ -->\ (?P<target>\w+)\ :\ (?P<text>(?:[^":;\n%<>`*\#]|\#\d+;)+)
      | classDef\ current\ [\w:#,-]+
      | class\ (?P<current>\w+)\ current
    )""",
    re.VERBOSE | re.ASCII,
)
COMMAND_ANYWHERE = re.compile(r"direction\s+(?:TB|BT|RL|LR)|<<|\[\[|%%", re.IGNORECASE)


def statements(text):
    """Return the matched statements of a diagram; each line must be one."""
    head, *lines = text.removesuffix("\n").split("\n")
    assert head == "stateDiagram-v2"
    found = [STATEMENT.fullmatch(line) for line in lines]
    assert all(found), lines
    return found


def shown(label):
    """Return what Mermaid shows for *label*; the blanks of no width are ours."""
    return html.unescape(re.sub(r"#(\d+;)", r"&#\1", label)).replace("\u200b", "")


def as_shown(name):
    """Return how *name* is to be shown."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)


def arrows(machine):
    """Return the arrows to be drawn, as counts of (source, target, label)."""
    found: Counter[tuple[str, str, str]] = Counter()
    for status in machine.statuses:
        for item in machine.transitions:
            named = status in item.sources
            beaten = any(_ends(other, item.action, status) for other in machine.transitions)
            if named or (item.source == "*" and not beaten):
                guard = "" if item.guard is None else f" [{as_shown(item.guard_name)}]"
                found[as_shown(status), as_shown(item.target), as_shown(item.action) + guard] += 1
    return found


@given(machines(), st.data())
def test_a_diagram_has_each_arrow_once_and_no_name_breaks_out(machine, data):
    """Every line is one statement, no label is a command, and the arrows are those of the machine."""
    current = data.draw(st.sampled_from(machine.statuses))
    text = machine.to_mermaid(current)
    assert not COMMAND_ANYWHERE.search(text)
    found = statements(text)
    labels = {match["alias"]: shown(match["label"]) for match in found if match["alias"]}
    drawn = Counter(
        (labels.get(match["source"], match["source"]), labels.get(match["target"], match["target"]), shown(text))
        for match in found
        if match["source"]
        for text in match["text"].split(", ")  # Loops share an arrow; a comma of a name is an entity.
    )
    assert drawn == arrows(machine)
    ends = [labels.get(match["end"], match["end"]) for match in found if match["end"]]
    assert ends == [as_shown(status) for status in machine.terminal]
    marked = [labels.get(match["current"], match["current"]) for match in found if match["current"]]
    assert marked == [as_shown(current)]


async def asynchronous(data, payload):
    return True


BASE = (Transition("go", "new", "mid"), Transition("finish", "mid", "done"))
PLANTED: dict[str, dict[str, Any]] = {
    "invalid_name": {"name": ""},
    "invalid_version": {"version": 0},
    "invalid_data_type": {"data_type": int},
    "invalid_action": {"transitions": [Transition("", "new", "mid")]},
    "invalid_source": {"transitions": [Transition("enter", (), "mid")]},
    "invalid_target": {"transitions": [Transition("leave", "new", "")]},
    "invalid_transition": {"transitions": ["new -> mid"]},
    "invalid_function": {"transitions": [Transition("ask", "new", "mid", cast("Any", asynchronous))]},
    "invalid_terminal": {"terminal": [5]},
    "unknown_terminal": {"terminal": ["nowhere"]},
    "terminal_left": {
        "terminal": ["ended"],
        "transitions": [Transition("end", "new", "ended"), Transition("undo", "ended", "new")],
    },
    "duplicate": {"transitions": [Transition("twice", "mid", "new"), Transition("twice", "mid", "done")]},
    "dead_end": {"transitions": [Transition("fall", "mid", "pit")]},
    "unreachable": {"transitions": [Transition("swim", "island", "new")]},
}  # fmt: skip
START_PLANTED = {"invalid_initial": "*", "unknown_initial": "lost"}


@given(st.sets(st.sampled_from(sorted(PLANTED))), st.none() | st.sampled_from(sorted(START_PLANTED)), st.randoms())
def test_all_planted_problems_are_found_at_once_and_no_others(planted, wrong_start, random):
    """Whatever the combination, each planted problem is reported once, and nothing else is."""
    if wrong_start:
        planted = planted - {"unreachable"}  # What can be reached is judged from a known start.
    initial = START_PLANTED[wrong_start] if wrong_start else "new"
    options: dict[str, Any] = {"name": "order", "version": 1, "data_type": None}
    transitions, terminal = list(BASE), ["done"]
    blocks = []
    for kind in planted:
        plant = dict(PLANTED[kind])
        blocks.append(plant.pop("transitions", []))
        terminal += plant.pop("terminal", [])
        options |= plant
    random.shuffle(blocks)
    transitions += [item for block in blocks for item in block]
    expected = sorted(planted | ({wrong_start} if wrong_start else set()))
    found = Machine.find_problems(initial=initial, transitions=transitions, terminal=terminal, **options)
    assert sorted(problem.kind for problem in found) == expected
    if expected:
        with pytest.raises(InvalidMachineError) as caught:
            Machine(initial=initial, transitions=transitions, terminal=terminal, **options)
        assert caught.value.problems == found
    else:
        assert Machine(initial=initial, transitions=transitions, terminal=terminal, **options).problems() == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("\ud800") | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    anything,
    anything,
    st.lists(st.builds(Transition, anything, anything, anything, anything, anything)),
    anything,
    anything,
)
def test_a_definition_of_any_rubbish_is_refused_in_words(name, initial, transitions, version, terminal):
    """Nothing but InvalidMachineError comes out of a definition, whatever its parts are."""
    problems = Machine.find_problems(name, initial, transitions, version=version, terminal=terminal)
    assert all(str(problem).strip() and problem.kind for problem in problems)
    with pytest.raises(InvalidMachineError) if problems else contextlib.nullcontext():
        Machine(name, initial, transitions, version=version, terminal=terminal)
