"""docs/errors.md has a table of all errors, which is generated from their classes."""

import importlib.util

import pytest

from tai_state import errors
from tests.unit.docs.pages import ROOT, page, rows

SPEC = importlib.util.spec_from_file_location("generate_errors", ROOT / ".ci" / "generate_errors.py")
assert SPEC is not None
assert SPEC.loader is not None
generate_errors = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate_errors)

EVERY = [kind for name, kind in vars(errors).items() if name in errors.__all__]


def test_the_table_is_up_to_date(capsys):
    """As the generator would write it."""
    assert generate_errors.main(["--check"]) == 0, capsys.readouterr().out


def test_every_error_has_a_row():
    """By its code and its name, once."""
    told = [tuple(row[:2]) for row in rows(page("errors.md"))]
    assert sorted(told) == sorted((f"`{kind.code}`", f"`{kind.__name__}`") for kind in EVERY)


@pytest.mark.parametrize("cell", ["`version_conflict`", "after 0.01 s", "`LookupError`"])
def test_a_table_that_differs_is_found(cell, tmp_path, monkeypatch):
    """And written anew, the text around it untouched."""
    wrong = tmp_path / "errors.md"
    wrong.write_text(page("errors.md").replace(cell, "x"), encoding="utf-8")
    monkeypatch.setattr(generate_errors, "PAGE", wrong)
    assert generate_errors.main(["--check"]) == 1
    assert generate_errors.main([]) == 0
    assert wrong.read_text(encoding="utf-8") == page("errors.md")


def test_what_depends_on_the_call_says_so():
    """An outcome that is unknown may be asked for again under a key only."""
    (row,) = (row for row in rows(page("errors.md")) if row[0] == "`outcome_unknown`")
    assert row[2] == "if `retryable`, after 0.5 s"
