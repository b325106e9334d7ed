"""The conformance suite as a whole: a stranger can use it, and both colours have the same tests."""

import inspect
from collections import Counter
from pathlib import Path

import pytest

import tai_state
from tai_state.testing._async.conformance import AsyncBackendConformance
from tai_state.testing._sync.conformance import BackendConformance

pytest_plugins = ["pytester"]


STRANGER = """
import pytest
from tai_state._{colour}.backends.memory import {prefix}MemoryBackend
from tai_state.testing._{colour}.conformance import {prefix}BackendConformance

class TestSound({prefix}BackendConformance):
    @pytest.fixture
    {define} backend(self):
        backend = {prefix}MemoryBackend()
        yield backend
        {wait}backend.close()

class TestForgotten({prefix}BackendConformance):
    pass
"""

WORDS = {
    "async": {"colour": "async", "prefix": "Async", "define": "async def", "wait": "await "},
    "sync": {"colour": "sync", "prefix": "", "define": "def", "wait": ""},
}


@pytest.fixture
def stranger(pytester, monkeypatch):
    """A test folder of somebody else's, where the package can be imported."""
    monkeypatch.setenv("PYTHONPATH", str(Path(tai_state.__file__).parents[1]))
    # Each plugin costs its import; the async colour needs one.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return pytester


@pytest.mark.parametrize("colour", ["async", "sync"])
def test_a_stranger_needs_a_fixture_and_no_more(stranger, colour):
    """A subclass with a fixture passes; one without it is told what is missing, by each test."""
    stranger.makepyfile(STRANGER.format(**WORDS[colour]))
    plugins = ["-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]
    some = "TestSound and test_must_exist or TestForgotten and test_closing"
    done = stranger.runpytest_subprocess("-q", *plugins, "-k", some)
    said = done.parseoutcomes()
    assert said == {"passed": 6, "errors": 3, "deselected": said["deselected"]}
    done.stdout.fnmatch_lines(["*TestForgotten must override the fixture `backend`*"])


def test_a_failed_assert_shows_its_values(stranger):
    """The suite's asserts are rewritten by pytest although they live in an installed package."""
    stranger.makepyfile(
        """
        import pytest
        from tai_state._sync.backends.memory import MemoryBackend
        from tai_state.testing._sync.conformance import BackendConformance

        class Broken(MemoryBackend):
            def scan(self, *arguments, **options):
                return iter(list(super().scan(*arguments, **options))[::-1])

        class TestBroken(BackendConformance):
            @pytest.fixture
            def backend(self):
                return Broken()
        """
    )
    result = stranger.runpytest_subprocess("-q", "-p", "no:cacheprovider", "-k", "test_ids_ascend_by_their_bytes")
    result.stdout.fnmatch_lines(["*At index 0 diff: 'z' != '%41'*"])


def test_no_part_of_the_suite_hides_another():
    """The parts are mixed into one class, so a name that occurs in two of them would silence one test."""
    for suite in (AsyncBackendConformance, BackendConformance):
        parts = suite.__mro__[1:-2]
        names = Counter(name for part in parts for name in vars(part) if not name.startswith("__"))
        assert [name for name, count in names.items() if count > 1] == []
        assert sum(name.startswith("test_") for name in names) > 90


def test_both_colours_have_the_same_tests():
    """Whoever runs one colour's suite runs what the other colour runs."""
    tests = [
        {name for name in dir(suite) if name.startswith("test_")}
        for suite in (AsyncBackendConformance, BackendConformance)
    ]
    assert tests[0] == tests[1]


def test_every_test_says_what_it_tests():
    """Each test of the suite has one sentence that a stranger reads when it fails."""
    for name, test in inspect.getmembers(BackendConformance, inspect.isfunction):
        if name.startswith("test_"):
            assert test.__doc__, name
            assert test.__doc__.endswith("."), name
