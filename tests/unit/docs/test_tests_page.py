"""tests/README.md explains the suite as it is."""

import re

from tests import scale, waits
from tests.unit.docs.pages import ROOT, rows, sections, targets

TESTS = ROOT / "tests"
PAGE = (TESTS / "README.md").read_text(encoding="utf-8")


def test_every_folder_of_tests_is_explained_to_a_newcomer():
    """Each once, and none that is not there."""
    named = [cells[0].strip("`") for cells in rows(sections(PAGE)["What is where"])]
    there = [path.name for path in TESTS.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(named) == sorted(there)


def test_every_target_that_is_named_is_one_of_the_makefile():
    """And every one that runs tests is named."""
    named = set(re.findall(r"make ([a-z-]+)", PAGE))
    assert named <= targets()
    assert {target for target in targets() if "test" in target} <= named


def test_the_markers_of_the_page_are_those_of_the_suite(request):
    """What `pytest --markers` shows of ours."""
    ours = {line.partition(":")[0] for line in request.config.getini("markers")}
    explained = PAGE.partition("**Markers.**")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`:", explained)) == ours & {"emulator", "more", "peers", "torture"}


def test_the_test_that_is_run_alone_is_there():
    """By its file and its name."""
    file, name = re.findall(r"tests/(\S+\.py)::(\w+)\[", PAGE)[0]
    assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8")


def test_the_helpers_that_are_named_are_there():
    """And do what is said of them: the size, the wait, the upper bound."""
    assert scale.Scale(is_full=False)(80, 2_000) == 80
    assert scale.Scale(is_full=True)(80, 2_000) == 2_000
    assert waits.eventually(lambda: True)
    assert not waits.eventually(lambda: False, seconds_max=0.0)
    assert waits.patience(1.0) >= 1.0
