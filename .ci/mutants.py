"""Plant small bugs in the hand-written rules and protocols, and see that the tests of their room find them.

A seeded sample of cosmic-ray's mutants (another comparison, another number, a branch never taken, ...), each in a copy
of the tree, against the tests of its room in memory that run the mutated line, the fastest first. A mutant is killed
when a test fails, when the tests cannot even be collected, or when they do not end in time.

`make mutants` runs it in an environment of its own, and the tests in that of the project. One room, every mutant of it:

    .venvs/mutants/bin/python .ci/mutants.py --under tai_state/rules/locking --sample 9999
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from covering import ROOT, Covering, copy_of_the_tree, fails, measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOMS = {
    "tai_state/rules/records/branches.py": ("unit/replicas", "_async/replicas"),
    "tai_state/rules/records/prepared.py": ("unit/distributed", "_async/distributed"),
    "tai_state/rules/records": ("unit/records", "unit/values", "_async/api", "_async/history", "_async/recovery"),
    "tai_state/rules/locking": ("unit/locking", "_async/locking"),
    "tai_state/rules/history": ("unit/history", "unit/records", "_async/api", "_async/history", "_async/recovery"),
    "tai_state/rules/commits": (
        *("unit/commits", "unit/due"),
        *("_async/commits", "_async/api", "_async/due", "_async/history", "_async/recovery"),
    ),
    "tai_state/rules/due": ("unit/due", "_async/due", "_async/recovery"),
    "tai_state/rules/jobs": ("unit/jobs", "_async/jobs"),
    "tai_state/rules/keys": ("unit/keys", "_async/keys"),
    "tai_state/rules/replicas": ("unit/replicas", "_async/replicas"),
    "tai_state/causality": ("unit/causality",),
    "tai_state/crdt": ("unit/crdt",),
    "tai_state/rules/sagas": ("unit/sagas", "_async/sagas"),
    "tai_state/rules/distributed": ("unit/distributed", "_async/distributed"),
    "tai_state/rules/feeds": ("unit/feeds", "_async/feeds"),
    "tai_state/rules/transactions": ("unit/transactions", "_async/transactions"),
    "tai_state/rules/recovery": ("unit/recovery", "_async/history", "_async/recovery"),
    "tai_state/_async/commits": ("_async/commits", "_async/api", "_async/history", "_async/recovery"),
    "tai_state/_async/locking": ("unit/locking", "_async/locking", "_async/access"),
    "tai_state/_async/transactions": ("unit/transactions", "_async/transactions"),
}
"""What is mutated, and the folders of tests that must find it; a file that others prove stands before its folder."""

SECONDS_MIN = 60.0
SLOWER = 4.0
"""How much longer than measured the tests of a mutant may take, on a machine that is busy, before they have failed."""


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

    def planted(self, source: str) -> str:
        """Return the *source* of its file with it."""
        mutated: str | None = mutate_code(source, get_operator(self.operator)(), self.occurrence)
        assert mutated is not None
        return mutated

    def can_be_planted(self) -> bool:
        """Whether cosmic-ray can make it: it cannot replace an exception with a dotted name."""
        try:
            self.planted((ROOT / self.path).read_text(encoding="utf-8"))
        except AttributeError:
            return False
        return True

    def change(self) -> str:
        """Return the line that it makes."""
        source = (ROOT / self.path).read_text(encoding="utf-8")
        pairs = zip(source.splitlines(), self.planted(source).splitlines(), strict=False)
        return next((after.strip() for before, after in pairs if before != after), "")


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a file that changes what runs: none in annotations, and none of a decorator's arguments."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    typed, same = passed_over(tree), same_by_identity(tree)
    # The star before the keywords of a signature is no operator, though it is taken for one.
    nodes = [node for node in ast_nodes(get_ast(source)) if node.parent is None or node.parent.type != "parameters"]
    for name in sorted(operator_names()):
        kind = get_operator(name)
        if kind.arguments():
            continue
        operator = kind()
        left_out = typed + same if name in SAME_BY_IDENTITY else typed
        places = (start for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, (line, column) in enumerate(places):
            if not any(first <= (line, column) <= last for first, last in left_out):
                yield Mutant(path.relative_to(ROOT).as_posix(), name, occurrence, line)


Place = tuple[int, int]
SAME_BY_IDENTITY = {"core/ReplaceComparisonOperator_Is_Eq", "core/ReplaceComparisonOperator_IsNot_NotEq"}


def passed_over(tree: ast.Module) -> list[tuple[Place, Place]]:
    """Return where annotations, aliases of types, decorators and what type checkers alone read begin and end."""
    found: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found += node.decorator_list
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
        elif isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            found.append(node.test)
    found += [node.value for node in tree.body if isinstance(node, ast.Assign) and is_alias(node)]
    return [
        ((each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0)) for each in found if each
    ]


def same_by_identity(tree: ast.Module) -> list[tuple[Place, Place]]:
    """Return where members of an Enum, or types, are compared: each is equal to itself alone, so ``is`` is ``==``."""
    return [
        ((node.left.end_lineno or 0, node.left.end_col_offset or 0), (right.lineno, right.col_offset))
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for right in node.comparators
        if is_member(right) or (isinstance(node.left, ast.Call) and getattr(node.left.func, "id", "") == "type")
    ]


def is_member(node: ast.expr) -> bool:
    """Whether it is ``Enumeration.MEMBER``."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr.isupper()
        and isinstance(node.value, ast.Name)
        and node.value.id[0].isupper()
    )


def is_alias(node: ast.Assign) -> bool:
    """Whether a module names a type: ``Thing = A | B``."""
    target = node.targets[0]
    return isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper()


def sample(count: int, seed: int, under: str) -> list[Mutant]:
    """Return *count* mutants of all rooms, or of the files *under* a path, the same for the same seed and source."""
    found: list[Mutant] = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if path.relative_to(ROOT).as_posix().startswith(under):
                found += mutants_of(path)
    print(f"{len(found):,} mutants, {min(count, len(found))} of them tried", flush=True)
    mixed = random.Random(seed).sample(found, len(found))  # noqa: S311 - a sample is no secret
    return list(islice((mutant for mutant in mixed if mutant.can_be_planted()), count))


def room_of(mutant: Mutant) -> tuple[str, ...]:
    """Return the folders of tests of the room that a mutant is in."""
    room = next(room for room in ROOMS if f"{mutant.path}/".startswith(f"{room}/"))
    return tuple(f"tests/{folder}/" for folder in ROOMS[room])


def wanted_folders(mutants: Sequence[Mutant]) -> list[str]:
    """Return the folders of tests of all rooms that *mutants* are in."""
    folders = {folder for mutant in mutants for folder in room_of(mutant)}
    return sorted(folder for folder in folders if (ROOT / folder).is_dir())


def is_killed(mutant: Mutant, covering: Covering, python: Path, tree: Path) -> bool:
    """Plant *mutant* in the copy *tree*, run its tests, and take it out again."""
    tests = [test for test in covering.tests(mutant.path, mutant.line) if test.startswith(room_of(mutant))]
    if not tests:
        return False
    file = tree / mutant.path
    source = file.read_text(encoding="utf-8")
    file.write_text(mutant.planted(source), encoding="utf-8")
    try:
        return fails(python, tree, tests, SECONDS_MIN + SLOWER * sum(covering.seconds[test] for test in tests))
    finally:
        file.write_text(source, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Try a sample; 0 when its score is at least what was asked for."""
    parser = argparse.ArgumentParser(description="Mutation tests of the rules and protocols.")
    parser.add_argument("--sample", type=int, default=400, help="how many mutants to try (400)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--under", default="", help="only of files under this path (all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="how many at a time")
    parser.add_argument("--minutes", type=float, default=60.0, help="when to stop (60)")
    parser.add_argument("--score", type=float, default=90.0, help="the least percentage that must be killed (90)")
    parser.add_argument("--python", type=Path, default=ROOT / ".venv/bin/python", help="runs the tests (.venv's)")
    options = parser.parse_args(arguments)
    ends = time.monotonic() + options.minutes * 60
    chosen = sample(options.sample, options.seed, options.under)
    survivors: list[Mutant] = []
    tried = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as workers:
        trees: Queue[Path] = Queue()
        for number in range(options.jobs):
            trees.put(copy_of_the_tree(Path(folder) / str(number)))
        covering = measure(options.python, trees.queue[0], wanted_folders(chosen), options.jobs)
        print(f"{len(covering.seconds):,} tests, {sum(covering.seconds.values()):.0f} seconds of them", flush=True)

        def attempt(mutant: Mutant) -> bool | None:
            if time.monotonic() > ends:
                return None
            tree = trees.get()
            try:
                return is_killed(mutant, covering, options.python, tree)
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
        print(f"  {mutant}: {mutant.change()}")
    if tried < len(chosen):
        print(f"stopped after {options.minutes:g} minutes: {len(chosen) - tried} were not tried")
    return 0 if score >= options.score and tried == len(chosen) else 1


if __name__ == "__main__":
    raise SystemExit(main())
