"""What the codes of gRPC mean: what is a conflict, what is tried again, and what is for good."""

import grpc
import pytest

from tai_state.documents import MustExist, MustNotExist, Query
from tai_state.errors import (
    CommitAmbiguousError,
    ConfigurationError,
    DocumentTooLargeError,
    PreconditionFailedError,
    StoreError,
    StoreUnavailableError,
)
from tests.integration.backends.firestore_loopback import AT, HOST, OTHER, driven, put

TRANSIENT = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "CANCELLED")
CONFLICTS = ("FAILED_PRECONDITION", "ALREADY_EXISTS", "NOT_FOUND")
PERMANENT = ("INVALID_ARGUMENT", "PERMISSION_DENIED", "OUT_OF_RANGE", "UNIMPLEMENTED")
ON_COMMIT = {
    **dict.fromkeys(("ABORTED", "RESOURCE_EXHAUSTED"), StoreUnavailableError),
    **dict.fromkeys((*TRANSIENT, "DATA_LOSS"), CommitAmbiguousError),
    **dict.fromkeys(CONFLICTS, PreconditionFailedError),
    **dict.fromkeys(PERMANENT, StoreError),
}
ON_READ = {
    **dict.fromkeys(("ABORTED", "RESOURCE_EXHAUSTED", *TRANSIENT), StoreUnavailableError),
    **dict.fromkeys((*CONFLICTS, *PERMANENT, "DATA_LOSS"), StoreError),
}


@pytest.mark.parametrize(("code", "error"), ON_COMMIT.items())
def test_a_code_on_commit_is_its_error(driver, server, code, error):
    """Each code is one error, its text is kept, and the request is sent once."""
    server.failures.append((grpc.StatusCode[code], "the reason"))
    with pytest.raises(StoreError if error is not PreconditionFailedError else error, match="the reason") as caught:
        driver.commit(put(precondition=MustExist()))
    assert type(caught.value) is error
    assert server.rpcs() == ["Commit"]


@pytest.mark.parametrize("rpc", ["get_many", "scan", "query", "scan_ids"])
@pytest.mark.parametrize(("code", "error"), ON_READ.items())
def test_a_code_on_a_read_is_its_error(driver, server, code, error, rpc):
    """No read is ambiguous; what may pass is unavailable, everything else is for good."""
    server.failures.append((grpc.StatusCode[code], "the reason"))
    with pytest.raises(StoreError, match="the reason") as caught:
        getattr(driver, rpc)({"get_many": AT, "query": Query(collection=AT.collection)}.get(rpc, AT.collection))
    assert type(caught.value) is error
    assert len(server.calls) == 1


def test_an_exhausted_quota_asks_for_patience(driver, server):
    """RESOURCE_EXHAUSTED names a wait longer than the usual backoff."""
    server.failures.append((grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded."))
    with pytest.raises(StoreUnavailableError) as caught:
        driver.commit(put())
    assert (caught.value.asked_seconds or 0.0) >= 1.0


@pytest.mark.parametrize(
    "details",
    ["gRPC message exceeds maximum size 4194304: 5200417", "Received message larger than max (5200417 vs. 4194304)"],
)
def test_a_message_that_is_too_large_is_no_quota(driver, server, details):
    """RESOURCE_EXHAUSTED also tells that a message will never fit; trying again would not help."""
    server.failures.append((grpc.StatusCode.RESOURCE_EXHAUSTED, details))
    with pytest.raises(DocumentTooLargeError) as caught:
        driver.commit(put())
    assert (caught.value.size, caught.value.limit) == (5_200_417, 4_194_304)


@pytest.mark.parametrize("rpc", ["commit", "get_many"])
def test_refused_credentials_are_tried_once_more(driver, server, rpc):
    """UNAUTHENTICATED leads to one more try with fresh credentials, which may succeed."""
    server.failures.append((grpc.StatusCode.UNAUTHENTICATED, "expired"))
    getattr(driver, rpc)(put() if rpc == "commit" else AT)
    assert len(server.calls) == 2


@pytest.mark.parametrize("rpc", ["commit", "get_many"])
def test_credentials_refused_twice_are_an_error_for_good(driver, server, rpc):
    """A second UNAUTHENTICATED is final."""
    server.failures += [(grpc.StatusCode.UNAUTHENTICATED, "expired")] * 3
    with pytest.raises(StoreError) as caught:
        getattr(driver, rpc)(put() if rpc == "commit" else AT)
    assert not caught.value.retryable
    assert len(server.calls) == 2


def test_an_unguarded_commit_has_no_conflict(driver, server):
    """Where no write had a precondition, none can have failed: waiting for it to hold would never end."""
    server.failures.append((grpc.StatusCode.FAILED_PRECONDITION, "an index is missing"))
    with pytest.raises(StoreError, match="an index is missing"):
        driver.commit(put())


def test_a_missing_database_is_no_conflict(driver, server):
    """NOT_FOUND also tells that the project has no such database."""
    details = "The database (default) does not exist for project p"
    server.failures.append((grpc.StatusCode.NOT_FOUND, details))
    with pytest.raises(ConfigurationError, match="does not exist") as caught:
        driver.commit(put(precondition=MustExist()))
    assert "NOT_FOUND" not in str(caught.value)


def test_the_only_guarded_document_is_named(driver, server):
    """With one precondition in a commit it is known which one failed."""
    server.failures.append((grpc.StatusCode.FAILED_PRECONDITION, "no name here"))
    with pytest.raises(PreconditionFailedError) as caught:
        driver.commit(put(precondition=MustExist()), put(at=OTHER))
    assert caught.value.path == str(AT)


def test_a_document_that_the_server_names_is_named(driver, server):
    """Among several preconditions the failed one is told where the text holds its name."""
    name = f"projects/p/databases/(default)/documents/{OTHER}"
    server.failures.append((grpc.StatusCode.ALREADY_EXISTS, f"Document already exists: {name}"))
    with pytest.raises(PreconditionFailedError) as caught:
        driver.commit(put(precondition=MustExist()), put(at=OTHER, precondition=MustNotExist()))
    assert caught.value.path == str(OTHER)


def test_a_read_that_ends_early_is_unavailable(driver, server):
    """A stream that ends well but tells too little is not taken for missing documents."""
    server.dropped = 1
    with pytest.raises(StoreUnavailableError):
        driver.get_many(AT, OTHER)


def test_a_deadline_on_a_read_is_unavailable(driver, server):
    """A read that takes too long ends at its timeout."""
    server.release.clear()
    with pytest.raises(StoreUnavailableError, match="DEADLINE_EXCEEDED"):
        driver.get_many(AT, timeout=0.1)


def test_a_deadline_on_commit_is_ambiguous(driver, server):
    """A commit that ends at its timeout may have been applied."""
    server.release.clear()
    with pytest.raises(CommitAmbiguousError, match="DEADLINE_EXCEEDED"):
        driver.commit(put(), timeout=0.1)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_dead_server_is_unavailable(monkeypatch, colour):
    """A refused connection is an error that trying again may mend."""
    monkeypatch.setenv(HOST, "127.0.0.1:1")
    with driven(colour, "p") as dead, pytest.raises(StoreUnavailableError):
        dead.get_many(AT)


@pytest.mark.parametrize("removed", [False, True], ids=["broken stream", "target removed"])
def test_a_watch_that_breaks_says_so(driver, server, removed):
    """A watch that ends before its time is an error: changes may have been missed."""
    if removed:
        server.removed = grpc.StatusCode.UNAVAILABLE
    else:
        server.failures.append((grpc.StatusCode.UNAVAILABLE, "the reason"))
    with pytest.raises(StoreUnavailableError, match="the reason"):
        driver.watch(AT)


def test_a_watch_that_the_server_ends_says_so(driver, server):
    """A stream that ends well, but early, is an error too."""
    with pytest.raises(StoreUnavailableError, match="early"):
        driver.watch(AT)
