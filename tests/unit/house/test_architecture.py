"""The house rules that no type checker sees: pure layers, the direction of imports, and docstrings.

Each rule is a function of a folder and the files in it, so that every rule is also shown a planted violation.
"""

import ast
import functools
import inspect
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import tai_state

ROOT = Path(tai_state.__file__).parents[1]
PACKAGE = "tai_state"

LAYERS = (
    {"errors"},
    {"models", "documents", "layout", "codec", "machine", "causality"},
    {"rules"},
    {"clock", "interrupts", "retry", "telemetry", "persistence", "authors", "heads", "urls"},
    {"backends"},
    {"_platform"},
    {"_async", "_sync"},
    {"__init__"},
    {"testing", "cli", "console", "rpc", "__main__"},
)
"""The parts of the package, lowest first: a part imports from its own layer and from those below."""

RANKS = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

PURE_PARTS = {"rules", "machine", "causality", "models", "documents", "layout", "codec", "errors"}
IMPURE_MODULES = {"google", "grpc", "sqlite3", "time", "random", "secrets", "uuid", "asyncio", "threading"}

WALL_CLOCKS = {f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")} | {"datetime.date.today"}

BACKEND_OF_DRIVER = {"google": "firestore", "grpc": "firestore", "sqlite3": "sqlite"}
CONCRETE_BACKENDS = {"memory", "sqlite", "firestore"}
BACKEND_FOLDERS = {"_async", "_sync", "backends"}


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
    """Yield the nodes of *tree* save those under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for statement in child.orelse:
                yield statement
                yield from running_nodes(statement)
        else:
            yield child
            yield from running_nodes(child)


def dynamic_import(call: ast.Call) -> str | None:
    """Return the constant name that ``__import__`` or ``import_module`` is given."""
    if ast.unparse(call.func) not in {"__import__", "import_module", "importlib.import_module"} or not call.args:
        return None
    name = call.args[0]
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None


def read(files: Iterable[Path], root: Path) -> list[Module]:
    return [Module.read(file, root) for file in sorted(files)]


def impure_imports(files: Iterable[Path], root: Path) -> list[str]:
    """Return the imports by pure parts of what does I/O, tells the time or is random."""
    return [
        f"{module.path}:{line}: a pure layer imports {name}"
        for module in read(files, root)
        if module.part in PURE_PARTS
        for line, name in module.imports()
        if name.split(".")[0] in IMPURE_MODULES
    ]


def clock_readings(files: Iterable[Path], root: Path) -> list[str]:
    """Return where anything but the clock module reads the time."""
    found = []
    for module in read(files, root):
        if module.part == "clock":
            continue
        found += [
            f"{module.path}:{line}: only clock.py imports time"
            for line, name in module.imports()
            # Sleeping reads no clock, and the sync twin of asyncio's sleep is a primitive.
            if name.split(".")[0] == "time" and (module.part, name) != ("_platform", "time.sleep")
        ]
        found += [
            f"{module.path}:{line}: only clock.py calls {name}"
            for line, name in attributes(module.tree)
            if name in WALL_CLOCKS
        ]
    return found


def attributes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of every attribute, its first name resolved through the imports."""
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            origins |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            origins |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            yield node.lineno, f"{origins.get(first, first)}.{rest}"


def upward_imports(files: Iterable[Path], root: Path) -> list[str]:
    """Return the imports of a higher layer, or of the other colour, and modules that no layer names."""
    found = []
    for module in read(files, root):
        if module.part not in RANKS:
            found.append(f"{module.path}: {module.part} has no place in LAYERS")
            continue
        for line, name in module.imports():
            parts = name.split(".")
            if parts[0] != PACKAGE:
                continue
            # A public name of the package's root, such as tai_state.StateStore, is no part.
            target = parts[1] if len(parts) > 1 and parts[1] in RANKS else "__init__"
            if RANKS[target] > RANKS[module.part]:
                found.append(f"{module.path}:{line}: {module.part} is below {target}")
            elif crosses_colours(module, parts):
                found.append(f"{module.path}:{line}: one colour imports the other")
    return found


def crosses_colours(module: Module, imported: list[str]) -> bool:
    return any(own in module.name and other in imported for own, other in (("_async", "_sync"), ("_sync", "_async")))


def named_backends(files: Iterable[Path], root: Path) -> list[str]:
    """Return where the common I/O layer names a concrete backend, or one backend another."""
    found = []
    for module in read(files, root):
        is_io_layer = module.part in {"_async", "_sync"}
        if not is_io_layer or len(module.name) == 2 or module.name[2] == "connect":
            continue
        own = module.name[2].partition("_")[0]
        for line, name in module.imports():
            backend = backend_of(name)
            if backend and backend != own:
                found.append(f"{module.path}:{line}: names the {backend} backend; only connect.py does")
    return found


def backend_of(name: str) -> str | None:
    """Return the concrete backend that the dotted *name* belongs to, if any."""
    parts = [*name.split("."), ""]
    if parts[0] == PACKAGE and parts[1] in BACKEND_FOLDERS:
        backend = parts[2].partition("_")[0]
        return backend if backend in CONCRETE_BACKENDS else None
    return BACKEND_OF_DRIVER.get(parts[0])


METHODS = (types.FunctionType, property, classmethod, staticmethod, functools.cached_property)


def undocumented(namespace: Mapping[str, object]) -> list[str]:
    """Return the public names, and the public methods of public classes, that have no docstring."""
    found = []
    for name, value in namespace.items():
        if isinstance(value, type):
            # dataclass and NamedTuple write a signature where the docstring is missing.
            if not value.__doc__ or value.__doc__.startswith(f"{value.__name__}("):
                found.append(name)
            found += [f"{name}.{method}" for method in undocumented_methods(value)]
        elif inspect.isroutine(value) and not inspect.getdoc(value):
            found.append(name)
    return found


def undocumented_methods(cls: type) -> list[str]:
    """Return the public methods and properties that *cls* has from its own package without a docstring."""
    package = cls.__module__.partition(".")[0]
    found: list[str] = []
    for owner in cls.__mro__:
        if owner.__module__.partition(".")[0] != package:
            continue
        for name, value in vars(owner).items():
            is_public_method = isinstance(value, METHODS) and not name.startswith("_")
            # An override without a docstring keeps its parent's, which getdoc finds.
            if is_public_method and name not in found and not inspect.getdoc(getattr(cls, name)):
                found.append(name)
    return found


# The package itself.


@pytest.fixture(scope="module")
def files():
    """Every module of the package."""
    found = sorted((ROOT / PACKAGE).rglob("*.py"))
    assert {path.parts[len(ROOT.parts) + 1] for path in found} >= {
        "rules",
        "machine",
        "causality",
        "_async",
        "_sync",
    }
    return found


@pytest.mark.parametrize("rule", [impure_imports, clock_readings, upward_imports, named_backends])
def test_the_package_keeps_the_rule(rule, files):
    """No module breaks the rule."""
    assert rule(files, ROOT) == []


def test_every_public_name_has_a_docstring():
    """What is exported says what it does, and so does each of its methods."""
    assert tai_state.__all__
    assert undocumented({name: getattr(tai_state, name) for name in tai_state.__all__}) == []


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
    ("path", "source"),
    [
        ("rules/leases.py", "import time"),
        ("rules/leases.py", "def f():\n    from random import random"),
        ("machine/machine.py", "from google.cloud import firestore"),
        ("causality/__init__.py", "import grpc.aio as x"),
        ("models.py", "import uuid"),
        ("documents.py", "import sqlite3"),
        ("layout.py", "import_module('asyncio')"),
        ("codec.py", "if not TYPE_CHECKING:\n    import threading"),
        ("codec.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import threading"),
    ],
)
def test_an_impure_import_is_found(plant, path, source):
    """Wherever the import stands in a pure module, it is found."""
    assert len(plant(impure_imports, path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("rules/leases.py", "from datetime import timedelta\nimport timeit, hashlib"),
        ("rules/leases.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import time"),
        ("rules/leases.py", "from .time import x"),
        ("_async/locks.py", "import random"),
    ],
)
def test_a_pure_import_is_let_through(plant, path, source):
    """Types, look-alikes and other layers are not the rule's business."""
    assert plant(impure_imports, path, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import sleep",
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
    """The platform module may take sleep, and sleep alone, from time."""
    assert plant(clock_readings, "_platform.py", "from time import sleep as sleep") == []
    assert len(plant(clock_readings, "_platform.py", "from time import sleep, monotonic")) == 1
    assert len(plant(clock_readings, "retry.py", "from time import sleep")) == 1


def test_the_injected_clock_may_be_read(plant):
    """A clock that is passed in is no reading of the host's."""
    assert plant(clock_readings, "cli/demo.py", "from datetime import datetime\nself.clock.now()\ndatetime.max") == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("errors.py", "from tai_state.models import Event"),
        ("models.py", "from .rules import replay"),
        ("machine/machine.py", "from ..clock import Clock"),
        ("rules/leases.py", "from tai_state import backends"),
        ("rules/leases.py", "from .. import retry"),
        ("backends/sqlite.py", "from tai_state._async import ports"),
        ("backends/sqlite.py", "import tai_state._platform"),
        ("_async/store.py", "from tai_state.testing import ManualClock"),
        ("_async/store.py", "from tai_state import StateStore"),
        ("_async/store.py", "from .._sync.store import StateStore"),
        ("_sync/store.py", "from tai_state._async import ports"),
        ("testing/_async/faulty.py", "from tai_state._sync.access.port import Backend"),
        ("__init__.py", "from .cli import main"),
        ("surprise.py", ""),
    ],
)
def test_an_upward_import_is_found(plant, path, source):
    """Absolute or relative, of a module or of a name in it: what leads up or across is found."""
    assert len(plant(upward_imports, path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "rules/leases.py",
            "from tai_state.models import Event\nfrom ..errors import TaiStateError\nfrom . import waits",
        ),
        ("rules/leases.py", "if typing.TYPE_CHECKING:\n    from tai_state._async import store"),
        ("_async/store.py", "from .. import rules, errors\nfrom tai_state._platform import AsyncLock"),
        ("__init__.py", "from ._async.store import AsyncStore\nfrom ._sync.store import Store"),
        ("testing/fixtures.py", "from tai_state import StateStore\nfrom tai_state._async import store"),
        ("cli/main.py", "import tai_state\nimport tai_state_other"),
    ],
)
def test_a_downward_import_is_let_through(plant, path, source):
    """Imports of the own layer and of lower ones are how it is meant to be."""
    assert plant(upward_imports, path, source) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("_async/store.py", "from tai_state._async.backends.sqlite import AsyncSqliteBackend"),
        ("_async/store.py", "from . import memory"),
        ("_async/locks.py", "from tai_state.backends import firestore"),
        ("_sync/transactions.py", "from google.api_core import exceptions"),
        ("_async/memory.py", "from .sqlite import x"),
        ("_async/firestore/watch.py", "import sqlite3"),
    ],
)
def test_a_concrete_backend_named_outside_connect_is_found(plant, path, source):
    """Neither the common layer nor another backend may depend on one backend."""
    assert len(plant(named_backends, path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("_async/connect.py", "from . import memory, sqlite\nfrom .firestore import AsyncFirestoreBackend"),
        ("_async/__init__.py", "from .memory import AsyncMemoryBackend"),
        (
            "_async/firestore/commit.py",
            "import grpc.aio\nfrom tai_state.backends.firestore import wire\nfrom . import watch",
        ),
        ("_async/firestore_watch.py", "import google.auth\nfrom .firestore import x"),
        ("_async/store.py", "from .ports import AsyncBackend\nfrom tai_state.backends import errors"),
        ("testing/conformance.py", "from tai_state._async.backends.memory import x"),
    ],
)
def test_a_backend_named_where_it_belongs_is_let_through(plant, path, source):
    """The connector, the package's list and a backend's own modules name it."""
    assert plant(named_backends, path, source) == []


class Documented:
    """A public class."""

    def said(self):
        """Say what it does."""

    def unsaid(self):
        pass

    @property
    def unsaid_property(self):
        return None

    @classmethod
    def unsaid_constructor(cls):
        pass

    def _private(self):
        pass


class Heir(Documented):
    """A subclass that keeps one contract."""

    def said(self):
        return None


@dataclass
class Bare:
    field: int


def test_a_missing_docstring_is_found():
    """Classes, functions, methods and properties each need one; an override keeps its parent's."""
    methods = ["unsaid", "unsaid_property", "unsaid_constructor"]
    assert undocumented({"Documented": Documented}) == [f"Documented.{name}" for name in methods]
    assert undocumented({"Heir": Heir}) == [f"Heir.{name}" for name in methods]
    assert undocumented({"Bare": Bare, "f": lambda: None, "VALUE": 1, "plant": inspect.getdoc}) == [
        "Bare",
        "f",
    ]
