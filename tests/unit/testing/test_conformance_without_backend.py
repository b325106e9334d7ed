"""A conformance suite that was given no backend says so, and passes over nothing."""

pytest_plugins = ["pytester"]

SUITE = """
from tai_state.testing import BackendConformance

class TestMine(BackendConformance):
    pass
"""


def test_a_suite_without_its_fixture_fails(pytester):
    """Every test, in a line each."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(SUITE)
    outcome = pytester.runpytest_inprocess("-q", "-p", "no:randomly", "-p", "no:xdist")
    counts = outcome.parseoutcomes()
    assert set(counts) == {"errors"}
    assert counts["errors"] > 100
    told = [line for line in outcome.outlines if line.startswith("TestMine must override the fixture `backend`")]
    assert len(told) == counts["errors"]
