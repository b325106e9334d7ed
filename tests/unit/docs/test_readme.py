"""The README's examples run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[3] / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def run_example(example: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAI_STATE_")}
    completed = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def test_there_is_an_example_in_each_colour() -> None:
    """The README shows a sync and an async quickstart."""
    assert ["await" in example for example in EXAMPLES] == [False, True, False, False, False]


@pytest.mark.parametrize("example", EXAMPLES, ids=["sync", "async", "together", "dependents", "faults"])
def test_an_example_prints_what_its_comments_promise(example: str, tmp_path: Path) -> None:
    """A quickstart runs in an empty folder, and what its comments say is printed, is."""
    printed = run_example(example, tmp_path)
    for promised in re.findall(r"print\(.*\)  # (.+)$", example, re.MULTILINE):
        assert promised in printed


def test_the_commands_of_the_readme_exist() -> None:
    """Each `tai-state` command that the README names is one of the command line's."""
    from tai_state.cli import main  # noqa: PLC0415 - the examples above need no command line

    named = set(re.findall(r"^    tai-state (?:--store \S+ )?(\w+)", README.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= set(main.commands)
    assert {"demo", "ingest", "show"} <= named
