"""The Mermaid diagram: its shape, and names that must not break it."""

import pytest

from tai_state.errors import InvalidDataError
from tai_state.machine import Machine, Transition


def has_stock(data, payload):
    return True


def lines(machine, current=None):
    return [line.strip() for line in machine.to_mermaid(current).splitlines()]


def test_a_diagram_shows_start_moves_guards_and_ends():
    transitions = [
        Transition("pay", "new", "paid", has_stock),
        Transition("pay", "new", "back_order"),
        Transition("arrive", "back_order", "paid"),
    ]
    assert Machine("m", "new", transitions).to_mermaid() == (
        "stateDiagram-v2\n"
        "    [*] --> new\n"
        "    new --> paid : pay [has_stock]\n"
        "    new --> back_order : pay\n"
        "    back_order --> paid : arrive\n"
        "    paid --> [*]\n"
    )


def test_any_status_is_drawn_from_each_status_where_it_counts():
    machine = Machine("m", "a", [Transition("go", "a", "b"), Transition("go", "*", "c")])
    assert lines(machine)[2:5] == ["a --> b : go", "b --> c : go", "c --> c : go"]


def test_loops_of_one_status_share_an_arrow():
    """Mermaid 11 would draw only one of them."""
    machine = Machine("m", "a", [Transition("x", "a", "a", has_stock), Transition("y, z", "a", "a")])
    assert lines(machine)[2] == "a --> a : x [has_stock], y#44; z"


def test_arrows_between_two_statuses_stay_apart():
    machine = Machine("m", "a", [Transition("x", "a", "b"), Transition("y", "a", "b")])
    assert lines(machine)[2:4] == ["a --> b : x", "a --> b : y"]


def test_the_current_status_is_marked():
    machine = Machine("m", "a", [Transition("go", "a", "b c")])
    assert lines(machine, "b c")[-2:] == [
        "classDef current fill:#ffd54f,stroke:#e65100,stroke-width:3px,color:#000000",
        "class s2 current",
    ]


def test_an_unknown_current_status_is_refused():
    with pytest.raises(InvalidDataError, match="'z' is not a status of machine 'm'"):
        Machine("m", "a", []).to_mermaid("z")


@pytest.mark.parametrize(
    "status",
    [
        "in progress",
        "a-b",
        "état",
        "1st",
        "a_",
        "end",
        "Click",
        "root",
        "root_end",
        "s1",
        "my_direction",
        "x:y",
        "CURRENT",
    ],
)
def test_a_status_that_is_no_safe_id_gets_one(status):
    machine = Machine("m", "start", [Transition("go", "start", status)])
    assert lines(machine)[1].startswith('state "')
    assert "start --> s2 : go" in lines(machine)


@pytest.mark.parametrize("status", ["new", "in_progress", "A1", "ending", "classified", "style1"])
def test_a_plain_status_is_its_own_id(status):
    machine = Machine("m", "start", [Transition("go", "start", status)])
    assert lines(machine)[1:3] == ["[*] --> start", f"start --> {status} : go"]


@pytest.mark.parametrize(
    ("action", "label"),
    [
        ("re-open it", "re-open it"),
        ('say "a; b"', "say #34;a#59; b#34;"),
        ("a: b", "a#58; b"),
        ("%%{x}%%", "#37;#37;#123;x#125;#37;#37;"),
        ("<b>", "#60;b#62;"),
        ("**x** _y_", "#42;#42;x#42;#42; #95;y#95;"),
        ("a\nb", "a#92;nb"),
        ("a\u202eb", "a#92;u202eb"),
        ("  x", "#32;#32;x"),
        ("direction TB", "directio#110; TB"),
        ("#35;", "#35;35#59;"),
        ("ﬂ°34¶ß", "#64258;#8203;#176;34#182;#8203;#223;"),
        ("état 日本", "état 日本"),
    ],
)
def test_a_label_shows_a_name_and_nothing_else(action, label):
    machine = Machine("m", "a", [Transition(action, "a", "b")])
    assert lines(machine)[2] == f"a --> b : {label}"


def test_a_guard_without_a_name_of_its_own_is_shown_by_the_name_given():
    transition = Transition("go", "a", "b", lambda data, payload: True, guard_name="in stock?")
    assert lines(Machine("m", "a", [transition]))[2] == "a --> b : go [in stock#63;]"
