"""Which locks go with a state into an export of its governor."""

from datetime import UTC, datetime

import pytest

from tai_state.documents import Document, DocumentPath
from tai_state.rules.recovery.taken import locks_of

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NAMED = {
    "none": (None, []),
    "as they are stored": ([{"resource": "a%2Fb", "token": 1}, {"resource": "r", "token": 2}], ["a%2Fb", "r"]),
    "of the first format": ({"a%2Fb": 1}, ["a%2Fb"]),
    "damaged": ([{"resource": "a/b"}, {"resource": ""}, {"resource": "%"}, {"resource": 1}, {}, "r"], []),
    "no list": (5, []),
}


@pytest.mark.parametrize(("fences", "named"), NAMED.values(), ids=NAMED)
def test_the_locks_of_a_state_are_where_its_document_says(fences, named):
    """By their stored names; what could be no name is none, and keeps nothing else from being exported."""
    state = Document(DocumentPath("governors/g/states", "s"), {"fences": fences}, LONG_AGO, LONG_AGO)
    assert locks_of(state) == [DocumentPath("locks", one) for one in named]


def test_a_state_that_is_gone_names_no_lock():
    """What is left of it goes alone."""
    assert locks_of(None) == []
