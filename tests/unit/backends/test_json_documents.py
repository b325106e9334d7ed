"""Documents of engines that keep JSON: what they say when they are looked at, and that they are like any other."""

import copy
import pickle
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tai_state.backends.json_documents import json_document
from tai_state.codec import dump_fields
from tai_state.documents import DAMAGED, Document, DocumentPath

PATH = DocumentPath("c", "d")
NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)
FIELDS = {"n": 1, "at": NOW}
BODY = dump_fields(FIELDS)


def late() -> Document:
    """Return a document at which nobody has looked yet."""
    return json_document(PATH, BODY, NOW, NOW)


def test_a_document_says_what_its_json_says():
    """Its fields are a dict of its own, made once; its size is that of the JSON."""
    one = late()
    assert one.fields == FIELDS
    assert one.fields is one.fields
    assert one.fields is not late().fields
    assert (one.body, one.size, one.value_of("n")) == (BODY, len(BODY), 1)


def test_a_document_equals_any_that_says_the_same():
    """Whichever of them is asked, and however they were read."""
    same = Document(PATH, dict(FIELDS), NOW, NOW)
    other = Document(PATH, {**FIELDS, "n": 2}, NOW, NOW)
    assert late() == same
    assert same == late()
    assert late() == late()
    assert late() != other
    assert other != late()
    assert late().__eq__(BODY) is NotImplemented


def test_a_document_with_other_fields_has_no_body():
    """Its bytes say nothing of them."""
    changed = replace(late(), fields={"n": 2})
    assert (changed.fields, changed.body) == ({"n": 2}, None)
    assert Document(PATH, FIELDS, NOW, NOW).body is None


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_document_can_be_copied_and_pickled(through):
    """Looked at or not."""
    assert through(late()) == late()


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_damaged_document_says_so(body):
    """By its one field."""
    assert json_document(PATH, body, NOW, NOW).fields.keys() == {DAMAGED}
