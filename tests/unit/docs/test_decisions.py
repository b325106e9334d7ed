"""docs/decisions: the list and the records agree, and each record has what a record has."""

import re

import pytest

from tests.unit.docs.pages import DOCS, page, sections

FOLDER = DOCS / "decisions"
RECORDS = sorted(path.name for path in FOLDER.glob("[0-9]*.md"))
LISTED = re.findall(r"^- \[(\d{4}: .+)\]\((.+)\)$", page("decisions/README.md"), re.MULTILINE)
STATUS = re.compile(r"^Status: (?:accepted|(?:accepted, amended|superseded) by (\d{4}))\.$", re.MULTILINE)


def test_the_list_names_every_record():
    """In order, by the title that the record has."""
    titles = [page(f"decisions/{name}").splitlines()[0].removeprefix("# ") for name in RECORDS]
    assert list(zip(titles, RECORDS, strict=True)) == LISTED


def test_records_are_numbered_from_1_on():
    """Each number once, in the file's name and in the title."""
    assert [name[:4] for name in RECORDS] == [f"{number:04d}" for number in range(1, len(RECORDS) + 1)]
    assert [title[:4] for title, _ in LISTED] == [name[:4] for name in RECORDS]


def test_there_is_nothing_but_records_and_the_list():
    """A file of another name would be in no list."""
    assert sorted(path.name for path in FOLDER.iterdir()) == [*RECORDS, "README.md"]


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_has_context_decision_and_consequences(name):
    """With text under each heading, and a status; one that was amended or superseded names a later record."""
    text = page(f"decisions/{name}")
    found = sections(text)
    assert list(found) == ["Context", "Decision", "Consequences"]
    assert all(len(part.split()) > 10 for part in found.values())
    (status,) = STATUS.finditer(text)
    later = status[1]
    assert later is None or (later > name[:4] and any(one.startswith(later) for one in RECORDS))


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_short(name):
    """10 to 30 lines: what is longer is a page of its own."""
    assert 10 <= len(page(f"decisions/{name}").splitlines()) <= 30


def test_the_changelog_leads_here():
    """It has no list of its own any more."""
    changelog = (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "docs/decisions" in changelog
