"""Definitions in other formats as machines of ours: the flat part, and a name for all that is left out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state import InvalidDataError, InvalidMachineError
from tai_state.machine.formats import converted

SCXML = """<?xml version="1.0" encoding="UTF-8"?>
<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" initial="new" name="order">
  <state id="new">
    <transition event="pay card" cond="amount &gt; 5" target="paid"/>
    <transition event="touch"/>
  </state>
  <state id="paid">
    <transition event="ship" target="done"/>
  </state>
  <final id="done"/>
</scxml>
"""

XSTATE = {
    "id": "order",
    "initial": "new",
    "on": {"CANCEL": "gone"},
    "states": {
        "new": {
            "on": {
                "PAY": [{"target": "paid", "guard": "isEnough"}, {"target": "owing", "cond": {"type": "isSome"}}],
                "TOUCH": {},
            },
            "after": {"30000": "gone"},
        },
        "owing": {"on": {"PAY": {"target": "#order.paid"}}},
        "paid": {"on": {"SHIP": "#sent"}},
        "shipped": {"id": "sent", "type": "final"},
        "gone": {"type": "final"},
    },
}

ASL = {
    "StartAt": "Pay",
    "States": {
        "Pay": {
            "Type": "Task",
            "Next": "Enough?",
            "Catch": [{"ErrorEquals": ["Broke", "Late"], "Next": "Wait"}],
        },
        "Enough?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.paid", "NumericGreaterThan": 5, "Next": "Ship"}],
            "Default": "Gone",
        },
        "Wait": {"Type": "Wait", "Seconds": 90, "Next": "Pay"},
        "Ship": {"Type": "Pass", "End": True},
        "Gone": {"Type": "Fail"},
    },
}


def shape(found):
    assert found.problems == ()
    return [(one.action, one.source, one.target, one.guard_name) for one in found.machine.transitions]


def left(found):
    return [(one.kind, one.place) for one in found.left_out]


def chart(inside, attributes=""):
    head = f'<scxml xmlns="http://www.w3.org/2005/07/scxml" {attributes}>\n'
    return f"{head}{inside}\n</scxml>"


def test_a_flat_chart_in_scxml_is_whole():
    """Each event a transition, its condition a guard's name; nothing is left out."""
    found = converted(SCXML, name="file")
    assert (found.format, found.is_whole, found.left_out) == ("scxml", True, ())
    assert found.machine is not None
    assert (found.machine.name, found.machine.initial, found.machine.terminal) == ("order", "new", ("done",))
    assert shape(found) == [
        ("pay", "new", "paid", "amount > 5"),
        ("card", "new", "paid", "amount > 5"),
        ("touch", "new", "new", None),
        ("ship", "paid", "done", None),
    ]


def test_a_chart_begins_in_its_first_state_and_has_the_name_of_its_file():
    """Where it says neither."""
    found = converted(chart('<state id="a"><transition event="go" target="b"/></state>\n<state id="b"/>'), name="file")
    assert found.machine is not None
    assert (found.machine.name, found.machine.initial) == ("file", "a")


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        ('<state id="a"><state id="b"/></state>', [("structure", "line 2")]),
        ('<state id="a"/>\n<parallel id="p"/>', [("structure", "line 3")]),
        ('<state id="a">\n<history id="h"/></state>', [("structure", "line 3")]),
        ('<state id="a" initial="b"/>', [("structure", "line 2")]),
        ('<state id="a"/>\n<state/>', [("structure", "line 3")]),
        ('<state id="a">\n<onentry><log/></onentry>\n<onexit/></state>', [("effect", "line 3"), ("effect", "line 4")]),
        ('<state id="a">\n<invoke/></state>', [("effect", "line 3")]),
        ('<datamodel/>\n<script/>\n<state id="a"/>', [("data", "line 2"), ("effect", "line 3")]),
        ('<state id="a"><transition target="a"/></state>', [("event", "line 2")]),
        ('<state id="a"><transition event="*"/></state>', [("event", "line 2")]),
        ('<state id="a"><transition event="e.*"/></state>', [("event", "line 2")]),
        ('<state id="a"><transition event="e" target="a b"/></state>', [("structure", "line 2")]),
        ('<state id="a"><transition event="e">\n<assign/><send/></transition></state>', [("effect", "line 3")] * 2),
        ('<state id="a"><transition event="e"/>\n<transition event="e.f"/></state>', [("event", "events")]),
        ('<state id="a"/>\n<final id="b"><donedata/></final>', [("data", "line 3")]),
        ('<state id="a" color="red"/>', [("unknown", "line 2")]),
        ('<state id="a"/>\n<x:thing xmlns:x="urn:other"/>', [("unknown", "line 3")]),
    ],
)
def test_what_scxml_has_beyond_is_named_by_its_line(inside, named):
    """One name for each part, and what it is."""
    found = converted(chart(inside), name="m")
    assert left(found) == named
    assert not found.is_whole


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<scxml", "is no XML"),
        ("<chart/>", "the root is <chart>"),
        ("<scxml/>", "the root is <scxml>, and not <scxml> in the namespace"),
        ('<!DOCTYPE scxml [<!ENTITY a "aaaa">]><scxml>&a;</scxml>', "has a document type"),
        ('<!DOCTYPE scxml SYSTEM "file:///etc/passwd"><scxml/>', "has a document type"),
        ("<a>" * 200 + "</a>" * 200, "are nested deeper than 100"),
    ],
)
def test_xml_that_is_no_chart_or_names_other_files_is_refused(text, problem):
    """Before anything of it is expanded or opened."""
    if text == "<scxml/>":
        text = '<scxml xmlns="urn:other"/>'
        problem = "the root is <urn:other scxml>"
    with pytest.raises(InvalidMachineError, match=problem):
        converted(text, name="m", format="scxml")


def test_a_flat_machine_of_xstate_is_whole():
    """Its root's events come from any state, a delay is a timeout, ids are resolved."""
    found = converted(json.dumps(XSTATE), name="file")
    assert (found.format, found.is_whole, found.left_out) == ("xstate", True, ())
    assert found.machine is not None
    assert (found.machine.name, found.machine.terminal) == ("order", ("gone", "shipped"))
    assert str(found.machine.timeouts["new"]) == "after 30000 ms after 30 s"
    assert shape(found) == [
        ("PAY", "new", "paid", "isEnough"),
        ("PAY", "new", "owing", "isSome"),
        ("TOUCH", "new", "new", None),
        ("after 30000 ms", "new", "gone", None),
        ("PAY", "owing", "paid", None),
        ("SHIP", "paid", "shipped", None),
        ("CANCEL", "*", "gone", None),
    ]


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"states": {"b": {}}, "initial": "b"}, [("structure", "states.a.states"), ("structure", "states.a.initial")]),
        ({"type": "parallel"}, [("structure", "states.a.type")]),
        ({"entry": "x", "exit": ["y"]}, [("effect", "states.a.entry"), ("effect", "states.a.exit")]),
        ({"invoke": {"src": "x"}}, [("effect", "states.a.invoke")]),
        ({"always": "a"}, [("event", "states.a.always")]),
        ({"on": {"*": "a"}}, [("event", "states.a.on.*")]),
        ({"on": {"": "a"}}, [("event", "states.a.on.")]),
        ({"on": {"E": {"actions": ["x"]}}}, [("effect", "states.a.on.E.actions")]),
        ({"on": {"E": [{"target": ["a", "b"]}]}}, [("structure", "states.a.on.E[0].target")]),
        ({"on": {"E": "a.b"}}, [("structure", "states.a.on.E.target")]),
        ({"on": {"E": ".b"}}, [("structure", "states.a.on.E.target")]),
        ({"on": {"E": {"guard": {"type": "g", "params": {"n": 1}}}}}, [("guard", "states.a.on.E.guard.params")]),
        ({"on": {"E": {"guard": {}}}}, [("guard", "states.a.on.E.guard")]),
        ({"on": {"E": 3}}, [("unknown", "states.a.on.E")]),
        ({"on": []}, [("unknown", "states.a.on")]),
        ({"after": {"soon": "a"}}, [("event", "states.a.after.soon")]),
        ({"after": {"10": "a", "20": "a"}}, [("event", "states.a.after.20")]),
        ({"colour": "red"}, [("unknown", "states.a.colour")]),
    ],
)
def test_what_xstate_has_beyond_is_named_by_its_path(state, named):
    """One name for each part, and what it is."""
    found = converted(json.dumps({"initial": "a", "states": {"a": state}}), name="m")
    assert left(found) == named
    assert not found.is_whole


def test_comments_leave_a_machine_whole():
    """What no machine does anything by is named, and no loss."""
    found = converted(json.dumps({**XSTATE, "description": "orders"}), name="m")
    assert (left(found), found.is_whole) == ([("comment", "description")], True)


def test_a_transition_whose_guard_has_no_name_is_left_out_with_it():
    """It would be open to all without it."""
    on = {"E": [{"target": "b", "cond": 3}, "c"], "F": "b"}
    found = converted(json.dumps({"initial": "a", "states": {"a": {"on": on}, "b": {}, "c": {}}}), name="m")
    assert shape(found) == [("E", "a", "c", None), ("F", "a", "b", None)]
    assert left(found) == [("guard", "states.a.on.E[0].guard")]


def test_a_flat_machine_of_amazon_is_whole():
    """Tasks complete or fail, choices choose, waits are timeouts, and ends have a status."""
    found = converted(json.dumps(ASL), name="file")
    assert (found.format, found.is_whole, found.left_out) == ("asl", True, ())
    assert found.machine is not None
    assert (found.machine.name, found.machine.initial) == ("file", "Pay")
    assert set(found.machine.terminal) == {"Gone", "SUCCEEDED", "FAILED"}
    assert str(found.machine.timeouts["Wait"]) == "complete after 1 min 30 s"
    assert shape(found) == [
        ("complete", "Pay", "Enough?", None),
        ("fail", "Pay", "Wait", "Broke or Late"),
        ("fail", "Pay", "FAILED", None),
        ("choose", "Enough?", "Ship", '{"Variable": "$.paid", "NumericGreaterThan": 5}'),
        ("choose", "Enough?", "Gone", None),
        ("complete", "Wait", "Pay", None),
        ("complete", "Ship", "SUCCEEDED", None),
    ]


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"Type": "Task", "End": True, "Resource": "arn:x"}, [("effect", "States.A.Resource")]),
        ({"Type": "Task", "End": True, "Retry": [{}]}, [("effect", "States.A.Retry")]),
        ({"Type": "Task", "End": True, "TimeoutSeconds": 3}, [("event", "States.A.TimeoutSeconds")]),
        (
            {"Type": "Pass", "End": True, "Result": 1, "ResultPath": "$"},
            [("data", "States.A.Result"), ("data", "States.A.ResultPath")],
        ),
        (
            {"Type": "Map", "End": True, "ItemProcessor": {}},
            [("structure", "States.A.Type"), ("unknown", "States.A.ItemProcessor")],
        ),
        ({"Type": "Wait", "End": True, "SecondsPath": "$.n"}, [("event", "States.A.SecondsPath")]),
        ({"Type": "Wait", "End": True, "Seconds": "{% $n %}"}, [("event", "States.A.Seconds")]),
        ({"Type": "Task", "End": True, "Catch": {}}, [("unknown", "States.A.Catch")]),
        (
            {"Type": "Task", "End": True, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "A", "ResultPath": "$.e"}]},
            [("data", "States.A.Catch[0].ResultPath")],
        ),
        (
            {"Type": "Choice", "Choices": [{"Condition": "x" * 500, "Next": "A", "Assign": {}}]},
            [("data", "States.A.Choices[0].Assign"), ("guard", "States.A.Choices[0]")],
        ),
    ],
)
def test_what_amazons_language_has_beyond_is_named_by_its_path(state, named):
    """One name for each part, and what it is."""
    found = converted(json.dumps({"StartAt": "A", "States": {"A": state}}), name="m")
    assert left(found) == named
    assert not found.is_whole


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("[]", "and no object"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("{}", "it is none of these"),
        ('{"states": 3}', "must be an object of objects"),
        ('{"states": {"a": 3}}', "must be an object of objects"),
        ('{"StartAt": "A", "States": []}', "must be an object of objects"),
        ('{"StartAt": "A", "States": {"FAILED": {}}}', "a state is called 'FAILED'"),
        ('{"states": {}, "states": {}}', "has the key 'states' more than once"),
    ],
)
def test_json_that_is_no_definition_is_refused(value, problem):
    """With the reason."""
    with pytest.raises(InvalidMachineError, match=problem):
        converted(value, name="m")


def test_an_unknown_format_is_refused():
    """With those that are known."""
    with pytest.raises(InvalidDataError, match="must be one of scxml, xstate, asl, not 'uml'"):
        converted("{}", name="m", format="uml")


def test_a_definition_that_is_no_sound_machine_has_its_problems():
    """The problems of a machine file, as they are."""
    found = converted(chart('<state id="a"><transition event="go" target="b"/></state>', 'initial="c"'), name="m")
    assert found.machine is None
    assert {problem.kind for problem in found.problems} >= {"unknown_initial"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "on",
                    "after",
                    "type",
                    "target",
                    "guard",
                    "cond",
                    "states",
                    "initial",
                    "a",
                    "b",
                    "id",
                    "actions",
                    "StartAt",
                    "States",
                    "Type",
                    "Next",
                    "End",
                    "Catch",
                    "Choices",
                    "Default",
                    "Seconds",
                    "ErrorEquals",
                    "Task",
                    "10",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, json_values, st.sampled_from(["xstate", "asl"]))
def test_no_json_makes_it_stumble(state, root, kind):
    """Whatever is in it: a result, or our own error."""
    key = "states" if kind == "xstate" else "States"
    value = {**(root if isinstance(root, dict) else {}), key: {"a": state if isinstance(state, dict) else {}, "b": {}}}
    try:
        found = converted(json.dumps(value), name="m", format=kind)
    except InvalidMachineError:
        return
    assert (found.machine is None) == bool(found.problems)


@given(st.text(alphabet="<>/='\"! scxmlstateidtransitionevent&;:\n", max_size=80))
def test_no_text_makes_it_stumble(text):
    """Whatever stands where XML should."""
    try:
        converted(f'<scxml xmlns="http://www.w3.org/2005/07/scxml"><state id="a">{text}</state></scxml>', name="m")
    except InvalidMachineError:
        return
