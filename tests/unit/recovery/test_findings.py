"""The catalogue of findings: whole, told apart, and in the docs."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tai_state.documents import DocumentPath
from tai_state.rules.recovery.findings import CATALOGUE, KINDS, Finding
from tai_state.rules.recovery.repair import QUARANTINED

ROOT = Path(__file__).parents[3]


@pytest.fixture
def generator():
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("generate_findings", ROOT / ".ci" / "generate_findings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_kind_is_told_and_told_apart():
    """Each has a name of its own, a sentence, an example and what is done about it."""
    assert len(KINDS) == len(CATALOGUE)
    assert len({kind.sentence for kind in CATALOGUE}) == len(CATALOGUE)
    for kind in CATALOGUE:
        assert kind.id.isidentifier()
        assert kind.sentence.endswith(".")
        assert kind.repair.endswith(".")
        assert kind.example
        assert not kind.example.endswith(".")


def test_what_is_told_as_copied_to_quarantine_is():
    """By its sentence in the catalogue, and by what a recovery does."""
    told = {kind.id for kind in CATALOGUE if "copied to quarantine" in kind.repair}
    assert "broken_chain" in told
    assert told <= QUARANTINED


def test_the_page_has_the_catalogue(generator):
    """docs/operations.md says what the code does."""
    page = generator.PAGE.read_text()
    assert page == generator.with_table(page)
    assert all(f"`{kind.id}`" in page for kind in CATALOGUE)


def test_a_page_that_says_something_else_is_found(generator, tmp_path, monkeypatch, capsys):
    """The check fails and says what differs, and writing mends it."""
    monkeypatch.setattr(generator, "PAGE", tmp_path / "operations.md")
    generator.PAGE.write_text(f"before\n{generator.BEGIN}\nold\n{generator.END}\nafter\n")
    monkeypatch.setattr(sys, "argv", ["generate_findings.py", "--check"])
    assert generator.main() == 1
    assert "operations.md differs" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["generate_findings.py"])
    assert generator.main() == 0
    monkeypatch.setattr(sys, "argv", ["generate_findings.py", "--check"])
    assert generator.main() == 0
    assert generator.PAGE.read_text().startswith("before")
    assert generator.PAGE.read_text().endswith("after\n")


def test_the_catalogue_is_that_of_the_script_s_own_repository(tmp_path):
    """Whatever package of this name is found elsewhere first."""
    findings = tmp_path / "tai_state" / "rules" / "recovery" / "findings.py"
    findings.parent.mkdir(parents=True)
    findings.write_text("CATALOGUE = ()\n")
    for folder in (findings.parent, findings.parent.parent, tmp_path / "tai_state"):
        (folder / "__init__.py").touch()
    script = ROOT / ".ci" / "generate_findings.py"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(script), "--check"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_kind_that_is_in_no_catalogue_is_our_own_bug():
    """Nobody could look it up."""
    with pytest.raises(AssertionError):
        Finding("odd", "s", 1, "odd", DocumentPath("governors/g/states", "s"))
