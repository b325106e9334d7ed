"""The house rules that no type checker sees: rooms and the direction of imports, and one clock.

Rooms and direction are import-linter's contracts in pyproject.toml; each is shown a planted violation here. What it
has no contract for is a function of a folder and the files in it.
"""

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tai_state

ROOT = Path(tai_state.__file__).parents[1]
PACKAGE = "tai_state"

WALL_CLOCKS = {f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")} | {"datetime.date.today"}


@dataclass(frozen=True)
class Module:
    """One source file: its place in the package and what it imports when it runs."""

    path: str
    name: tuple[str, ...]
    is_package: bool
    tree: ast.Module

    @classmethod
    def read(cls, file: Path, root: Path) -> "Module":
        relative = file.relative_to(root)
        parts = relative.with_suffix("").parts
        is_package = parts[-1] == "__init__"
        tree = ast.parse(file.read_text(encoding="utf-8"), str(relative))
        return cls(relative.as_posix(), parts[:-1] if is_package else parts, is_package, tree)

    @property
    def part(self) -> str:
        """The part of the package that this module belongs to, such as rules or _async."""
        return self.name[1] if len(self.name) > 1 else "__init__"

    def imports(self) -> Iterator[tuple[int, str]]:
        """Yield line and dotted name of all that is imported, blocks for type checkers excepted."""
        for node in running_nodes(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name
            elif isinstance(node, ast.ImportFrom):
                origin = self.origin(node)
                for alias in node.names:
                    yield node.lineno, f"{origin}.{alias.name}"
            elif isinstance(node, ast.Call) and (name := dynamic_import(node)):
                yield node.lineno, name

    def origin(self, node: ast.ImportFrom) -> str:
        """Return the absolute name of the module that *node* imports from."""
        if not node.level:
            return node.module or ""
        package = self.name if self.is_package else self.name[:-1]
        base = package[: len(package) - node.level + 1]
        return ".".join([*base, *([node.module] if node.module else [])])


def running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of *tree* save those under ``if TYPE_CHECKING``, in no order."""
    left: list[ast.AST] = [tree]
    while left:
        for child in ast.iter_child_nodes(left.pop()):
            if isinstance(child, ast.If) and ast.unparse(child.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
                found: list[ast.AST] = list(child.orelse)
            else:
                found = [child]
            yield from found
            left += found


def dynamic_import(call: ast.Call) -> str | None:
    """Return the constant name that ``__import__`` or ``import_module`` is given."""
    last = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    if last not in {"__import__", "import_module"} or not call.args:
        return None
    name = call.args[0]
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None


def read(files: Iterable[Path], root: Path) -> Iterator[Module]:
    """Yield the modules one by one: all their trees at once take longer to keep than to make."""
    return (Module.read(file, root) for file in sorted(files))


def clock_readings(files: Iterable[Path], root: Path) -> list[str]:
    """Return where anything but the clock module reads the time."""
    found = []
    for module in read(files, root):
        if module.part == "clock":
            continue
        found += [
            f"{module.path}:{line}: only clock.py imports time"
            for line, name in module.imports()
            # Sleeping reads no clock: the sync twin of asyncio's sleep is a primitive, and a program has its own pace.
            if name.split(".")[0] == "time" and (name != "time.sleep" or module.part not in {"_platform", "cli"})
        ]
        found += [
            f"{module.path}:{line}: only clock.py calls {name}"
            for line, name in attributes(module.tree, {name.rpartition(".")[2] for name in WALL_CLOCKS})
            if name in WALL_CLOCKS
        ]
    return found


def attributes(tree: ast.Module, last: Container[str]) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of every attribute called so, its first name resolved through the imports."""
    nodes = list(ast.walk(tree))
    if not any(isinstance(node, ast.Attribute) and node.attr in last for node in nodes):
        return
    origins: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            origins |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            origins |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in last:
            first, _, rest = ast.unparse(node).partition(".")
            yield node.lineno, f"{origins.get(first, first)}.{rest}"


# The package itself.


@pytest.fixture(scope="module")
def files():
    """Every module of the package."""
    found = sorted((ROOT / PACKAGE).rglob("*.py"))
    assert {path.parts[len(ROOT.parts) + 1] for path in found} >= {"rules", "machine", "_async", "_sync"}
    return found


def test_only_the_clock_module_reads_the_time(files):
    """Everything else is given a clock."""
    assert clock_readings(files, ROOT) == []


# The rules, each shown what breaks it and what does not.


@pytest.fixture
def plant(tmp_path):
    """Write one module into a folder of its own and return what a rule finds there."""

    def plant(rule, path, source):
        file = tmp_path / PACKAGE / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
        return rule([file], tmp_path)

    return plant


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "import datetime\ndatetime.datetime.now()",
        "import datetime as dt\ndt.datetime.utcnow()",
        "from datetime import datetime\nx = datetime.now(UTC)",
        "from datetime import datetime as d\nfield(default_factory=d.now)",
        "from datetime import date\ndate.today()",
    ],
)
def test_a_reading_of_the_clock_is_found(plant, source):
    """Under whatever name the clock is read, it is found, everywhere but in clock.py."""
    assert len(plant(clock_readings, "cli/demo.py", source)) == 1
    assert plant(clock_readings, "clock.py", source) == []


def test_only_the_primitives_sleep(plant):
    """The platform module and the command line may take sleep, and sleep alone, from time."""
    assert plant(clock_readings, "cli/demo.py", "from time import sleep") == []
    assert plant(clock_readings, "_platform.py", "from time import sleep as sleep") == []
    assert len(plant(clock_readings, "_platform.py", "from time import sleep, monotonic")) == 1
    assert len(plant(clock_readings, "retry.py", "from time import sleep")) == 1


def test_the_injected_clock_may_be_read(plant):
    """A clock that is passed in is no reading of the host's."""
    assert plant(clock_readings, "cli/demo.py", "from datetime import datetime\nself.clock.now()\ndatetime.max") == []


# Rooms and direction.


def broken_contracts(root):
    """Return what is told of each contract that the package under *root* breaks, by its name."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    wide = {**os.environ, "COLUMNS": "400"}
    ended = subprocess.run(command, cwd=root, env=wide, capture_output=True, text=True, check=False)
    lines = ended.stdout.splitlines()
    assert any(line.startswith("Contracts:") for line in lines), ended.stdout + ended.stderr
    broken = [line.removesuffix(" BROKEN") for line in lines if line.endswith(" BROKEN")]
    assert ended.returncode == bool(broken)
    told: dict[str, list[str]] = {name: [] for name in broken}
    name = ""
    for line, under in itertools.pairwise([*lines, ""]):
        name = line if line in told and set(under) == {"-"} else name
        if name:
            told[name].append(line)
    return told


def test_the_package_keeps_its_contracts():
    """No import leads up, across or out of a pure layer, and no room is without a floor."""
    assert broken_contracts(ROOT) == {}


FLOORS = "The floors of the package"
PUBLIC = "The command line, the server, the adapters and adoption use public names only"
RULES = "The rooms of the rules"
ROOMS = "The rooms of the protocols, in both colours"
PORT = "A backend knows the port and nothing above it"
PURE = "The pure layers do no I/O, tell no time and are not random"
DRIVERS = "A driver is its own backend's"
PLANTED = [
    ("errors.py", "from tai_state.models import Event", FLOORS),
    ("rules/locking/leases.py", "from tai_state import backends", FLOORS),
    ("backends/memory/engine.py", "from tai_state._async.access import port", FLOORS),
    ("_async/api/store.py", "from tai_state.testing import ManualClock", FLOORS),
    ("_async/api/store.py", "from tai_state._sync.api.store import StateStore", FLOORS),
    ("_sync/api/store.py", "def late():\n    from tai_state._async.access import port", FLOORS),
    ("surprise.py", "", FLOORS),
    ("rules/records/record.py", "from tai_state.rules.commits import change", RULES),
    ("rules/locking/leases.py", "from tai_state.rules.history import replay", RULES),
    ("rules/surprise.py", "", RULES),
    ("_async/commits/writer.py", "from tai_state._async.locking import lock", ROOMS),
    ("_sync/transactions/run.py", "from tai_state._sync.api import store", ROOMS),
    ("_async/recovery/verify.py", "from tai_state._async.transactions import run", ROOMS),
    ("_async/commits/writer.py", "from tai_state._async.backends import sqlite", ROOMS),
    ("_async/surprise/__init__.py", "", ROOMS),
    ("_async/backends/memory.py", "from tai_state._async.history import reader", PORT),
    ("rules/locking/leases.py", "import time", PURE),
    ("machine/definition.py", "def late():\n    from random import random", PURE),
    ("codec.py", "import threading", PURE),
    ("_async/commits/writer.py", "import sqlite3", DRIVERS),
    ("_sync/locking/lock.py", "from google.api_core import exceptions", DRIVERS),
    ("cli/program/session.py", "from tai_state.cli.commands.show import show", "The program knows no command"),
    ("cli/surprise.py", "", "The program knows no command"),
    ("cli/commands/states.py", "from tai_state.cli.commands.show import show", "A command stands for itself"),
    ("cli/program/output.py", "from tai_state.codec import to_json", PUBLIC),
    ("cli/commands/ingest/lines.py", "from tai_state.rules.commits.kinds import check_name", PUBLIC),
    ("cli/commands/demo/worker.py", "from tai_state._platform.tasks import sleep", PUBLIC),
    ("adapters/problems.py", "from tai_state.rules.commits.change import Settings", PUBLIC),
    ("adoption/shape.py", "from tai_state.codec import to_json", PUBLIC),
    ("adapters/problems.py", "from tai_state.testing import ManualClock", FLOORS),
    ("server/http/service.py", "from tai_state.backends import memory", PUBLIC),
    ("server/http/service.py", "from tai_state._async.api.store import AsyncStateStore", PUBLIC),
    ("server/http/calls.py", "from tai_state.server.console import pages", "The rooms of the server"),
    ("server/surprise.py", "", "The rooms of the server"),
]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Plant all of it in a copy of the package, and return the line of each, and what is told of each contract."""
    root = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / PACKAGE, root / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    places = {}
    for path, source, _ in PLANTED:
        file = root / PACKAGE / path
        file.parent.mkdir(exist_ok=True)
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(f"{before}{source}\n", encoding="utf-8")
        places[path, source] = len(f"{before}{source}".splitlines())
    return places, broken_contracts(root)


@pytest.mark.parametrize(("path", "source", "contract"), PLANTED)
def test_a_planted_import_breaks_its_contract(planted, path, source, contract):
    """Wherever it stands in the module; a module or a room that nobody has given a floor breaks one, too."""
    places, told = planted
    module = ".".join([PACKAGE, *Path(path).with_suffix("").parts]).removesuffix(".__init__")
    line = places[path, source]
    found = rf"{re.escape(module)} -> [\w.]+ \(l\.{line}\)" if source else rf"- {re.escape(module)}"
    assert [one for one in told[contract] if re.search(found + "$", one)]


def test_every_contract_is_shown_a_violation():
    """A contract that cannot fail is none."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}
    assert {contract for _, _, contract in PLANTED} == names


def test_only_connect_names_backends():
    """Neither the rest of the public classes nor another backend depends on one backend."""
    found = []
    for colour in ("_async", "_sync"):
        for module in read((ROOT / PACKAGE / colour).rglob("*.py"), ROOT):
            if module.name[2:] == ("api", "connect"):
                continue
            own = module.name[3] if module.name[2:3] == ("backends",) and len(module.name) > 3 else None
            for line, name in module.imports():
                parts = name.split(".")
                named = parts[3] if parts[:3] == [PACKAGE, colour, "backends"] and len(parts) > 3 else None
                if parts[:2] == [PACKAGE, "backends"] and len(parts) > 2:
                    named = parts[2]
                if named is not None and named != own:
                    found.append(f"{module.path}:{line}: names the {named} backend")
    assert found == []
