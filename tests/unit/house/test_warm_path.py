"""A warm transition can be followed from call to bytes: which files it passes, and in which order."""

import sys
from pathlib import Path

import pytest

import tai_state
from tai_state import Machine, MemoryStore, SqliteStore, StateMachinePersister, Transition
from tai_state.backends.memory import encoding

PACKAGE = Path(tai_state.__file__).parent
FILES_MAX = 25
COUNTER = Machine("counter", "on", [Transition("add", "on", "on", apply=lambda data, _: {"n": data["n"] + 1})])

VERBS = [
    ("_sync/api/persister.py", "transition"),
    ("_sync/transactions/reactions.py", "write"),
    ("_sync/commits/writer.py", "write"),
    ("rules/commits/decide.py", "decide"),
    ("_sync/commits/protocol.py", "commit_once"),
]
"""One verb a layer, from the call down to the backend."""


class Walk(list[tuple[str, str]]):
    """The functions of the package that were entered, and how many calls there were of all functions of Python."""

    calls = 0


@pytest.fixture(params=["sqlite", "memory"])
def walk(request, tmp_path, monkeypatch):
    """Every function of the package that one warm transition enters, as file and name, in order."""
    monkeypatch.setattr(encoding, "LOOKS_AT_ALL", False)
    store = SqliteStore(tmp_path / "store.db") if request.param == "sqlite" else MemoryStore()
    entered = Walk()

    def note(frame, event, _):
        if event != "call":
            return
        entered.calls += 1
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE):
            entered.append((path.relative_to(PACKAGE).as_posix(), frame.f_code.co_name))

    with store:
        persister = StateMachinePersister(store, COUNTER)
        persister.start("g", "s", {"n": 0})
        persister.transition("g", "s", "add")
        before = sys.getprofile()
        entered.calls = 0
        sys.setprofile(note)
        try:
            persister.transition("g", "s", "add")
        finally:
            sys.setprofile(before)
    return entered


def test_a_warm_transition_passes_few_files(walk):
    """A reader opens no more than these, one after the other."""
    files = list(dict.fromkeys(file for file, _ in walk))
    assert files[0] == "_sync/api/persister.py"
    assert len(files) <= FILES_MAX, files


def test_the_layers_are_entered_from_the_top_down(walk):
    """Each verb calls the next one, and ends in the port's commit."""
    first = {step: index for index, step in reversed(list(enumerate(walk)))}
    backend = next(index for (file, name), index in first.items() if "backends/" in file and name == "commit")
    assert [first[verb] for verb in VERBS] == sorted(first[verb] for verb in VERBS)
    assert first[VERBS[-1]] < backend


CALLS_MAX = {"sqlite": 120, "memory": 115}
"""Calls of Python functions, generated ones and the standard library's included. What takes one away lowers it."""


def test_a_warm_transition_makes_few_calls(walk, request):
    """Counted, since a time would be that of the machine."""
    engine = request.node.callspec.params["walk"]
    assert walk.calls <= CALLS_MAX[engine], walk.calls
