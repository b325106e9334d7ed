"""States that are read again: the same bytes say the same, and any others are read anew."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tai_state.backends.json_documents import json_document
from tai_state.codec import dump_fields
from tai_state.config import Encoding
from tai_state.documents import Document
from tai_state.errors import CorruptLogError
from tai_state.rules.records import again
from tai_state.rules.records.again import read_state_again
from tai_state.rules.records.documents import state_fields
from tests.unit.commits.made import PATHS
from tests.unit.records.test_usual import PLAIN

NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)
FIELDS = {**state_fields(PLAIN, Encoding()), "data": PLAIN.data.value()}


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of no other test."""
    monkeypatch.setattr(again, "_said", {})


def read(**changes: Any) -> Document:
    """Return the document of the state as it is read, with other fields."""
    return json_document(PATHS.state, dump_fields({**FIELDS, **changes}), NOW, NOW)


def test_the_same_bytes_are_read_once():
    """Their record is one object."""
    first = read_state_again(read(), "g", "s")
    assert first == PLAIN
    assert read_state_again(read(), "g", "s") is first


def test_other_bytes_are_read_anew():
    """What was altered is told, whatever was read before and behind it."""
    for _ in range(2):
        assert read_state_again(read(), "g", "s") == PLAIN
        with pytest.raises(CorruptLogError, match="altered by hand"):
            read_state_again(read(status="other"), "g", "s")


def test_the_same_bytes_are_no_other_state():
    """A document that was copied to another place names its own."""
    read_state_again(read(), "g", "s")
    with pytest.raises(CorruptLogError, match="it names governor 'g' and state 's'"):
        read_state_again(read(), "g", "other")


def test_what_has_no_bytes_is_read_each_time():
    """Firestore keeps none."""
    document = Document(PATHS.state, dict(FIELDS), NOW, NOW)
    assert read_state_again(document, "g", "s") == PLAIN
    assert again._said == {}


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """In number, and in size."""
    monkeypatch.setattr(again, "STATES_MAX", 2)
    for number in range(5):
        path = PATHS.state._replace(id=f"s{number}")
        read_state_again(json_document(path, dump_fields(FIELDS), NOW, NOW), "g", "s")
        assert len(again._said) <= 2
    monkeypatch.setattr(again, "BYTES_MAX", 10)
    again._said.clear()
    read_state_again(read(), "g", "s")
    assert again._said == {}
