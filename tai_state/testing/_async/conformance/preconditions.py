"""Each kind of precondition on each kind of write, when it holds and when not."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tai_state._async.access.port import AsyncBackend
from tai_state.documents import (
    Check,
    Delete,
    Document,
    DocumentPath,
    MustExist,
    MustNotExist,
    Precondition,
    Put,
    UpdatedAt,
    Write,
)
from tai_state.errors import PreconditionFailedError
from tai_state.testing._async.conformance.base import AsyncConformanceBase, path

OLD, NEW = {"n": 1}, {"n": 2}
AT = path("subject")
Make = Callable[[DocumentPath, Precondition], Write]


def _put(at: DocumentPath, precondition: Precondition) -> Write:
    return Put(at, NEW, precondition)


def _outcome(write: Write, before: Document | None) -> object:
    """Return the fields that *write* leaves behind when it is applied."""
    if isinstance(write, Put):
        return NEW
    return None if isinstance(write, Delete) or before is None else OLD


every_write = pytest.mark.parametrize(
    "make", [pytest.param(_put, id="put"), pytest.param(Delete, id="delete"), pytest.param(Check, id="check")]
)


class AsyncPreconditionContract(AsyncConformanceBase):
    """A commit is applied when its precondition holds, and changes nothing when it does not."""

    async def _seed_subject(self, backend: AsyncBackend) -> Document:
        await self.put(backend, AT, OLD)
        return await self.read(backend, AT)

    async def _applies(self, backend: AsyncBackend, write: Write) -> None:
        before = await self.find(backend, AT)
        await self.commit(backend, write)
        after = await self.find(backend, AT)
        assert (after.fields if after else None) == _outcome(write, before)

    async def _refuses(self, backend: AsyncBackend, write: Write) -> None:
        before = await self.find(backend, AT)
        with pytest.raises(PreconditionFailedError) as caught:
            await self.commit(backend, write)
        assert caught.value.path in {None, str(AT)}
        assert await self.find(backend, AT) == before

    @pytest.mark.parametrize("exists", [True, False])
    @pytest.mark.parametrize("write", [Put(AT, NEW), Delete(AT)], ids=["put", "delete"])
    async def test_no_precondition_always_holds(self, backend: AsyncBackend, write: Write, *, exists: bool) -> None:
        """A write without a precondition is applied whether the document is there or not."""
        if exists:
            await self._seed_subject(backend)
        await self._applies(backend, write)

    @every_write
    async def test_must_not_exist_holds_when_absent(self, backend: AsyncBackend, make: Make) -> None:
        """MustNotExist lets a write through where there is no document."""
        await self._applies(backend, make(AT, MustNotExist()))

    @every_write
    async def test_must_not_exist_fails_when_present(self, backend: AsyncBackend, make: Make) -> None:
        """MustNotExist refuses a write where there is a document."""
        await self._seed_subject(backend)
        await self._refuses(backend, make(AT, MustNotExist()))

    @every_write
    async def test_must_not_exist_holds_again_after_a_delete(self, backend: AsyncBackend, make: Make) -> None:
        """A deleted document counts as absent."""
        await self._seed_subject(backend)
        await self.commit(backend, Delete(AT))
        await self._applies(backend, make(AT, MustNotExist()))

    @every_write
    async def test_must_exist_holds_when_present(self, backend: AsyncBackend, make: Make) -> None:
        """MustExist lets a write through where there is a document, whatever it holds."""
        await self._seed_subject(backend)
        await self._applies(backend, make(AT, MustExist()))

    @every_write
    async def test_must_exist_fails_when_absent(self, backend: AsyncBackend, make: Make) -> None:
        """MustExist refuses a write where there is no document."""
        await self._refuses(backend, make(AT, MustExist()))

    @every_write
    async def test_updated_at_holds_when_current(self, backend: AsyncBackend, make: Make) -> None:
        """UpdatedAt lets a write through when the document is as it was read."""
        seen = await self._seed_subject(backend)
        await self._applies(backend, make(AT, UpdatedAt(seen.update_time)))

    @every_write
    async def test_updated_at_fails_when_stale(self, backend: AsyncBackend, make: Make) -> None:
        """UpdatedAt refuses a write when the document has changed since."""
        seen = await self._seed_subject(backend)
        await self.put(backend, AT, {"n": 7})
        await self._refuses(backend, make(AT, UpdatedAt(seen.update_time)))

    @every_write
    @pytest.mark.parametrize("microseconds", [-1, 1])
    async def test_updated_at_is_exact(self, backend: AsyncBackend, make: Make, microseconds: int) -> None:
        """UpdatedAt compares times for equality, to the microsecond, in both directions."""
        seen = await self._seed_subject(backend)
        near = seen.update_time + timedelta(microseconds=microseconds)
        await self._refuses(backend, make(AT, UpdatedAt(near)))

    @every_write
    async def test_updated_at_fails_when_absent(self, backend: AsyncBackend, make: Make) -> None:
        """UpdatedAt refuses a write where there is no document any more."""
        seen = await self._seed_subject(backend)
        await self.commit(backend, Delete(AT))
        await self._refuses(backend, make(AT, UpdatedAt(seen.update_time)))

    @every_write
    async def test_updated_at_fails_on_a_document_created_anew(self, backend: AsyncBackend, make: Make) -> None:
        """A document that was deleted and created anew is not the one that was read."""
        seen = await self._seed_subject(backend)
        await self.commit(backend, Delete(AT))
        await self._seed_subject(backend)
        await self._refuses(backend, make(AT, UpdatedAt(seen.update_time)))

    async def test_the_update_time_of_a_commit_serves_the_next(self, backend: AsyncBackend) -> None:
        """The update_time that a commit returns is the one that the next commit may require."""
        created = await self.put(backend, AT, OLD, MustNotExist())
        replaced = await self.put(backend, AT, NEW, UpdatedAt(created.update_times[AT]))
        await self.put(backend, AT, OLD, UpdatedAt(replaced.update_times[AT]))
        assert (await self.read(backend, AT)).fields == OLD

    async def test_a_put_replaces_all_fields(self, backend: AsyncBackend) -> None:
        """A Put leaves nothing behind of the fields that were there, nested ones included."""
        await self.put(backend, AT, {"gone": 1, "map": {"gone": 1, "kept": 1}})
        await self.put(backend, AT, {"map": {"kept": 2}})
        assert (await self.read(backend, AT)).fields == {"map": {"kept": 2}}
