"""What is refused before it is sent."""

from datetime import datetime

import pytest

from tai_state._sync.backends.firestore import FirestoreBackend
from tai_state.documents import Check, Delete, DocumentPath, MustExist
from tai_state.errors import DocumentTooLargeError, InvalidDataError
from tests.integration.backends.firestore_loopback import AT, HOST, put


@pytest.mark.parametrize("second", [put(), Delete(AT), Check(AT, MustExist())], ids=lambda write: type(write).__name__)
def test_a_path_given_twice_is_refused(driver, server, second):
    """A document occurs at most once in a commit; nothing is sent."""
    with pytest.raises(InvalidDataError) as caught:
        driver.commit(put(), second)
    assert caught.value.path == str(AT)
    assert server.calls == []


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (2**63, "data.items[1].n"),
        ("\ud800", "data.items[1].n"),
        ((1,), "data.items[1].n"),
        (datetime(2026, 1, 1), "data.items[1].n"),  # noqa: DTZ001 - a naive one is what must be refused
        ({1: 2}, "data.items[1].n"),
    ],
    ids=["large int", "surrogate", "tuple", "naive datetime", "int key"],
)
def test_a_value_of_no_type_is_refused(driver, server, value, path):
    """What Firestore cannot hold is refused with its place, and nothing is sent."""
    with pytest.raises(InvalidDataError) as caught:
        driver.commit(put({"data": {"items": [0, {"n": value}]}}))
    assert caught.value.path == path
    assert server.calls == []


def test_a_document_that_is_too_large_is_not_sent(driver, server):
    """A document over 1 MiB is refused here."""
    with pytest.raises(DocumentTooLargeError):
        driver.commit(put({"text": "x" * 600_000, "more": "y" * 500_000}))
    assert server.calls == []


def test_a_commit_that_is_too_large_is_not_sent(driver, server):
    """Documents over 4 MiB together are refused here: more is not taken by the emulator."""
    with pytest.raises(DocumentTooLargeError) as caught:
        driver.commit(*(put({"text": "x" * 900_000}, at=DocumentPath("c", f"{n}")) for n in range(5)))
    assert caught.value.limit == driver.backend.limits.commit_bytes
    assert server.calls == []


def test_production_takes_ten_mebibytes(monkeypatch):
    """Without an emulator the limit of a commit is production's."""
    monkeypatch.delenv(HOST, raising=False)
    assert FirestoreBackend("p").limits.commit_bytes == 10 * 1024 * 1024
