"""What was changed since a moment, by the times that the store gives its documents."""

import pytest

from tai_state.documents import Document
from tai_state.rules.transactions.record import changed_since
from tests.unit.commits.made import PATHS, at


@pytest.mark.parametrize(("moment", "is_changed"), [(4, True), (5, False), (6, False)])
def test_a_document_that_was_written_at_the_moment_was_there_then(moment, is_changed):
    """Only what was written behind it was another one at that time."""
    documents = {path: Document(path, {}, at(1), at(time)) for path, time in ((PATHS.state, 5), (PATHS.event(1), 1))}
    assert changed_since(documents, at(moment)) is is_changed


def test_of_nothing_nothing_was_changed():
    """What is absent was so before."""
    assert not changed_since({}, at(0))
