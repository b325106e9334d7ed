"""``transition``, ``rollback`` and ``snapshot``."""

import json
import sys

import pytest
from click.testing import CliRunner

from tai_state import Machine, PersistenceConfig, SqliteStore, StateMachinePersister, Transition
from tai_state.cli import main

DOOR = Machine("door", "shut", [Transition("open", "shut", "open"), Transition("close", "open", "shut")])
MODULE = """
from pydantic import BaseModel
from tai_state import Machine, Transition

class Data(BaseModel):
    colour: str

PLAIN = Machine("door", "shut", [
    Transition("open", "shut", "open", guard=lambda _, who: who == "ann", apply=lambda data, who: {**data, "by": who}),
    Transition("close", "open", "shut"),
])
TYPED = Machine("door", "shut", [Transition("open", "shut", "open")], data_type=Data)
KEPT = {"typed": TYPED}

class Turnstile:
    name, version, fingerprint, statuses = "turnstile", 1, "brass", ("locked", "open")

    def start(self, data):
        return "locked", data

    def move(self, status, data, action, payload):
        return ("open", {"paid": payload}) if action == "coin" else ("locked", data)

MOVER = Turnstile()

class Paint(BaseModel):
    paint: str

UPCASTERS = {1: lambda data: {"paint": data["colour"]}}
NEWER = Machine("door", "shut", [
    Transition("open", "shut", "open", apply=lambda data, size: {"size": size, "paint": data["paint"]}),
    Transition("close", "open", "shut"),
], version=2)
NEWER_TYPED = Machine("door", "shut", [
    Transition("open", "shut", "open"), Transition("close", "open", "shut")
], version=2, data_type=Paint)
"""
BELL = Machine("bell", "still", [Transition("ring", "still", "ringing")], on_dependency={"open": "ring"})


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store with a shut door, its machine's file, and a module with its machine in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "doors", raising=False)
    (tmp_path / "doors.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("raise RuntimeError('no database')")
    (tmp_path / "door.json").write_text(DOOR.to_json())
    (tmp_path / "bell.json").write_text(BELL.to_json())
    with SqliteStore("store.db", actor="ann") as store:
        StateMachinePersister(store, DOOR).start("house", "front", {"colour": "red"})
        yield store


@pytest.fixture
def act(store):
    """Run a command on it with a reason, and expect its exit code."""
    assert store

    def run(*arguments, code=0, reason="by hand"):
        told = ["--reason", reason] if reason is not None else []
        result = CliRunner().invoke(main, ["--store", "sqlite:///store.db", "--actor", "eve", *told, *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def last_event(store):
    *_, event = store.get_events("house", "front")
    return event


def test_a_state_is_moved_by_the_machine_of_a_file(store, act):
    """The event is signed as the options say, and what was done is told."""
    told = act("transition", "house", "front", "open", "--machine", "door.json").stdout
    assert "shut -> open" in told
    event = last_event(store)
    assert (event.version, event.to_status, event.kind) == (2, "open", "transition")
    assert (event.metadata.changed_by, event.metadata.reason) == ("eve", "by hand")


def test_a_state_is_moved_by_the_machine_of_a_module(act):
    """Its guards and applies run, on the payload that was given."""
    arguments = ("transition", "house", "front", "open", "--machine", "doors:PLAIN", "--payload")
    act(*arguments, '"bob"', code=1)
    moved = json.loads(act("--json", *arguments, '"ann"').stdout)
    assert moved["snapshot"]["data"] == {"colour": "red", "by": "ann"}
    assert (moved["version"], moved["from_status"], moved["to_status"], moved["replayed"]) == (2, "shut", "open", False)


def test_data_of_a_type_is_shown_as_it_is_stored(act):
    """A machine may have a data type."""
    moved = json.loads(act("--json", "transition", "house", "front", "open", "--machine", "doors:TYPED").stdout)
    assert moved["event"]["to_state"] == moved["snapshot"]["data"] == {"colour": "red"}


def test_what_is_not_allowed_is_told_with_what_is(store, act):
    """In words for people, in a list for programs; nothing is written."""
    arguments = ("transition", "house", "front", "close", "--machine", "door.json")
    assert "allowed: 'open'" in act(*arguments, code=1).stderr
    error = json.loads(act("--json", *arguments, code=1).stderr)
    assert (error["error"], error["allowed"]) == ("transition_not_allowed", ["open"])
    assert last_event(store).version == 1


def test_a_mover_is_named_as_a_machine_is(store, act):
    """A machine of another library moves its states, and says to which of them a rollback leads."""
    sys.path.insert(0, "")
    from doors import MOVER  # type: ignore[import-not-found]  # noqa: PLC0415 - the module of the working folder

    StateMachinePersister(store, MOVER).start("house", "gate")
    act("transition", "house", "gate", "coin", "--machine", "doors:MOVER", "--payload", "2")
    assert store.get_state("house", "gate")[0].data == {"paid": 2}
    act("rollback", "house", "gate", "1", "--machine", "doors:MOVER")
    found, version = store.get_state("house", "gate")
    assert (found.status, found.machine_name, version) == ("locked", "turnstile", 3)


def test_what_depends_on_the_state_reacts(store, act):
    """Its machine is named, too."""
    StateMachinePersister(store, BELL, machines=[DOOR]).start("house", "bell", depends_on=["front"])
    arguments = ("transition", "house", "front", "open", "--machine", "door.json")
    assert "bell@1" in act(*arguments, code=1).stderr
    act(*arguments, "--machine", "bell.json")
    assert store.get_state("house", "bell")[0].status == "ringing"


def test_a_key_makes_a_second_run_harmless(store, act):
    """It tells that the move was made before."""
    arguments = ("transition", "house", "front", "open", "--machine", "door.json", "--key", "k")
    act(*arguments)
    assert "made before" in act(*arguments).stdout
    assert last_event(store).version == 2


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ("none.json", "no machine file 'none.json'"),
        ("doors:NONE", "has no 'NONE'"),
        ("doors:KEPT", "is no Machine or Mover, it is dict"),
        ("doors:Turnstile", "is no Machine or Mover, it is type"),
        ("doors:", "is no module:name"),
        ("nowhere:X", "cannot be imported: ModuleNotFoundError"),
        ("broken:X", "cannot be imported: RuntimeError: no database"),
    ],
)
def test_a_machine_that_is_none_is_bad_usage(act, machine, said):
    """One line says what is wrong with it."""
    assert said in act("transition", "house", "front", "open", "--machine", machine, code=2).stderr


@pytest.mark.parametrize(
    "arguments",
    [("transition", "house", "front", "open", "--machine", "door.json"), ("rollback", "house", "front", "1")],
    ids=lambda one: one[0],
)
@pytest.mark.parametrize("reason", [None, " "])
def test_without_a_reason_nothing_is_changed(store, act, arguments, reason):
    """It is asked for."""
    assert "--reason" in act(*arguments, code=2, reason=reason).stderr
    assert last_event(store).version == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("transition", "house", "never", "open", "--machine", "door.json"), "state_not_found"),
        (("rollback", "house", "never", "1"), "state_not_found"),
        (("rollback", "house", "front", "7", "--machine", "door.json"), "version_not_found"),
        (("snapshot", "house", "never"), "state_not_found"),
        (
            ("transition", "house", "front", "open", "--machine", "door.json", "--expected-version", "3"),
            "version_conflict",
        ),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else "",
)
def test_what_is_not_as_it_was_thought_is_told(act, arguments, code):
    """A wrong id, a version that never was: one object, exit code 1."""
    assert json.loads(act("--json", *arguments, code=1).stderr)["error"] == code


def test_a_state_is_brought_back_by_a_new_version(store, act):
    """Nothing is erased."""
    act("transition", "house", "front", "open", "--machine", "door.json")
    act("rollback", "house", "front", "1", "--machine", "door.json")
    assert [event.to_status for event in store.get_events("house", "front")] == ["shut", "open", "shut"]
    assert last_event(store).kind == "rollback"


def test_a_rollback_past_a_machine_is_forced(store, act):
    """One that moved the state is asked, unless it is passed by for a reason."""
    act("transition", "house", "front", "open", "--machine", "door.json")
    said = act("rollback", "house", "front", "1", code=1).stderr
    assert "machine door@1 moves the state" in said
    assert "--force goes past it" in said
    assert len(said.splitlines()) == 1
    told = json.loads(act("--json", "rollback", "house", "front", "1", code=1).stderr)
    assert (told["error"], told["status"]) == ("transition_not_allowed", "open")
    act("rollback", "house", "front", "1", "--force")
    assert last_event(store).to_status == "shut"


def test_a_state_is_kept_as_it_is(store, act):
    """Without a reason, since no event is made; a second time it changes nothing."""
    for _ in range(2):
        assert "version   1" in act("snapshot", "house", "front", reason=None).stdout
    assert [kept.version for kept in StateMachinePersister(store).list_snapshots("house", "front")] == [1]


def test_no_snapshot_of_the_service_goes_for_one_by_hand(store, act):
    """It may keep more of them than is usual."""
    persister = StateMachinePersister(store, DOOR, PersistenceConfig(snapshot_interval=1, snapshot_retention=20))
    for action in ("open", "close") * 4:
        persister.transition("house", "front", action)
    before = [kept.version for kept in persister.list_snapshots("house", "front")]
    act("transition", "house", "front", "open", "--machine", "door.json")
    act("snapshot", "house", "front")
    assert [kept.version for kept in persister.list_snapshots("house", "front")] == [*before, 10]


def test_what_is_moved_by_hand_keeps_the_version_of_its_schema(store, act):
    """A state of a newer schema than the first is moved, too."""
    StateMachinePersister(store, DOOR, PersistenceConfig(schema_version=3)).start("house", "new")
    act("transition", "house", "new", "open", "--machine", "door.json")
    assert store.get_state("house", "new")[0].schema_version == 3


def test_a_state_of_a_newer_schema_is_kept(store, act):
    """The command does not look into its data."""
    StateMachinePersister(store, DOOR, PersistenceConfig(schema_version=3)).start("house", "new")
    assert "version   1" in act("snapshot", "house", "new").stdout


def test_what_is_moved_by_hand_may_be_brought_to_the_schema_of_its_machine_first(store, act):
    """By --upcasters: the machine's functions take data of today, and so is what they make."""
    act("transition", "house", "front", "open", "--machine", "doors:NEWER", "--payload", "1", "--upcasters", "doors")
    state, version = store.get_state("house", "front")
    assert (state.data, state.schema_version, version) == ({"size": 1, "paint": "red"}, 2, 2)
    typed = ("rollback", "house", "front", "1", "--machine", "doors:NEWER_TYPED")
    assert "paint" in act(*typed, code=2).stderr
    act(*typed, "--upcasters", "doors:UPCASTERS")
    assert store.get_state("house", "front")[0].schema_version == 1


def test_no_store_is_made_where_there_is_none(act):
    """A wrong path is told."""
    assert "none.db" in act("--store", "sqlite:///none.db", "snapshot", "house", "front", code=3).stderr
