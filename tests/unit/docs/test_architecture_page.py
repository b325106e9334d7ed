"""docs/architecture.md against the code: its pictures, the way of a move, the documents, the reading order."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

import tai_state
from tai_state import Machine, MemoryStore, StateMachinePersister, Transition, layout
from tai_state.rules.distributed.records import Places
from tai_state.rules.feeds.numbers import NumberLayout
from tai_state.rules.feeds.positions import SubscriptionLayout
from tests.unit.docs.pages import ROOT, page, rows, sections

PACKAGE = ROOT / "tai_state"
PAGE = sections(page("architecture.md"))
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
}
PICTURES = {
    "The floors": "package",
    "The rooms of the rules": "rules",
    "The rooms of the protocols": "rooms",
    "The rooms of the command line": "cli",
    "The rooms of the server": "server",
}


def picture(heading: str) -> list[list[str]]:
    """Return the cells of the picture under a heading; two spaces and more stand between cells."""
    (text,) = re.findall(r"```text\n(.*?)```", PAGE[heading], re.DOTALL)
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines()]


def parts(layer: str) -> list[str]:
    return re.split(r" [|:] ", layer)


def children(folder: Path) -> set[str]:
    """Return the modules and folders of a package."""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    return modules | {path.name for path in folder.iterdir() if (path / "__init__.py").exists()}


@pytest.mark.parametrize("heading", PICTURES)
def test_a_picture_shows_the_layers_that_the_linter_holds(heading):
    """The same parts in the same order, side by side in the same way."""
    assert [cells[0] for cells in picture(heading)] == CONTRACTS[PICTURES[heading]]["layers"]


@pytest.mark.parametrize("heading", PICTURES)
def test_a_picture_names_every_part_there_is(heading):
    """And none that is not there, in each of the packages that it is of."""
    drawn = sorted(part for cells in picture(heading) for part in parts(cells[0]))
    for container in CONTRACTS[PICTURES[heading]]["containers"]:
        assert drawn == sorted(children(ROOT / container.replace(".", "/"))), container


def test_the_rooms_of_the_rules_are_rooms_of_the_protocols():
    """Of one name; records alone have nothing to act."""
    assert children(PACKAGE / "rules") - children(PACKAGE / "_async") == {"records"}


def test_the_rooms_of_the_tests_are_those_of_the_protocols():
    """Beside what proves the test tools."""
    rooms = {path.name for path in (ROOT / "tests" / "_async").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert rooms - {"testing", "adapters"} <= children(PACKAGE / "_async")


def defined(file: Path) -> set[str]:
    """Return the functions and methods of a module by their qualified names."""
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        members = node.body if isinstance(node, ast.ClassDef) else []
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for one in members or [node]:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(f"{prefix}{one.name}")
    return found


WAY = [(name, file) for name, file, _ in picture("The way of a move")]


@pytest.mark.parametrize(("name", "file"), WAY)
def test_a_step_of_the_way_is_where_it_is_said_to_be(name, file):
    """The function stands in the file."""
    assert name in defined(PACKAGE / file)


def twin(name: str) -> str:
    return name.replace("Async", "").replace("async_", "").replace("_async", "_sync")


def test_a_warm_move_goes_the_way_of_the_page():
    """Each step is called, in this order; the last one is the backend's own."""
    *steps, (last, _) = WAY
    wanted = [(twin(name), twin(file)) for name, file in steps]
    called: list[tuple[str, str]] = []

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            path = Path(frame.f_code.co_filename).relative_to(PACKAGE).as_posix()
            called.append((frame.f_code.co_qualname, path))

    with MemoryStore(actor="tester") as store:
        persister = StateMachinePersister(store, Machine("m", "on", [Transition("go", "on", "on")]))
        persister.start("g", "s")
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            persister.transition("g", "s", "go")
        finally:
            sys.setprofile(before)
    firsts = [called.index(step) for step in wanted]
    assert firsts == sorted(firsts)
    method = twin(last).partition(".")[2]
    assert any(name.endswith(f"Backend.{method}") for name, _ in called[firsts[-1] :])


def test_every_collection_is_in_the_table():
    """Those of a governor, and those of the store; and none that is not there."""
    governor = layout.GovernorLayout("g")
    inside = {f"governors/{{governor}}/{name}" for name in governor.__slots__ if name != "governor_id"}
    outside = {
        layout.LOCKS,
        layout.WAITS,
        layout.AUDIT,
        layout.TRANSACTIONS,
        layout.META.collection,
        layout.SUBSCRIPTIONS,
        layout.PREPARED,
        layout.DISTRIBUTED,
        layout.REPLICAS,
    }
    kept = SubscriptionLayout("n")
    outside |= {one.replace("/n/", "/{name}/") for one in (kept.shards, kept.positions, kept.dead)}
    numbers = NumberLayout()
    outside |= {numbers.numbers, numbers.last.collection}
    outside.add(Places("i").steps.replace("/i/", "/{id}/"))
    named = {cells[0].strip("`").rpartition("/")[0] for cells in rows(PAGE["What is stored"])}
    assert sorted(named) == sorted(inside | outside)


def test_what_is_to_be_read_first_exists():
    """Each file and folder of the reading order, in the package or beside the one named before it."""
    folder = PACKAGE
    paths = re.findall(r"`([\w/]+(?:\.py)?)`", PAGE["Where to begin"])
    assert paths
    for path in paths:
        found = [place / path.removeprefix("tai_state/") for place in (PACKAGE, folder)]
        there = next((one for one in found if one.exists()), None)
        assert there is not None, path
        folder = there.parent


def test_every_public_name_comes_from_the_rooms_that_are_drawn():
    """No public class or function is defined in a part that the picture of the floors does not name."""
    drawn = {part for cells in picture("The floors") for part in parts(cells[0])}
    values = [getattr(tai_state, name) for name in tai_state.__all__]
    modules = {value.__module__ for value in values if isinstance(value, type) or callable(value)}
    assert {name.split(".")[1] for name in modules if name.startswith("tai_state.")} <= drawn
