# Generated from tai_state/testing/_async/conformance/base.py by .ci/generate_sync.py; do not edit.
"""What the parts of the conformance suite share: the fixture to override, and a few calls."""
from collections.abc import Iterator, Sequence

import pytest

from tai_state._sync.access.port import Backend
from tai_state.documents import (
    Capability,
    CommitResult,
    Document,
    DocumentPath,
    Fields,
    Precondition,
    Put,
    Write,
)

STATES = "governors/g/states"
_BATCH_WRITES = 200


def path(id_: str, collection: str = STATES) -> DocumentPath:
    """Return the path of a document for a test."""
    return DocumentPath(collection, id_)


def ids_of(documents: Iterator[Document]) -> list[str]:
    """Return the ids of *documents*, in their order."""
    return [document.path.id for document in documents]


class ConformanceBase:
    """The fixture and the hook that a subclass overrides, and short forms of the port's calls."""

    timeout: float = 30.0
    """Seconds that one call may take."""

    slack: float = 5.0
    """Seconds by which a watch may be late; more on a very slow machine."""

    @pytest.fixture
    def backend(self) -> Backend:
        """Give each test a fresh, empty backend, and close it afterwards: override me."""
        # Each test says it in a line: none of them was run, and a skip would say that it need not be.
        pytest.fail(f"{type(self).__name__} must override the fixture `backend`", pytrace=False)

    def reopen(self, backend: Backend) -> Backend:
        """Return one more backend on the same store; *backend* may be open or closed.

        Override it when the backend declares DURABLE or SHARED. The tests close what it returns.
        """
        pytest.fail(f"{type(backend).__name__} declares DURABLE or SHARED: override `reopen`, to prove it")

    def require(self, backend: Backend, capability: Capability) -> None:
        """Skip the test unless *backend* declares *capability*.

        A backend need not have it; that it was not proven is told in the report of the run, which a pass would hide.
        """
        if capability not in backend.capabilities:
            pytest.skip(f"{type(backend).__name__} does not declare {capability.name}")

    def commit(self, backend: Backend, *writes: Write) -> CommitResult:
        """Commit *writes*."""
        return backend.commit(writes, timeout=self.timeout)

    def put(
        self,
        backend: Backend,
        at: DocumentPath,
        fields: Fields,
        precondition: Precondition | None = None,
    ) -> CommitResult:
        """Commit one Put."""
        return self.commit(backend, Put(at, fields, precondition))

    def put_all(self, backend: Backend, writes: Sequence[Write]) -> None:
        """Commit many small writes, in commits of a size that every engine takes."""
        size = min(_BATCH_WRITES, backend.limits.commit_writes or _BATCH_WRITES)
        for first in range(0, len(writes), size):
            self.commit(backend, *writes[first : first + size])

    def find(self, backend: Backend, at: DocumentPath) -> Document | None:
        """Read one document."""
        return (backend.get(at, timeout=self.timeout)).get(at)

    def read(self, backend: Backend, at: DocumentPath) -> Document:
        """Read one document that must be there."""
        document = self.find(backend, at)
        assert document is not None, f"{at} is missing"
        return document

    def contents(self, backend: Backend, collection: str = STATES) -> list[Document]:
        """Return every document of a collection, times included."""
        return [document for document in backend.scan(collection, timeout=self.timeout)]
