"""A conformance suite that was given no backend says so once."""

pytest_plugins = ["pytester"]

SUITE = """
from tai_state.testing import BackendConformance

class TestMine(BackendConformance):
    pass
"""


def test_a_suite_without_its_fixture_fails_once(pytester):
    """Hundreds of equal errors would say no more."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(SUITE)
    outcome = pytester.runpytest_inprocess("-q", "-p", "no:randomly", "-p", "no:xdist")
    counts = outcome.parseoutcomes()
    assert counts.get("errors", 0) + counts.get("failed", 0) == 1
    assert counts["skipped"] > 100
    outcome.stdout.fnmatch_lines(["*TestMine must override the fixture `backend`*"])
