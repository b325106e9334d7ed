"""docs/guarantees.md names, for each promise, what it does not promise and the tests that prove it."""

import re
from collections.abc import Mapping

import pytest

from tests.unit.docs.pages import TEST_FOLDERS, functions_of, page, sections

PARTS = ("Promise.", "Not promised.", "Proofs.")
PROMISES = [
    "One commit",
    "Optimistic versions",
    "Callers of one process",
    "Exactly once",
    "Idempotency keys",
    "Refusals",
    "Hash chain and replay",
    "Machines and what passes them by",
    "Times",
    "What is removed",
    "Snapshots and segments",
    "Recovery",
    "Copies",
    "Finding by labels, and what has changed",
    "Following and finding",
    "Subscriptions",
    "Transactions",
    "Locks",
    "Fencing",
    "Deadlocks",
    "Fairness",
    "Dependents",
    "Jobs",
    "Sagas",
    "Several stores",
    "Keys and batches",
    "Cancellation and interrupts",
    "Draining",
    "Ids",
    "Values",
    "SQLite",
    "Redis",
    "Firestore",
    "The server",
    "Replicas",
    "The console",
    "Machines of other libraries",
    "eventsourcing's recorders",
    "Adoption",
    "Over HTTP",
]
PROOF = re.compile(r"`(test_\w+)`(?: \(`(test_\w+\.py)`\))?")


def shortcomings(text: str, tests: Mapping[str, set[str]]) -> list[str]:
    """Return what the page lacks, and what it names that is not so."""
    found = []
    for promise, body in sections(text).items():
        parts = dict(re.findall(r"^\*\*([\w ]+\.)\*\* (.+?)(?=\n\n|\Z)", body, re.MULTILINE | re.DOTALL))
        found += [f"{promise}: no {part}" for part in PARTS if len(parts.get(part, "").split()) < 1]
        found += [f"{promise}: {part} is no sentence" for part in PARTS[:2] if not is_sentence(parts.get(part, ""))]
        proofs = PROOF.findall(parts.get("Proofs.", ""))
        if not proofs:
            found.append(f"{promise}: no proof")
        for name, file in proofs:
            places = {place for place in tests.get(name, ()) if not file or place.rpartition("/")[2] == file}
            if not places:
                found.append(f"{promise}: there is no {name}")
            elif len(places) > 1:
                found.append(f"{promise}: {name} is in {sorted(places)}; name the file")
    return found


def is_sentence(text: str) -> bool:
    return len(text.split()) > 4 and text.rstrip().endswith((".", ")"))


@pytest.fixture(scope="module")
def defined():
    """The files of every test function there is."""
    found = functions_of(TEST_FOLDERS)
    assert len(found) > 500
    return found


def test_every_promise_is_there():
    """In this order; who adds one adds it here, too."""
    assert list(sections(page("guarantees.md"))) == PROMISES


def test_every_promise_has_its_bounds_and_its_proofs(defined):
    """Each says what it does not promise, and names tests that exist, each in one place."""
    assert shortcomings(page("guarantees.md"), defined) == []


SOUND = """
## A promise

**Promise.** Nothing of it is ever lost.

**Not promised.** That it is quick, or pretty.

**Proofs.** `test_it`, `test_twice` (`test_a.py`).
"""
TESTS = {"test_it": {"unit/test_a.py"}, "test_twice": {"unit/test_a.py", "unit/test_b.py"}}


def test_a_sound_page_has_no_shortcomings():
    """What the checker is shown here is as the page should be."""
    assert shortcomings(SOUND, TESTS) == []


@pytest.mark.parametrize(
    ("sound", "planted", "complaint"),
    [
        ("`test_it`", "`test_is`", "there is no test_is"),
        (" (`test_a.py`)", "", "name the file"),
        ("`test_a.py`", "`test_c.py`", "there is no test_twice"),
        ("`test_it`, `test_twice` (`test_a.py`)", "All of them", "no proof"),
        ("**Not promised.** That it is quick, or pretty.", "", "no Not promised."),
        ("That it is quick, or pretty.", "Little", "is no sentence"),
        ("**Promise.** Nothing of it is ever lost.", "", "no Promise."),
    ],
)
def test_a_planted_flaw_is_found(sound, planted, complaint):
    """A wrong name, a name that is not unique, and a part that is missing."""
    assert sound in SOUND
    found = shortcomings(SOUND.replace(sound, planted), TESTS)
    assert any(complaint in one for one in found), found


def test_test_functions_are_found_in_classes_and_once_for_both_colours(tmp_path):
    """Twins count as one file, and methods as functions."""
    for folder in ("_async", "_sync", "unit"):
        (tmp_path / folder).mkdir()
    for folder in ("_async", "_sync"):
        (tmp_path / folder / "test_a.py").write_text("async def test_one(): ...\n", encoding="utf-8")
    (tmp_path / "unit" / "test_b.py").write_text("class T:\n    def test_two(self): ...\n", encoding="utf-8")
    assert functions_of((tmp_path,)) == {"test_one": {"_async/test_a.py"}, "test_two": {"unit/test_b.py"}}
