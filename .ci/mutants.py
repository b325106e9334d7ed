"""Plant small bugs in the hand-written rules and protocols, and see that the tests of their room find them.

A seeded sample of cosmic-ray's mutants (another comparison, another number, a branch never taken, ...), each in a copy
of the tree of its own, against the tests of its room in memory. A mutant is killed when a test fails, when the tests
cannot even be collected, or when they do not end in time.

    .venv/bin/python .ci/mutants.py --sample 400 --seed 1
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent

ROOMS = {
    "tai_state/rules/records": ("unit/records", "unit/values", "_async/history", "_async/recovery"),
    "tai_state/rules/locking": ("unit/locking", "_async/locking"),
    "tai_state/rules/history": ("unit/records", "_async/history", "_async/recovery"),
    "tai_state/rules/commits": ("_async/commits", "_async/api", "_async/history", "_async/recovery"),
    "tai_state/rules/transactions": ("_async/transactions",),
    "tai_state/rules/recovery": ("_async/history", "_async/recovery"),
    "tai_state/_async/commits": ("_async/commits", "_async/api", "_async/history", "unit/transactions"),
    "tai_state/_async/locking": ("_async/locking", "_async/access", "unit/locking"),
    "tai_state/_async/transactions": ("_async/transactions", "unit/transactions"),
}
"""What is mutated, and the folders of tests that must find it."""

COPIED = ("tai_state", "tests", "pyproject.toml", "README.md")
TIMEOUT_SECONDS = 240.0
PYTEST = (
    "-m",
    "pytest",
    "-x",
    "-q",
    "-p",
    "no:randomly",
    "-p",
    "no:cacheprovider",
    "-k",
    "not sqlite and not firestore",
)


@dataclass(frozen=True)
class Mutant:
    """One place in one file, and what is done to it."""

    path: str
    operator: str
    occurrence: int
    line: int

    def __str__(self) -> str:
        """Return file, line and operator."""
        return f"{self.path}:{self.line} {self.operator.removeprefix('core/')}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a file that changes what runs: none in annotations, and none of a decorator's arguments."""
    source = path.read_text(encoding="utf-8")
    typed = passed_over(ast.parse(source))
    nodes = list(ast_nodes(get_ast(source)))
    for name in sorted(operator_names()):
        kind = get_operator(name)
        if kind.arguments():
            continue
        operator = kind()
        places = (start for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, (line, column) in enumerate(places):
            if not any(first <= (line, column) <= last for first, last in typed):
                yield Mutant(path.relative_to(ROOT).as_posix(), name, occurrence, line)


Place = tuple[int, int]


def passed_over(tree: ast.Module) -> list[tuple[Place, Place]]:
    """Return where annotations, aliases of types and decorators begin and end."""
    found: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found += node.decorator_list
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
    found += [node.value for node in tree.body if isinstance(node, ast.Assign) and is_alias(node)]
    return [
        ((each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0)) for each in found if each
    ]


def is_alias(node: ast.Assign) -> bool:
    """Whether a module names a type: ``Thing = A | B``."""
    target = node.targets[0]
    return isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper()


def sample(count: int, seed: int) -> list[Mutant]:
    """Return *count* mutants of all rooms, the same for the same seed and source."""
    found: list[Mutant] = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            found += mutants_of(path)
    print(f"{len(found):,} mutants, {min(count, len(found))} of them tried", flush=True)
    return random.Random(seed).sample(found, min(count, len(found)))  # noqa: S311 - a sample is no secret


def tests_of(mutant: Mutant) -> list[str]:
    """Return the folders of tests of the room that a mutant is in."""
    room = next(room for room in ROOMS if mutant.path.startswith(f"{room}/"))
    return [f"tests/{folder}" for folder in ROOMS[room] if (ROOT / "tests" / folder).is_dir()]


def is_killed(mutant: Mutant, tree: Path) -> bool:
    """Plant *mutant* in the copy *tree*, run its tests, and take it out again."""
    file = tree / mutant.path
    source = file.read_text(encoding="utf-8")
    mutated = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    if mutated is None:
        message = f"{mutant} is no place that can be mutated"
        raise RuntimeError(message)
    file.write_text(mutated, encoding="utf-8")
    try:
        return run_tests(tests_of(mutant), tree) != 0
    finally:
        file.write_text(source, encoding="utf-8")


def run_tests(folders: Sequence[str], tree: Path) -> int:
    """Return the exit code of the tests; what takes too long has failed."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *PYTEST, *folders]
    try:
        ended = subprocess.run(  # noqa: S603 - our own tests
            command, cwd=tree, env=environment, capture_output=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return 1
    return ended.returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Try a sample; 0 when its score is at least what was asked for."""
    parser = argparse.ArgumentParser(description="Mutation tests of the rules and protocols.")
    parser.add_argument("--sample", type=int, default=400, help="how many mutants to try (400)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="how many at a time")
    parser.add_argument("--minutes", type=float, default=60.0, help="when to stop (60)")
    parser.add_argument("--score", type=float, default=90.0, help="the least percentage that must be killed (90)")
    options = parser.parse_args(arguments)
    chosen = sample(options.sample, options.seed)
    ends = time.monotonic() + options.minutes * 60
    survivors: list[Mutant] = []
    tried = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as workers:
        trees: Queue[Path] = Queue()
        for number in range(options.jobs):
            trees.put(copy_of_the_tree(Path(folder) / str(number)))

        def attempt(mutant: Mutant) -> bool | None:
            if time.monotonic() > ends:
                return None
            tree = trees.get()
            try:
                return is_killed(mutant, tree)
            finally:
                trees.put(tree)

        for mutant, killed in zip(chosen, workers.map(attempt, chosen), strict=True):
            if killed is None:
                continue
            tried += 1
            if not killed:
                survivors.append(mutant)
            print(f"{tried}/{len(chosen)} {'killed  ' if killed else 'SURVIVED'} {mutant}", flush=True)
    score = 100.0 * (tried - len(survivors)) / max(1, tried)
    print(f"\n{tried} tried, {tried - len(survivors)} killed: {score:.1f} %. Survivors:")
    for mutant in sorted(survivors, key=str):
        print(f"  {mutant}")
    if tried < len(chosen):
        print(f"stopped after {options.minutes:g} minutes: {len(chosen) - tried} were not tried")
    return 0 if score >= options.score and tried == len(chosen) else 1


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


if __name__ == "__main__":
    raise SystemExit(main())
