"""The site: its first page as a newcomer follows it, its reference whole, its figures those of the benchmarks."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.docs.pages import DOCS, page, rows, sections

FIRST = page("index.md")
(PROGRAM,) = re.findall(r"```python\n(.*?)```", FIRST, re.DOTALL)
REFERENCE = {path.stem: path.read_text(encoding="utf-8") for path in sorted((DOCS / "reference").glob("*.md"))}
MODULES = [
    name for text in REFERENCE.values() for name in re.findall(r"^\.\. automodule:: ([\w.]+)$", text, re.MULTILINE)
]


def promised(command: str) -> list[str]:
    """Return what the page says that a command prints, each time it is typed."""
    return re.findall(rf"^    \$ {re.escape(command)}\n    (?!\$)(.+)$", FIRST, re.MULTILINE)


def printed(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_the_first_page_ends_with_a_durable_machine_in_a_file(tmp_path):
    """Typed as it stands: twice the program, then its history and the check of it."""
    (tmp_path / "order.py").write_text(PROGRAM, encoding="utf-8")
    said = [printed(tmp_path, "order.py").strip() for _ in range(2)]
    assert said == promised("python order.py") == ["paid 2 now", "paid 2 again"]
    commands = re.findall(r"^    \$ tai-state (--store sqlite.+)$", FIRST, re.MULTILINE)
    history, verified = [printed(tmp_path, "-m", "tai_state", *command.split()) for command in commands]
    assert history.count("pay") == 1
    assert "nothing found" in verified


@pytest.mark.more
def test_the_first_page_ends_with_a_durable_machine_on_the_emulator(tai_state_project, tmp_path):
    """The same program, with another URL."""
    (tmp_path / "order.py").write_text(PROGRAM, encoding="utf-8")
    url = f"firestore://{tai_state_project}"
    assert [printed(tmp_path, "order.py", url).strip()] == promised("python order.py firestore://demo")
    assert printed(tmp_path, "-m", "tai_state", "--store", url, "history", "shop-1", "order-17").count("pay") == 1


def public_names(module: str) -> set[str]:
    """Return what a module offers in the sync colour."""
    offered = importlib.import_module(module)
    names = getattr(offered, "__all__", None) or [
        name for name, value in vars(offered).items() if getattr(value, "__module__", None) == module
    ]
    return {name for name in names if not name.startswith("_") and not name.lower().startswith("async")}


def test_the_reference_has_every_public_name():
    """Of the root, each on one page; of a subject's module, all by the module."""
    listed = [
        name
        for text in REFERENCE.values()
        for block in re.findall(r"currentmodule:: tai_state\n(.*?)```", text, re.DOTALL)
        for name in re.findall(r"^\.\. auto\w+:: (\w+)$", block, re.MULTILINE)
    ]
    assert len(listed) == len(set(listed))
    by_modules = set().union(*[public_names(module) for module in MODULES])
    assert public_names("tai_state") - set(listed) <= by_modules
    assert set(listed) <= public_names("tai_state")


def test_every_module_that_the_pages_teach_is_in_the_reference():
    """What an example imports from can be looked up."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    taught = set(re.findall(r"^from (tai_state\.[\w.]+) import", text, re.MULTILINE))
    assert {"tai_state.keys", "tai_state.adapters.transitions"} <= taught
    assert taught <= {*MODULES, "tai_state.testing.fixtures"}


@pytest.mark.parametrize("heading", list(sections(page("porting.md"))))
def test_each_row_of_a_porting_table_runs(heading):
    """From top to bottom, behind the lines above the table; what a row names is there behind it."""
    text = sections(page("porting.md"))[heading]
    (setup,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    known: dict[str, object] = {}
    exec(setup, known)
    ours = [cells[1] for cells in rows(text)]
    assert len(ours) >= 10
    for cell in ours:
        assert re.fullmatch(r"`[^`]+`", cell), cell
        exec(cell.strip("`"), known)


def test_the_limits_tell_the_figures_of_the_benchmarks():
    """Each row of theirs is one of the page that `make bench` writes."""
    measured = {tuple(cells[:3]) for cells in rows(page("benchmarks.md")) if len(cells) == 6}
    told = {tuple(cells) for cells in rows(page("limits.md")) if len(cells) == 3 and re.fullmatch(r"[\d.]+x", cells[2])}
    assert told
    assert told <= measured
