"""The house of package and tests: short files; tests in rooms that have the names of what they prove."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "tests"
LINES_MAX = 399
PACKAGE_LINES_MAX = 400
ROOMS = frozenset(
    {
        "access",
        "adoption",
        "adapters",
        "api",
        "backends",
        "batching",
        "causality",
        "cli",
        "commits",
        "crdt",
        "docs",
        "distributed",
        "doctor",
        "due",
        "feeds",
        "history",
        "house",
        "infra",
        "jobs",
        "keys",
        "locking",
        "machine",
        "platform",
        "records",
        "recovery",
        "replicas",
        "sagas",
        "scale",
        "server",
        "service",
        "settings",
        "telemetry",
        "testing",
        "transactions",
        "values",
    }
)
"""The rooms of the package, and those around it: its documents, its house, its values, its service, what runs it."""


def sources(folder):
    """Return what is written by hand; the folders called _sync are generated."""
    return [path for path in sorted(folder.rglob("*.py")) if "_sync" not in path.parts]


def long_files(folder, most=LINES_MAX):
    return [str(path) for path in sources(folder) if len(path.read_text(encoding="utf-8").splitlines()) > most]


def strange_rooms(folder):
    found = {path.relative_to(folder).parts[0] for path in sources(folder) if path.parent != folder}
    return sorted(found - ROOMS)


def test_no_file_is_too_long_to_read():
    """A file that grows past this holds a second idea, which has a name of its own."""
    assert long_files(TESTS) == []


def test_no_file_of_the_package_is_too_long_to_read():
    """As with the tests'."""
    assert long_files(ROOT / "tai_state", PACKAGE_LINES_MAX) == []


@pytest.mark.parametrize("kind", ["_async", "unit", "integration", "torture"])
def test_every_folder_is_a_room(kind):
    """Who finds an act in the package finds its proof in the room of the same name."""
    assert strange_rooms(TESTS / kind) == []


def test_a_long_file_and_a_strange_room_are_found(tmp_path):
    """The two rules above can fail."""
    (tmp_path / "misc").mkdir()
    (tmp_path / "misc" / "test_all.py").write_text("\n" * (LINES_MAX + 1))
    (tmp_path / "conftest.py").write_text("\n" * LINES_MAX)
    assert long_files(tmp_path) == [str(tmp_path / "misc" / "test_all.py")]
    assert long_files(tmp_path, PACKAGE_LINES_MAX) == []
    assert long_files(tmp_path, PACKAGE_LINES_MAX - 1) == [str(tmp_path / "misc" / "test_all.py")]
    assert strange_rooms(tmp_path) == ["misc"]
