"""The commands about machine files."""

import json

import pytest
from click.testing import CliRunner

from tai_state.cli import main

ORDER = {
    "name": "order",
    "initial": "new",
    "transitions": [
        {"action": "pay", "source": "new", "target": "paid", "guard": "is_enough"},
        {"action": "ship", "source": "paid", "target": "shipped", "apply": "shipping"},
    ],
}
LOST = {**ORDER, "transitions": [*ORDER["transitions"], {"action": "x", "source": "nowhere", "target": "paid"}]}


@pytest.fixture
def run(tmp_path):
    def run(*arguments, code=0, **files):
        for name, content in files.items():
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        paths = [str(tmp_path / argument) if argument in files else argument for argument in arguments]
        result = CliRunner().invoke(main, paths)
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_sound_file_is_called_sound(run):
    """Its functions are not needed to check it."""
    assert "sound; machine 'order' version 1, 3 statuses" in run("machine", "check", "a", a=ORDER).stdout


def test_every_problem_is_named(run):
    """Exit code 1, and a line for each problem."""
    result = run("machine", "check", "a", "b", a=ORDER, b=LOST, code=1)
    assert "nowhere" in result.stdout
    assert "sound" in result.stdout


def test_problems_are_data(run):
    """With --json each file is an object with its problems' kinds and places."""
    result = run("--json", "machine", "check", "a", "b", a=ORDER, b=LOST, code=1)
    sound, lost = (json.loads(line) for line in result.stdout.splitlines())
    assert (sound["sound"], sound["statuses"], sound["problems"]) == (True, ["new", "paid", "shipped"], [])
    assert not lost["sound"]
    assert all(problem["kind"] and problem["message"] for problem in lost["problems"])


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b'"a"', b"[" * 100_000, b""])
def test_a_file_that_is_no_machine_is_a_finding(run, content):
    """Whatever the file holds, it is told without a traceback."""
    assert "problem" in run("machine", "check", "a", a=content, code=1).stdout


def test_a_file_that_is_not_there_is_bad_usage(run):
    """Exit code 2."""
    run("machine", "check", "/no/such/file", code=2)


def test_a_machine_is_drawn(run):
    """As Mermaid, the current status marked."""
    drawn = run("machine", "diagram", "a", "--current", "paid", a=ORDER).stdout
    assert drawn.startswith("stateDiagram-v2\n")
    assert "class paid current" in drawn


def test_a_drawing_is_data(run):
    """With --json it is one object."""
    drawn = json.loads(run("--json", "machine", "diagram", "a", a=ORDER).stdout)
    assert drawn["mermaid"].startswith("stateDiagram-v2\n")


def test_a_status_that_the_machine_lacks_is_bad_usage(run):
    """The statuses that it has are named."""
    assert "'shipped'" in run("machine", "diagram", "a", "--current", "x", a=ORDER, code=2).stderr


def test_an_unsound_machine_is_drawn_with_its_problems(run):
    """Marked in the picture and listed on stderr: exit code 1."""
    result = run("machine", "diagram", "a", "--current", "paid", a=LOST, code=1)
    assert "new --> paid : pay" in result.stdout
    assert "class nowhere problem" in result.stdout
    assert "class paid current" in result.stdout
    assert "'nowhere' is unreachable" in result.stderr


def test_a_transition_that_cannot_be_read_is_marked(run):
    """Its other end stands for whatever was meant."""
    broken = {"action": "x", "source": "paid", "target": 5}
    drawn = json.loads(run("--json", "machine", "diagram", "a", a={**ORDER, "transitions": [broken]}, code=1).stdout)
    assert "PROBLEM x" in drawn["mermaid"]
    assert any(problem["place"] == "transitions[0].target" for problem in drawn["problems"])


@pytest.mark.parametrize("content", [b"{", b"[]", b"", b"[" * 100_000])
def test_what_is_no_machine_cannot_be_drawn(run, content):
    """There is nothing to draw: the reason, and exit code 1."""
    result = run("machine", "diagram", "a", a=content, code=1)
    assert result.stdout == ""
    assert "problems" in result.stderr


@pytest.mark.parametrize(
    "content",
    [{}, {"transitions": 5}, {"transitions": [5, None, {}]}, {"initial": [], "transitions": [{"source": []}]}, LOST],
    ids=str,
)
def test_whatever_an_object_holds_is_drawn(run, content):
    """As far as it can be read."""
    assert run("machine", "diagram", "a", a=content, code=1).stdout.startswith("stateDiagram-v2")


def test_a_star_is_no_action(run):
    """It stands for every source, and for nothing else."""
    starred = {**ORDER, "transitions": [{"action": "*", "source": "new", "target": "paid"}]}
    assert "no action" in run("machine", "check", "a", a=starred, code=1).stdout


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8-sig", "byte order mark"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")]
)
def test_a_machine_in_another_encoding_is_told_so(run, encoding, said):
    """One problem, and not what a decoder stumbles over."""
    result = run("--json", "machine", "check", "a", a=json.dumps(ORDER).encode(encoding), code=1)
    (problem,) = json.loads(result.stdout)["problems"]
    assert said in problem["message"]


LATER = {
    **ORDER,
    "version": 2,
    "transitions": [*ORDER["transitions"], {"action": "x", "source": "*", "target": "gone"}],
}
SHORTER = {**ORDER, "transitions": ORDER["transitions"][:1]}


def test_machines_that_are_the_same_have_no_difference(run):
    """Exit code 0."""
    assert run("machine", "diff", "a", "b", a=ORDER, b=ORDER).stdout == "order@1 -> order@1: the same\n"


def test_machines_that_differ_are_compared_part_by_part(run):
    """Exit code 1; what is safe is said to be."""
    lines = run("machine", "diff", "a", "b", a=ORDER, b=LATER, code=1).stdout.splitlines()
    assert lines[0] == "order@1 -> order@2: different; safe for stored states"
    assert {"  ~ version: 1 -> 2", "  + status 'gone'", "  + transition 'x' from 'paid': gone"} <= set(lines)


def test_a_status_that_goes_is_not_safe(run):
    """States may be stored in it."""
    lines = run("machine", "diff", "a", "b", a=ORDER, b=SHORTER, code=1).stdout.splitlines()
    assert lines[0] == "order@1 -> order@1: different; not safe for stored states"
    assert any(line.startswith("  ! states in status 'shipped' ") for line in lines)
    assert any("raise it" in line for line in lines)


def test_the_same_moves_written_otherwise_are_told_as_that(run):
    """Processes tell them apart."""
    turned = {**ORDER, "transitions": ORDER["transitions"][::-1]}
    lines = run("machine", "diff", "a", "b", a=ORDER, b=turned, code=1).stdout.splitlines()
    assert lines[0].endswith("the same moves, written otherwise; safe for stored states")


def test_a_difference_is_data(run):
    """With --json it is one object, with the branches of each transition."""
    found = json.loads(run("--json", "machine", "diff", "a", "b", a=ORDER, b=SHORTER, code=1).stdout)
    assert (found["same"], found["safe"], found["old"]["name"], found["new"]["version"]) == (False, False, "order", 1)
    assert found["old"]["fingerprint"] != found["new"]["fingerprint"]
    (transition,) = [one for one in found["changes"] if one["part"] == "transition"]
    assert transition == {
        "part": "transition",
        "subject": "ship",
        "status": "paid",
        "before": [{"target": "shipped", "guard": None, "apply": "shipping"}],
        "after": None,
    }
    assert [one["kind"] for one in found["hazards"]] == ["status_removed"]
    assert {one["kind"] for one in found["notes"]} == {"version_kept", "way_out_lost"}


def test_an_unsound_machine_is_not_compared(run):
    """Exit code 2, so that 1 always means a difference."""
    assert "nowhere" in run("machine", "diff", "a", "b", a=ORDER, b=LOST, code=2).stderr


CHART = b"""<scxml xmlns="http://www.w3.org/2005/07/scxml">
<state id="new"><transition event="pay" cond="is_enough" target="paid"/></state>
<final id="paid"/>
</scxml>"""


def test_a_definition_in_another_format_is_written_as_a_machine_file(run, tmp_path):
    """It is sound, and what of it is whole has nothing on stderr."""
    result = run("machine", "convert", "order.scxml", **{"order.scxml": CHART})
    form = json.loads(result.stdout)
    assert (form["name"], form["initial"], form["terminal"]) == ("order", "new", ["paid"])
    assert form["transitions"] == [{"action": "pay", "source": "new", "target": "paid", "guard": "is_enough"}]
    assert result.stderr == ""
    assert "sound" in run("machine", "check", "a", a=form).stdout


def test_what_a_machine_file_has_no_place_for_is_named(run):
    """On stderr, with its line, and exit code 1; the rest is written."""
    entry = CHART.replace(b"<transition", b"<onentry/>\n<transition")
    result = run("machine", "convert", "a", a=entry, code=1)
    assert json.loads(result.stdout)["initial"] == "new"
    assert "left out: line 2: <onentry> of state 'new' has no place in a machine" in result.stderr
    record = json.loads(run("--json", "machine", "convert", "a", "--name", "x", a=entry, code=1).stdout)
    assert (record["format"], record["machine"]["name"]) == ("scxml", "x")
    assert [one["kind"] for one in record["left_out"]] == ["effect"]


def test_a_definition_that_makes_no_machine_writes_none(run):
    """Its problems are told, exit code 1; a text that is no definition is bad usage."""
    lost = CHART.replace(b'target="paid"', b'target="lost"')
    result = run("machine", "convert", "a", a=lost, code=1)
    assert result.stdout == ""
    assert "'paid' cannot be reached" in result.stderr or "paid" in result.stderr
    for bad in (b"{}", b"<a/>", b"<scxml", b"\xff"):
        assert "cannot be converted" in run("machine", "convert", "a", a=bad, code=2).stderr
    assert "cannot be converted" in run("machine", "convert", "a", "--from", "asl", a={"states": {}}, code=2).stderr
