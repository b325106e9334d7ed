"""CONTRIBUTING.md explains the suite as it is."""

import re

from tests.unit.docs.pages import ROOT, TEST_FOLDERS, functions_of, rows, sections, targets

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_folder_of_tests_is_explained():
    """Each once, and none that is not there."""
    named = [
        folder
        for cells in rows(sections(PAGE)["How the tests are organised"])
        for folder in re.findall(r"`tests/(\w+)`", cells[0])
    ]
    there = [path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.rglob("*.py"))]
    assert sorted(named) == sorted(there)


def test_every_make_target_for_a_developer_is_named():
    """What somebody can call is explained somewhere on the page, cleaning up and the demo apart."""
    named = set(re.findall(r"make ([a-z-]+)", PAGE))
    assert targets() - {"help", "clean", "demo"} <= named


def test_every_file_that_is_named_exists():
    """Paths in backticks are those of the repository."""
    paths = set(re.findall(r"`((?:tai_state|tests|docs|\.ci|emulator)/[\w./]+)`", PAGE))
    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_test_that_is_named_exists():
    """By the name of its function."""
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= set(functions_of(TEST_FOLDERS))
