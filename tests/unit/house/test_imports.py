"""Nothing is imported that the chosen path does not use: counted by module, never by time."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import tai_state
from tai_state.homes import HOMES
from tests.bare import bare_environment

ROOT_MODULE = Path(tai_state.__file__)

# What costs most, and what belongs to another path.
ENGINES = {"google", "grpc", "sqlite3"}
OTHERS = {"asyncio", "click", "concurrent.futures", "importlib.metadata", "rich", "tempfile", "tenacity", "zstandard"}
ASYNC, SYNC = "tai_state._async", "tai_state._sync"
FAR_ROOMS = {
    "tai_state._sync.api.lock_manager",
    "tai_state._sync.api.transaction_manager",
    "tai_state._sync.locking.handle",
    "tai_state._sync.recovery",
    "tai_state._sync.transactions.run",
    "tai_state.models.reports",
    "tai_state.machine.file_shape",
    "tai_state.rules.locking",
    "tai_state.testing",
}

MOVE = """
from tai_state import Machine, StateMachinePersister, Transition, connect
with connect({url!r}) as store:
    persister = StateMachinePersister(store, Machine("m", "a", [Transition("go", "a", "b")]))
    persister.start("g", "s", {{"n": 1}})
    persister.transition("g", "s", "go")
"""

PATHS = [
    ("import tai_state", ENGINES | OTHERS | {ASYNC, SYNC, "pydantic", "orjson"}),
    ("from tai_state import TaiStateError", ENGINES | OTHERS | {ASYNC, SYNC, "pydantic", "orjson"}),
    (
        "from tai_state import Machine, StateMachinePersister, connect",
        ENGINES | OTHERS | {ASYNC, "pydantic"} | FAR_ROOMS,
    ),
    (MOVE.format(url="memory://"), ENGINES | OTHERS | {ASYNC, "pydantic"} | FAR_ROOMS),
    (
        MOVE.format(url="sqlite:///s.db"),
        {"google", "grpc", "pydantic"} | (OTHERS - {"zstandard"}) | {ASYNC, "tai_state.backends.memory"} | FAR_ROOMS,
    ),
    (
        "from tai_state.cli import main\nmain(['--help'], standalone_mode=False)",
        ENGINES | (OTHERS - {"click"}) | {ASYNC, SYNC, "pydantic", "orjson", "tai_state.cli.commands.show"},
    ),
    (
        "from tai_state import AsyncStateMachinePersister, async_connect",
        ENGINES | (OTHERS - {"asyncio"}) | {SYNC, "pydantic"},
    ),
]


def loaded(code, folder):
    """Return the modules that a Python has after *code*."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    env = bare_environment(PYTHONPATH=str(ROOT_MODULE.parents[1]))
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return set(json.loads(ended.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("code", "forbidden"), PATHS, ids=[path[0].strip().splitlines()[-1] for path in PATHS])
def test_a_path_imports_nothing_that_it_does_not_use(code, forbidden, tmp_path):
    """Neither the other colour nor another engine, nor what only retries, checks or large values need."""
    found = loaded(code, tmp_path)
    assert {name for name in found for far in forbidden if name == far or name.startswith(f"{far}.")} == set()


def test_a_forbidden_module_would_be_seen(tmp_path):
    """The list of what a Python has loaded tells of one that is imported."""
    assert "sqlite3" in loaded("import sqlite3", tmp_path)


# The package's own names, which are imported when they are asked for.


def typed_imports():
    """Return what type checkers read: by name, the module that it comes from."""
    tree = ast.parse(ROOT_MODULE.read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_every_name_is_where_type_checkers_find_it():
    """The three lists of the package agree: what is exported, what is typed, and what is found when asked for."""
    homes = {name: module for module, names in HOMES.items() for name in names}
    assert homes == typed_imports()
    assert sorted(homes) == sorted(tai_state.__all__)
    for name, module in homes.items():
        assert getattr(tai_state, name) is getattr(importlib.import_module(module), name)


def test_every_name_is_listed_before_it_is_imported(tmp_path):
    """What completes names in a shell finds them."""
    code = "import tai_state; assert set(dir(tai_state)) >= set(tai_state.__all__)"
    assert {name for name in loaded(code, tmp_path) if name.startswith("tai_state.")} == {
        "tai_state.homes",
        "tai_state.late",
    }


def test_a_module_of_public_names_is_an_attribute(tmp_path):
    """As it was when all of them were imported at once."""
    assert "tai_state.errors" in loaded("import tai_state; tai_state.errors.TaiStateError", tmp_path)


def test_an_unknown_name_is_an_attribute_error():
    """With the name and the module, from which Python makes its suggestions."""
    with pytest.raises(AttributeError, match="'tai_state' has no attribute 'Machin'") as raised:
        tai_state.Machin  # type: ignore[attr-defined]  # noqa: B018 - reading it is the test
    assert (raised.value.name, raised.value.obj) == ("Machin", tai_state)


FROZEN = """
from datetime import UTC, datetime
import tai_state
from freezegun import freeze_time
with freeze_time("2035-05-01T12:00:00Z"):
    from tai_state import Machine, StateMachinePersister, Transition, connect
    persister = StateMachinePersister(connect("sqlite:///s.db"), Machine("m", "a", [Transition("go", "a", "a")]))
    persister.start("g", "s", {"at": datetime.now(UTC)})
moved = persister.transition("g", "s", "go", {"at": datetime.now(UTC)})
assert type(moved.event).model_validate(moved.event.model_dump()) == moved.event
assert persister.validate_consistency("g").problems == []
"""


def test_what_is_first_imported_in_a_frozen_time_works_behind_it(tmp_path):
    """Where datetime is another class while a test freezes time."""
    assert "tai_state.models.states" in loaded(FROZEN, tmp_path)


AT_ONCE = """
import sys, threading
sys.setswitchinterval(1e-6)
import tai_state
made, start = [], threading.Barrier(16)
def make(number):
    start.wait()
    made.append(tai_state.ChangeMetadata(changed_by="a", context={"n": number}).model_dump()["context"]["n"])
threads = [threading.Thread(target=make, args=(number,)) for number in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert sorted(made) == list(range(16)), made
"""


def test_many_threads_may_ask_for_a_name_and_check_a_value_at_once(tmp_path):
    """The first to ask imports it, and the first to check builds what checks."""
    assert "tai_state.models.states" in loaded(AT_ONCE, tmp_path)
