"""What type checkers say of code that is written to a folder, as a user's would: none of this project's settings."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mypy import api

ROOT = Path(__file__).parents[3]


def written(folder: Path, snippets: Sequence[str]) -> list[Path]:
    """Write each snippet into a file of its own, and return the files."""
    paths = [folder / f"snippet_{number}.py" for number in range(len(snippets))]
    for path, text in zip(paths, snippets, strict=True):
        path.write_text(text)
    return paths


@contextmanager
def only_cache(folder: Path) -> Iterator[Path]:
    """Give mypy's cache to one test at a time: the first one of all workers reads the package, the others what it left.

    *folder* is the test's own; the workers' folders are beside each other.
    """
    cache = folder.parents[1 if "PYTEST_XDIST_WORKER" in os.environ else 0] / "mypy_cache"
    with cache.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield cache


def mypy_says(folder: Path, snippets: Sequence[str]) -> list[list[str]]:
    """Return the errors that mypy --strict finds in each snippet; all in one run, since each run costs seconds."""
    paths = written(folder, snippets)
    options = ["--strict", "--config-file=", "--show-error-codes"]
    with only_cache(folder) as cache:
        said, errors, _ = api.run([*options, f"--cache-dir={cache}", *map(str, paths)])
    assert not errors
    return [
        [line for line in said.splitlines() if line.startswith(f"{path}:") and " error: " in line] for path in paths
    ]


def basedpyright_says(folder: Path, snippets: Sequence[str]) -> list[list[str]]:
    """Return the errors that basedpyright finds in each snippet, as strict as pyright can be."""
    paths = written(folder, snippets)
    settings = {"include": ["."], "extraPaths": [str(ROOT)], "typeCheckingMode": "strict"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    completed = subprocess.run(
        [Path(sys.executable).with_name("basedpyright"), "-p", folder, "--pythonpath", sys.executable, "--outputjson"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode in {0, 1}, completed.stderr
    found = json.loads(completed.stdout)["generalDiagnostics"]
    return [
        [
            f"{path}:{one['range']['start']['line'] + 1}: {one['message']} [{one.get('rule')}]"
            for one in found
            if Path(one["file"]).resolve() == path.resolve() and one["severity"] == "error"
        ]
        for path in paths
    ]
