"""docs/pitfalls.md tells, for each pitfall of atomic persistence, what prevents it, and names a test that shows it."""

import re

from tests.unit.docs.pages import TEST_FOLDERS, functions_of, page, rows

PITFALLS = [
    "Forgotten rollback",
    "Partial update",
    "Lost update",
    "Dirty read",
    "Non-repeatable read",
    "Write skew",
    "Phantom lock",
    "Deadlock",
    "Retry storm",
    "Non-idempotent retry",
    "Unbounded history",
    "Missing timeout",
    "Long transaction",
]


def test_each_pitfall_is_there_with_what_prevents_it_and_a_test():
    """The tests exist, in both modules of pitfalls, and all of those are named."""
    found = list(rows(page("pitfalls.md")))
    assert [re.findall(r"\*\*(.+?)\*\*", pitfall)[0] for pitfall, _, _ in found] == PITFALLS
    assert all(len(prevented.split()) > 4 for _, prevented, _ in found)
    named = [re.findall(r"`(test_\w+)`", tests) for _, _, tests in found]
    assert all(named)
    defined = functions_of(TEST_FOLDERS)
    ours = {
        name
        for name, places in defined.items()
        if any(
            re.fullmatch(r"_async/transactions/test_pitfalls(_time)?\.py", place.rpartition("tests/")[2])
            for place in places
        )
    }
    assert {name for names in named for name in names} == ours


def test_the_promises_lead_there():
    """Whoever reads what is promised finds the list."""
    assert "(pitfalls.md)" in page("guarantees.md")
