"""What is kept takes the memory that it needs: results of orjson's hold on to the kilobytes they were written in."""

import tracemalloc

import pytest

from tai_state.backends.memory.encoding import encode
from tai_state.codec import Payload
from tai_state.documents import DocumentPath, Put
from tai_state.rules.records.chain import texts_of
from tests.unit.commits.made import lived

COUNT = 200


def taken(make):
    """Return how many bytes each of what *make* returns takes in memory."""
    make(0)
    tracemalloc.start()
    try:
        kept = [make(number) for number in range(COUNT)]
        return tracemalloc.get_traced_memory()[0] / len(kept)
    finally:
        tracemalloc.stop()


def made_texts(number):
    last = lived(2, data={"n": number})[-1]
    return texts_of(last.event, last.covered, last.values)


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda number: Payload.given({"n": number, "text": "x" * 100}), 500),
        (lambda number: Payload.given({"n": number, "$time": "x" * 100}), 500),
        (lambda number: Payload.of({"n": 1e-7 * number, "text": "x" * 100}), 500),
        (lambda number: Payload.stored({"n": number, "text": "x" * 100}), 500),
        (lambda number: encode([Put(DocumentPath("c", "d"), {"n": number, "text": "x" * 100})]), 500),
        (made_texts, 3_000),
    ],
    ids=["given", "like a tag", "with an exponent", "stored", "a document", "an event"],
)
def test_what_is_kept_takes_what_it_needs(make, most):
    """A hundred bytes of JSON, and what Python has around them."""
    assert 100 < taken(make) < most
