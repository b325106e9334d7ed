"""A pytest plugin of .ci/mutants.py: it notes how long each test took, or runs the tests that it is given, in order."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

WANTED = "TAI_STATE_MUTANTS_WANTED"
"""Names a file with the ids of the tests to run, a line each."""

SECONDS = "TAI_STATE_MUTANTS_SECONDS"
"""Names the file to write the seconds of each test to that passed."""

_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that are wanted, in the order in which they are wanted."""
    if WANTED in os.environ:
        order = {test: place for place, test in enumerate(Path(os.environ[WANTED]).read_text("utf-8").splitlines())}
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what a test and its fixtures take."""
    _seconds[report.nodeid] += report.duration
    if not report.passed:
        _failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write it down; only the process that starts the workers of xdist has heard of all tests."""
    if SECONDS in os.environ and "PYTEST_XDIST_WORKER" not in os.environ:
        passed = {test: seconds for test, seconds in _seconds.items() if test not in _failed}
        Path(os.environ[SECONDS]).write_text(json.dumps(passed), encoding="utf-8")
