"""What the parts of the conformance suite share: the fixture to override, and a few calls."""

from collections.abc import AsyncIterator, Sequence

import pytest

from tai_state._async.access.port import AsyncBackend
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


async def ids_of(documents: AsyncIterator[Document]) -> list[str]:
    """Return the ids of *documents*, in their order."""
    return [document.path.id async for document in documents]


class AsyncConformanceBase:
    """The fixture and the hook that a subclass overrides, and short forms of the port's calls."""

    timeout: float = 30.0
    """Seconds that one call may take."""

    slack: float = 5.0
    """Seconds by which a watch may be late; more on a very slow machine."""

    @pytest.fixture
    async def backend(self) -> AsyncBackend:
        """Give each test a fresh, empty backend, and close it afterwards: override me."""
        # Each test says it in a line: none of them was run, and a skip would say that it need not be.
        pytest.fail(f"{type(self).__name__} must override the fixture `backend`", pytrace=False)

    async def reopen(self, backend: AsyncBackend) -> AsyncBackend:
        """Return one more backend on the same store; *backend* may be open or closed.

        Override it when the backend declares DURABLE or SHARED. The tests close what it returns.
        """
        pytest.fail(f"{type(backend).__name__} declares DURABLE or SHARED: override `reopen`, to prove it")

    def require(self, backend: AsyncBackend, capability: Capability) -> None:
        """Skip the test unless *backend* declares *capability*.

        A backend need not have it; that it was not proven is told in the report of the run, which a pass would hide.
        """
        if capability not in backend.capabilities:
            pytest.skip(f"{type(backend).__name__} does not declare {capability.name}")

    async def commit(self, backend: AsyncBackend, *writes: Write) -> CommitResult:
        """Commit *writes*."""
        return await backend.commit(writes, timeout=self.timeout)

    async def put(
        self,
        backend: AsyncBackend,
        at: DocumentPath,
        fields: Fields,
        precondition: Precondition | None = None,
    ) -> CommitResult:
        """Commit one Put."""
        return await self.commit(backend, Put(at, fields, precondition))

    async def put_all(self, backend: AsyncBackend, writes: Sequence[Write]) -> None:
        """Commit many small writes, in commits of a size that every engine takes."""
        size = min(_BATCH_WRITES, backend.limits.commit_writes or _BATCH_WRITES)
        for first in range(0, len(writes), size):
            await self.commit(backend, *writes[first : first + size])

    async def find(self, backend: AsyncBackend, at: DocumentPath) -> Document | None:
        """Read one document."""
        return (await backend.get(at, timeout=self.timeout)).get(at)

    async def read(self, backend: AsyncBackend, at: DocumentPath) -> Document:
        """Read one document that must be there."""
        document = await self.find(backend, at)
        assert document is not None, f"{at} is missing"
        return document

    async def contents(self, backend: AsyncBackend, collection: str = STATES) -> list[Document]:
        """Return every document of a collection, times included."""
        return [document async for document in backend.scan(collection, timeout=self.timeout)]
