"""A plugin for `make peers`: what the suites of other projects came to, by suite and engine."""

from collections import Counter

import pytest

ENGINES = ("memory", "sqlite", "emulator")
_counts: Counter[tuple[str, str, str]] = Counter()


def engine_of(nodeid: str) -> str:
    """Return the engine that a test ran on, by its name."""
    told = nodeid.lower().replace("firestore", "emulator")
    return next((engine for engine in ENGINES if engine in told), "-")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Count each test once: what its call came to, or its set-up where that failed."""
    report = yield
    if report.when == "call" or report.outcome != "passed":
        suite = item.path.stem.removeprefix("test_")
        report.user_properties.append(("peer", (suite, engine_of(item.nodeid), report.outcome)))
    return report


def pytest_runtest_logreport(report):
    """Where the tests run in processes of their own, this one is told by their reports."""
    for name, counted in report.user_properties:
        if name == "peer" and tuple(counted)[2] == report.outcome:
            _counts[tuple(counted)] += 1


def pytest_terminal_summary(terminalreporter):
    """Print the counts."""
    if not _counts:
        return
    terminalreporter.section("suites of other projects")
    for suite, engine in sorted({(suite, engine) for suite, engine, _ in _counts}):
        outcomes = {outcome: _counts[suite, engine, outcome] for outcome in ("passed", "failed", "skipped")}
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if count)
        terminalreporter.write_line(f"{suite} on {engine}: {told}")
