"""What an import writes of one document, given what is there."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state.documents import Document, MustNotExist, Put, UpdatedAt
from tai_state.errors import HistoryConflictError
from tai_state.layout import state_layout
from tai_state.rules.recovery.export_lines import Carried
from tai_state.rules.recovery.joining import Item

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATHS = state_layout("g", "s")


def fields(version, digest="a"):
    return {"version": version, "hash": f"{digest}{version}"}


def there(version, digest="a"):
    """Return the document of the state as it stands there by now."""
    return Document(PATHS.state, fields(version, digest), NOW, NOW + timedelta(seconds=version))


def item(base=None):
    return Item(Carried(2, PATHS.state, fields(5), 100), base)


def test_a_state_that_is_not_there_is_created():
    """And is not to be there by then."""
    assert item().writes(None) == [Put(PATHS.state, fields(5), MustNotExist())]


def test_a_state_goes_on_from_what_was_compared():
    """As it was seen last, whatever it carries beside its history."""
    found = there(3)
    assert item(there(3)).writes(found) == [Put(PATHS.state, fields(5), UpdatedAt(found.update_time))]


@pytest.mark.parametrize("base", [None, there(3)], ids=["that was to be new", "that went on"])
@pytest.mark.parametrize("found", [there(4), there(3, "b"), there(6)], ids=["moved", "another", "further"])
def test_a_state_that_somebody_else_wrote_meanwhile_is_refused(base, found):
    """Nothing was compared with that, and nothing takes its place."""
    with pytest.raises(HistoryConflictError, match="another one is there"):
        item(base).writes(found)


def test_a_state_that_is_there_as_in_the_file_is_left():
    """It is what was to be there in the end."""
    assert item().writes(there(5)) == item(there(3)).writes(there(5)) == []
