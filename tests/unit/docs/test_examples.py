"""The examples of README.md and docs/ run as they stand, and the README is short and names what there is."""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sybil import Example

from tests.unit.docs.pages import PAGES, ROOT, examples, targets

README = ROOT / "README.md"
LINKS = [
    pytest.param(path, link, id=f"{path.stem}-{link}")
    for path in PAGES
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    if "://" not in link
]
README_LINES_MAX = 150


def runs_as_it_stands(example: Example) -> None:
    """Run an example in an empty folder: it ends well, and what its comments say is printed, is."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAI_STATE_")}
    with TemporaryDirectory() as folder:
        completed = subprocess.run(
            [sys.executable, "-W", "error", "-c", example.parsed],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert completed.returncode == 0, completed.stderr
    for promised in re.findall(r"print\(.*\)  # (.+)$", example.parsed, re.MULTILINE):
        assert promised in completed.stdout


def test_the_readme_has_a_quickstart_in_each_colour() -> None:
    """A sync one, and an async one."""
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert ["await" in example for example in examples] == [False, True]


def test_the_readme_is_short() -> None:
    """What a stranger reads first fits on a few screens; the rest is in docs/."""
    assert len(README.read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX


@pytest.mark.parametrize("example", [pytest.param(one, id=name) for name, one in examples(runs_as_it_stands).items()])
def test_an_example_prints_what_its_comments_promise(example: Example) -> None:
    """As it stands, with warnings as errors; a failure names the page and the line."""
    example.evaluate()


@pytest.mark.parametrize(("path", "link"), LINKS)
def test_a_link_leads_to_a_file(path: Path, link: str) -> None:
    """As the page's place has it."""
    assert (path.parent / link).exists()


def test_the_commands_of_the_pages_exist() -> None:
    """Each `tai-state` command that a page names is one of the command line's."""
    from tai_state.cli import main  # noqa: PLC0415 - the examples above need no command line

    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    named = set(re.findall(r"^    tai-state (?:--store \S+ )?(\w+)", text, re.MULTILINE))
    assert named <= set(main.commands)
    assert {"demo", "ingest", "show"} <= named


def test_the_targets_of_the_pages_exist() -> None:
    """Each `make` target that a page names is one of the Makefile's."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    named = set(re.findall(r"(?:`|^    )make ([a-z-]+)", text, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets()
