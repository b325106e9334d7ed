"""Who runs what: for .ci/mutants.py, the tests that execute a line, from one run of them all under coverage."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ordered
from coverage import CoverageData

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).resolve().parent.parent
COPIED = (
    ".ci",
    "docs",
    "tai_state",
    "tests",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
)
IN_MEMORY = ("-q", "-p", "ordered", "-p", "no:randomly", "-p", "no:cacheprovider", "-k", "not sqlite and not firestore")


def copy_of_the_tree(target: Path) -> Path:
    """Return a copy of what the tests need, at *target*."""
    target.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)
    return target


def environment(tree: Path, **more: str) -> dict[str, str]:
    """Return the environment of tests in a copy of the tree."""
    paths = os.pathsep.join((str(tree), str(tree / ".ci")))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", **more}


@dataclass(frozen=True)
class Covering:
    """The tests by the lines that they run, and how long each takes."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, set[str]]]

    def tests(self, path: str, line: int) -> list[str]:
        """Return the tests that run the statement at a line, the fastest first.

        What runs when its module is imported, a constant or a decorator say, is run by all tests that run anything of
        the file, whichever of them was the first to import it.
        """
        by_line = self.lines.get(path, {})
        found: set[str] = set()
        if is_in_a_body(ROOT / path, line):
            found = set().union(*(by_line.get(one, set()) for one in statement_at(ROOT / path, line)))
        return sorted(found or set().union(*by_line.values()), key=lambda test: self.seconds[test])


def is_in_a_body(path: Path, line: int) -> bool:
    """Whether the code at *line* is in the body of a function."""
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return any(node.body[0].lineno <= line <= (node.end_lineno or line) for node in functions)


def statement_at(path: Path, line: int) -> range:
    """Return the lines of the smallest statement at *line*; of one with a body, those of its head."""
    best = range(line, line + 1)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            continue
        first = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if body else getattr(node, "end_lineno", first)
        if first <= line <= last and (len(best) == 1 or last - first < len(best)):
            best = range(first, last + 1)
    return best


def measure(python: Path, tree: Path, folders: Iterable[str], jobs: int) -> Covering:
    """Run the tests in *folders* once, in the copy *tree*, and return what each of those that pass runs."""
    seconds = tree / "seconds.json"
    command = [str(python), "-m", "pytest", *IN_MEMORY, "-n", str(jobs), *sorted(folders)]
    command += ["--cov=tai_state", "--cov-context=test", "--cov-report="]
    subprocess.run(  # noqa: S603 - our own tests
        command, cwd=tree, env=environment(tree, **{ordered.SECONDS: str(seconds)}), capture_output=True, check=False
    )
    passed = json.loads(seconds.read_text(encoding="utf-8"))
    data = CoverageData(str(tree / ".coverage"))
    data.read()
    lines: dict[str, dict[int, set[str]]] = {}
    for file in data.measured_files():
        by_line: dict[int, set[str]] = defaultdict(set)
        for line, contexts in data.contexts_by_lineno(file).items():
            by_line[line] = {test for context in contexts if (test := context.rpartition("|")[0]) in passed}
        lines[Path(file).relative_to(tree).as_posix()] = by_line
    return Covering(passed, lines)


def fails(python: Path, tree: Path, tests: Sequence[str], seconds: float) -> bool:
    """Whether one of the tests fails in the copy *tree*, in that order; what takes longer than *seconds* has failed."""
    wanted = tree / "wanted.txt"
    wanted.write_text("\n".join(tests), encoding="utf-8")
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    command = [str(python), "-m", "pytest", "-x", *IN_MEMORY, "-p", "no:xdist", "-p", "no:pytest_cov", "--timeout=60"]
    try:
        ended = subprocess.run(  # noqa: S603 - our own tests
            [*command, *files],
            cwd=tree,
            env=environment(tree, **{ordered.WANTED: str(wanted)}),
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return True
    return ended.returncode != 0
