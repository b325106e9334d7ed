# Generated from tai_state/testing/_async/conformance/preconditions.py by .ci/generate_sync.py; do not edit.
"""Each kind of precondition on each kind of write, when it holds and when not."""
from collections.abc import Callable
from datetime import timedelta

import pytest

from tai_state._sync.access.port import Backend
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
from tai_state.testing._sync.conformance.base import ConformanceBase, path

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


class PreconditionContract(ConformanceBase):
    """A commit is applied when its precondition holds, and changes nothing when it does not."""

    def _seed_subject(self, backend: Backend) -> Document:
        self.put(backend, AT, OLD)
        return self.read(backend, AT)

    def _applies(self, backend: Backend, write: Write) -> None:
        before = self.find(backend, AT)
        self.commit(backend, write)
        after = self.find(backend, AT)
        assert (after.fields if after else None) == _outcome(write, before)

    def _refuses(self, backend: Backend, write: Write) -> None:
        before = self.find(backend, AT)
        with pytest.raises(PreconditionFailedError) as caught:
            self.commit(backend, write)
        assert caught.value.path in {None, str(AT)}
        assert self.find(backend, AT) == before

    @pytest.mark.parametrize("exists", [True, False])
    @pytest.mark.parametrize("write", [Put(AT, NEW), Delete(AT)], ids=["put", "delete"])
    def test_no_precondition_always_holds(self, backend: Backend, write: Write, *, exists: bool) -> None:
        """A write without a precondition is applied whether the document is there or not."""
        if exists:
            self._seed_subject(backend)
        self._applies(backend, write)

    @every_write
    def test_must_not_exist_holds_when_absent(self, backend: Backend, make: Make) -> None:
        """MustNotExist lets a write through where there is no document."""
        self._applies(backend, make(AT, MustNotExist()))

    @every_write
    def test_must_not_exist_fails_when_present(self, backend: Backend, make: Make) -> None:
        """MustNotExist refuses a write where there is a document."""
        self._seed_subject(backend)
        self._refuses(backend, make(AT, MustNotExist()))

    @every_write
    def test_must_not_exist_holds_again_after_a_delete(self, backend: Backend, make: Make) -> None:
        """A deleted document counts as absent."""
        self._seed_subject(backend)
        self.commit(backend, Delete(AT))
        self._applies(backend, make(AT, MustNotExist()))

    @every_write
    def test_must_exist_holds_when_present(self, backend: Backend, make: Make) -> None:
        """MustExist lets a write through where there is a document, whatever it holds."""
        self._seed_subject(backend)
        self._applies(backend, make(AT, MustExist()))

    @every_write
    def test_must_exist_fails_when_absent(self, backend: Backend, make: Make) -> None:
        """MustExist refuses a write where there is no document."""
        self._refuses(backend, make(AT, MustExist()))

    @every_write
    def test_updated_at_holds_when_current(self, backend: Backend, make: Make) -> None:
        """UpdatedAt lets a write through when the document is as it was read."""
        seen = self._seed_subject(backend)
        self._applies(backend, make(AT, UpdatedAt(seen.update_time)))

    @every_write
    def test_updated_at_fails_when_stale(self, backend: Backend, make: Make) -> None:
        """UpdatedAt refuses a write when the document has changed since."""
        seen = self._seed_subject(backend)
        self.put(backend, AT, {"n": 7})
        self._refuses(backend, make(AT, UpdatedAt(seen.update_time)))

    @every_write
    @pytest.mark.parametrize("microseconds", [-1, 1])
    def test_updated_at_is_exact(self, backend: Backend, make: Make, microseconds: int) -> None:
        """UpdatedAt compares times for equality, to the microsecond, in both directions."""
        seen = self._seed_subject(backend)
        near = seen.update_time + timedelta(microseconds=microseconds)
        self._refuses(backend, make(AT, UpdatedAt(near)))

    @every_write
    def test_updated_at_fails_when_absent(self, backend: Backend, make: Make) -> None:
        """UpdatedAt refuses a write where there is no document any more."""
        seen = self._seed_subject(backend)
        self.commit(backend, Delete(AT))
        self._refuses(backend, make(AT, UpdatedAt(seen.update_time)))

    @every_write
    def test_updated_at_fails_on_a_document_created_anew(self, backend: Backend, make: Make) -> None:
        """A document that was deleted and created anew is not the one that was read."""
        seen = self._seed_subject(backend)
        self.commit(backend, Delete(AT))
        self._seed_subject(backend)
        self._refuses(backend, make(AT, UpdatedAt(seen.update_time)))

    def test_the_update_time_of_a_commit_serves_the_next(self, backend: Backend) -> None:
        """The update_time that a commit returns is the one that the next commit may require."""
        created = self.put(backend, AT, OLD, MustNotExist())
        replaced = self.put(backend, AT, NEW, UpdatedAt(created.update_times[AT]))
        self.put(backend, AT, OLD, UpdatedAt(replaced.update_times[AT]))
        assert (self.read(backend, AT)).fields == OLD

    def test_a_put_replaces_all_fields(self, backend: Backend) -> None:
        """A Put leaves nothing behind of the fields that were there, nested ones included."""
        self.put(backend, AT, {"gone": 1, "map": {"gone": 1, "kept": 1}})
        self.put(backend, AT, {"map": {"kept": 2}})
        assert (self.read(backend, AT)).fields == {"map": {"kept": 2}}
