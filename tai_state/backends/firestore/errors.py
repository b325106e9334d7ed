"""The one boundary where errors of gRPC and google-auth become errors of tai_state.

Which gRPC code means what stands in the tables below. google and grpc are imported
only when there is an error to map.
"""

import asyncio
import random
import re
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from tai_state.documents import Write
from tai_state.errors import (
    CommitAmbiguousError,
    ConfigurationError,
    DocumentTooLargeError,
    PreconditionFailedError,
    StoreClosedError,
    StoreError,
    StoreUnavailableError,
    TaiStateError,
)
from tai_state.indexes import Index

from .names import Names

_EXHAUSTED_SECONDS = (1.0, 3.0)
_TARGET_REMOVED = 2

# Codes after which a request may have done its work, or may still do it.
_NO_VERDICT = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "CANCELLED"})
_CONFLICTS = frozenset({"FAILED_PRECONDITION", "ALREADY_EXISTS", "NOT_FOUND"})

# The same codes also tell that a project has no such database: waiting for it to be changed by
# somebody would never end.
_NO_DATABASE = re.compile(
    r"database .*does not exist|datastore mode|has not been used in project|denied on resource project",
    re.IGNORECASE | re.DOTALL,
)
# What the emulator says to an update_time later than the document's own, after an import for one.
_TOO_NEW = re.compile("base version.* greater than the stored version", re.IGNORECASE)
_TOO_LARGE = re.compile(r"message.*(?:exceeds maximum size|larger than max|too large)", re.IGNORECASE | re.DOTALL)
_TOO_LARGE_NUMBERS = (
    re.compile(r"exceeds maximum size (?P<limit>\d+): (?P<size>\d+)"),
    re.compile(r"larger than max \((?P<size>\d+) vs\. (?P<limit>\d+)\)"),
)


class UnauthenticatedError(StoreError):
    """The credentials were refused; once refreshed, they may not be."""


class ErrorMap:
    """Maps the errors of one backend's requests; each method returns a context manager around a request."""

    def __init__(self, rng: random.Random | None = None) -> None:
        """Spread the waits that an exhausted quota asks for with *rng*."""
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret

    def reading(self) -> "Boundary":
        """Map the errors of a request that writes nothing."""
        return Boundary(self)

    def querying(self, index: Index | None) -> "Boundary":
        """Map the errors of a query that needs *index*, if any."""
        return _QueryBoundary(self, index)

    def committing(self, names: Names, writes: Sequence[Write]) -> "Boundary":
        """Map the errors of the commit of *writes*."""
        return _CommitBoundary(self, names, writes)

    def exhausted(self, details: str) -> TaiStateError:
        """Return what RESOURCE_EXHAUSTED means: a quota that comes back, or a request that never fits."""
        if not _TOO_LARGE.search(details):
            return StoreUnavailableError(details, retry_after=self._rng.uniform(*_EXHAUSTED_SECONDS))
        for numbers in _TOO_LARGE_NUMBERS:
            if found := numbers.search(details):
                return DocumentTooLargeError(int(found["size"]), int(found["limit"]), "the message")
        return StoreError(details)

    def is_change(self, response: Any) -> bool:
        """Whether a ListenResponse tells of a change.

        Raises:
            StoreError: It tells that the server has stopped watching.
        """
        change = response.target_change
        if change.target_change_type != _TARGET_REMOVED:
            return not response.HasField("target_change")
        import grpc  # noqa: PLC0415 - whoever has no such error pays nothing for it

        names = {status.value[0]: status.name for status in grpc.StatusCode}
        raise self.reading().by_code(names.get(change.cause.code, "UNKNOWN"), change.cause.message)


class Boundary:
    """Maps what leaves the ``with``; a read is never ambiguous."""

    __slots__ = ("_errors",)

    def __init__(self, errors: ErrorMap) -> None:
        """Map by *errors*; made by its methods."""
        self._errors = errors

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        """Raise what *error* is to callers, from it."""
        if error is not None and (mapped := self._mapped(error)):
            raise mapped from error

    def _mapped(self, error: BaseException) -> TaiStateError | None:
        if isinstance(error, TaiStateError):
            return None
        if isinstance(error, asyncio.CancelledError):
            # A task that was cancelled ends so. Without that it was the channel, closed by somebody else.
            return None if _is_task_cancelled() else self.by_code("CANCELLED", "the channel was closed")
        return self._by_kind(error)

    def _by_kind(self, error: BaseException) -> TaiStateError | None:
        import grpc  # noqa: PLC0415 - whoever has no such error pays nothing for it
        import grpc.aio  # noqa: PLC0415
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

        if isinstance(error, grpc.RpcError):
            return self.by_code(*code_and_details(error))
        if isinstance(error, GoogleAuthError):
            return _auth_error(error)
        closed = isinstance(error, ValueError) and "closed channel" in str(error)
        if closed or isinstance(error, grpc.aio.UsageError):
            return StoreClosedError(f"the Firestore backend is closed: {error}")
        if isinstance(error, grpc.aio.BaseError):
            return self.by_code("INTERNAL", str(error))
        return None

    def by_code(self, code: str, details: str) -> TaiStateError:
        """Return the error that a request ending in *code* is."""
        text = f"{code}: {details}"
        if code == "ABORTED" or code in _NO_VERDICT:
            return StoreUnavailableError(text)
        return self._for_good(code, text)

    def _for_good(self, code: str, text: str) -> TaiStateError:
        if code == "RESOURCE_EXHAUSTED":
            return self._errors.exhausted(text)
        if _NO_DATABASE.search(text):
            said = text.removeprefix(f"{code}: ")
            return ConfigurationError(f"the project or the database named is not there, or not for this use: {said}")
        if code == "UNAUTHENTICATED":
            return UnauthenticatedError(text)
        # NOT_FOUND among them: a missing document is no error of the requests that we send, a
        # missing database is. FAILED_PRECONDITION tells of a missing index, with a link to make it.
        return StoreError(text)


class _QueryBoundary(Boundary):
    """Maps the errors of a query; where its index is missing, it is named."""

    __slots__ = ("_index",)

    def __init__(self, errors: ErrorMap, index: Index | None) -> None:
        super().__init__(errors)
        self._index = index

    def by_code(self, code: str, details: str) -> TaiStateError:
        """Return the error that a query ending in *code* is."""
        if code == "FAILED_PRECONDITION" and self._index is not None:
            details = f"{details}; it needs an index: {self._index}"
        return super().by_code(code, details)


class _CommitBoundary(Boundary):
    """Maps the errors of a commit, whose outcome may be unknown."""

    __slots__ = ("_names", "_writes")

    def __init__(self, errors: ErrorMap, names: Names, writes: Sequence[Write]) -> None:
        super().__init__(errors)
        self._names = names
        self._writes = writes

    def by_code(self, code: str, details: str) -> TaiStateError:
        text = f"{code}: {details}"
        if code in _NO_VERDICT or code == "DATA_LOSS":
            return CommitAmbiguousError(text)
        if code == "ABORTED":
            return StoreUnavailableError(text)
        guarded = [write for write in self._writes if write.precondition is not None]
        is_conflict = code in _CONFLICTS or (code == "INVALID_ARGUMENT" and _TOO_NEW.search(details))
        if is_conflict and guarded and not _NO_DATABASE.search(details):
            return PreconditionFailedError(text, path=self._failed(guarded, details))
        return self._for_good(code, text)

    def _failed(self, guarded: Sequence[Write], details: str) -> str | None:
        """Return the path whose precondition failed, where that is certain."""
        if len(guarded) == 1:
            return str(guarded[0].path)
        # One name may begin another: the longest is the one meant.
        named = [write.path for write in guarded if self._names.document(write.path) in details]
        return str(max(named, key=lambda path: len(str(path)))) if named else None


def code_and_details(error: BaseException) -> tuple[str, str]:
    """Return a gRPC error's code by name, and its text."""
    code: Any = getattr(error, "code", None)
    status: Any = code() if callable(code) else None
    details: Any = getattr(error, "details", None)
    text: Any = details() if callable(details) else None
    return (str(status.name) if status is not None else "UNKNOWN"), str(text or "the server gave no reason")


def _auth_error(error: Exception) -> StoreError:
    """Return what an error of google-auth means; it arises before anything is sent."""
    text = f"the credentials could not be used: {error}"
    return StoreUnavailableError(text) if getattr(error, "retryable", False) else StoreError(text)


def _is_task_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
