"""What messages and pages tell people to call exists: commands, methods, errors."""

import ast
import builtins
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import tai_state
import tai_state.machine
import tai_state.testing
from tai_state import errors
from tai_state.cli import main
from tests.unit.house.test_commands import GLOBAL_OPTIONS, ROOT, documentation
from tests.unit.values.test_errors import SAMPLES

PACKAGE = Path(tai_state.__file__).parent
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if "_sync" not in path.parts]
CALLED = re.compile(rf"(?<![\w/.-])tai-state{GLOBAL_OPTIONS} ([a-z][\w-]*)(?: ([a-z][\w-]*))?")
NAME = re.compile(r"[A-Za-z_][\w.]*(?:\([^)]*\))?")
"""What can be asked for by its name: no command of somebody else's, no part of a path."""
FIXTURES = {"backend"}


def texts(tree: ast.Module, *, docstrings: bool) -> Iterator[str]:
    """Yield the docstrings of a module, or all its other texts, an f-string as its constant parts."""
    told = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and (id(node) in told) is docstrings:
            yield str(node.value)  # type: ignore[attr-defined]  # it is a constant


def public_names() -> set[str]:
    """Return what users can ask for: names of the package, and what its classes and their instances have."""
    found = {*tai_state.__all__, *vars(tai_state.machine), *vars(tai_state.testing), "reopen"}
    for name in tai_state.__all__:
        one = getattr(tai_state, name)
        found |= {*dir(one), *getattr(one, "model_fields", ())}
    return found.union(*map(vars, SAMPLES.values()))


def unknown_commands(text: str) -> list[str]:
    """Return the command lines in *text* that call no command there is."""
    found = []
    for name, second in CALLED.findall(text):
        command = main.commands.get(name)
        is_wrong = isinstance(command, click.Group) and second not in {"", *command.commands}
        if command is None or is_wrong:
            found.append(f"tai-state {name} {second}".strip())
    return found


def unknown_names(text: str, known: set[str]) -> list[str]:
    """Return what stands in backticks in *text*, and is no public name."""
    found = []
    for quoted in re.findall(r"`([^`]+)`", text):
        last = re.split(r"[.(]", quoted.partition("(")[0])[-1]
        if NAME.fullmatch(quoted) and quoted not in FIXTURES and last not in known:
            found.append(quoted)
    return found


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def known():
    """What is public."""
    return public_names()


def test_every_command_that_is_named_exists():
    """In messages, in docstrings and on pages."""
    found = unknown_commands(documentation())
    for path in SOURCES:
        tree = parsed(path)
        for docstrings in (True, False):
            for text in texts(tree, docstrings=docstrings):
                found += [f"{path.relative_to(ROOT)}: {one}" for one in unknown_commands(text)]
    assert found == []


def test_every_name_in_a_message_exists(known):
    """What stands in backticks outside of docstrings is what people are told to use."""
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in SOURCES
        for text in texts(parsed(path), docstrings=False)
        for name in unknown_names(text, known)
    ]
    assert found == []


def test_every_call_in_an_error_exists(known):
    """Also without backticks: what an error says to ask is a method, or Python's own."""
    calls = [
        name
        for path in sorted((PACKAGE / "errors").glob("*.py"))
        for text in texts(parsed(path), docstrings=False)
        for name in re.findall(r"\b(\w+)\(", text)
    ]
    assert {"outcome", "get_transaction"} <= set(calls)
    assert [name for name in calls if name not in known and not hasattr(builtins, name)] == []


@pytest.mark.parametrize("name", errors.__all__)
def test_every_name_in_the_docstring_of_an_error_exists(name, known):
    """It is what docs/errors.md says, too."""
    text = (inspect.getdoc(getattr(errors, name)) or "").replace("``", "`")
    assert unknown_names(text, known) == []


def test_what_does_not_exist_is_found(known):
    """Each kind of it."""
    assert unknown_commands("run tai-state mend GOV, tai-state stats, or tai-state machine bend FILE") == [
        "tai-state mend",
        "tai-state machine bend",
    ]
    assert unknown_commands("tai-state --store sqlite:///a.db repair G") == ["tai-state repair"]
    assert unknown_names("`mend_all` mends it, `persister.outcome(error)` tells", known) == ["mend_all"]
