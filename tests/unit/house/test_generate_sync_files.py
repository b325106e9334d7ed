"""The generator of the sync twins writes files, and checks them."""

import pytest

from tests.unit.house.generator import PATH, generate_sync


@pytest.fixture
def root(tmp_path):
    """A repository with one async module whose twin is up to date."""
    source = tmp_path / PATH
    source.parent.mkdir(parents=True)
    source.write_text("async def get():\n    await fetch()\n", encoding="utf-8")
    assert run(tmp_path) == 0
    return tmp_path


def run(root, *arguments):
    """Run the program on *root* and return its exit code."""
    return generate_sync.main(["--root", str(root), *arguments])


def twin_of(root):
    return root / "tai_state/_sync/module.py"


def test_a_refused_file_leaves_every_twin_as_it_was(root, capsys):
    """A refusal ends the program with 2 before anything is written."""
    before = twin_of(root).read_bytes()
    (root / PATH).write_text("async def changed(): pass\n", encoding="utf-8")
    (root / "tai_state/_async/zz.py").write_text("import asyncio\n", encoding="utf-8")
    assert run(root) == 2
    assert "tai_state/_async/zz.py:1: asyncio" in capsys.readouterr().err
    assert twin_of(root).read_bytes() == before


def test_two_sources_of_one_twin_are_refused(root):
    """Neither of two modules silently replaces the other's twin."""
    (root / "tai_state/_async/async_module.py").write_text("", encoding="utf-8")
    assert run(root) == 2


def test_a_root_without_sources_is_refused(tmp_path, capsys):
    """A wrong root does not pass the check for want of anything to compare."""
    assert run(tmp_path, "--check") == 2
    assert "has none of the folders" in capsys.readouterr().err


def test_the_check_accepts_what_was_written(root, capsys):
    """Right after a run the check finds nothing."""
    assert run(root, "--check") == 0
    assert "1 generated files are up to date" in capsys.readouterr().out


def test_the_check_reports_a_missing_twin(root, capsys):
    """A source without a twin fails the check."""
    twin_of(root).unlink()
    assert run(root, "--check") == 1
    assert "missing: tai_state/_sync/module.py" in capsys.readouterr().out


def test_the_check_reports_a_stale_twin(root, capsys):
    """One changed byte fails the check, and the check repairs nothing."""
    twin_of(root).write_bytes(twin_of(root).read_bytes() + b" ")
    assert run(root, "--check") == 1
    assert "stale: tai_state/_sync/module.py" in capsys.readouterr().out
    assert run(root, "--check") == 1


def test_the_check_reports_an_orphan(root, capsys):
    """A module of the sync folder that no source has fails the check."""
    (root / "tai_state/_sync/left.py").write_text("", encoding="utf-8")
    assert run(root, "--check") == 1
    assert "orphan: tai_state/_sync/left.py" in capsys.readouterr().out


def test_a_run_repairs_all_three(root):
    """Missing, stale and orphan twins are written and deleted."""
    twin_of(root).write_text("", encoding="utf-8")
    (root / "tai_state/_sync/left.py").write_text("", encoding="utf-8")
    (root / "tai_state/_async/new.py").write_text("", encoding="utf-8")
    assert run(root) == 0
    assert run(root, "--check") == 0
    assert not (root / "tai_state/_sync/left.py").exists()


def test_a_second_run_writes_nothing(root):
    """A twin that is right keeps its modification time."""
    before = twin_of(root).stat().st_mtime_ns
    assert run(root) == 0
    assert twin_of(root).stat().st_mtime_ns == before


def test_every_folder_of_the_table_is_generated(tmp_path):
    """Packages, subpackages and tests alike, and no file but Python's."""
    for source in ("tai_state/_async", "tai_state/testing/_async", "tests/_async"):
        folder = tmp_path / source / "deep"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("", encoding="utf-8")
        (folder / "async_names.py").write_text("", encoding="utf-8")
        (folder / "notes.txt").write_text("AsyncStore", encoding="utf-8")
    assert run(tmp_path) == 0
    for target in ("tai_state/_sync", "tai_state/testing/_sync", "tests/_sync"):
        assert sorted(path.name for path in (tmp_path / target / "deep").iterdir()) == [
            "__init__.py",
            "names.py",
        ]
