"""The pages that the tests of this folder read, and what they hold."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path

from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"

TEST_FOLDERS = (ROOT / "tests", ROOT / "tai_state" / "testing")
"""Where tests are: the suite, and the conformance suite that is shipped."""

APART = {"adk": "adk_sessions.py"}
"""Adapters whose libraries have an environment of their own: their examples are files, which tests/peers/apart runs."""


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
"""The pages whose examples run, and whose links lead somewhere."""


def examples(evaluate: Callable[[Example], None]) -> dict[str, Example]:
    """Return every Python example by its page and line; each stands alone, and is run by *evaluate*."""
    parser = Sybil([CodeBlockParser("python", evaluate)])
    found = [(path.relative_to(ROOT).with_suffix(""), example) for path in PAGES for example in parser.parse(path)]
    return {f"{path}-{example.line}": example for path, example in found}


def page(name: str) -> str:
    """Return the text of a page of docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """Return what stands under each heading of the second level."""
    _, *found = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(found[::2], found[1::2], strict=True))


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of every row of the tables in *text*, headings and rules left out."""
    for line, below in zip(text.splitlines(), [*text.splitlines()[1:], ""], strict=True):
        is_heading, is_rule = below.startswith("|--"), line.startswith("|--")
        if line.startswith("|") and not is_heading and not is_rule:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def targets() -> set[str]:
    """Return the targets of the Makefile that its help lists."""
    return set(re.findall(r"^([a-z-]+):.* ## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@cache
def functions_of(folders: tuple[Path, ...]) -> Mapping[str, set[str]]:
    """Return, by the name of each test function, the files that define it; the twins of two colours are one file."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            path = re.sub(r"\b_sync\b", "_async", file.relative_to(folder).as_posix())
            body = ast.parse(file.read_text(encoding="utf-8")).body
            for node in chain(body, *(one.body for one in body if isinstance(one, ast.ClassDef))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                    found.setdefault(node.name, set()).add(path)
    return found
