"""Writers and readers at the same time: nothing lost, nothing torn."""

from functools import partial

from tai_state._async.access.port import AsyncBackend
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.documents import Capability, DocumentPath, MustNotExist, Put, UpdatedAt
from tai_state.errors import PreconditionFailedError, StoreUnavailableError
from tai_state.testing._async.conformance.base import AsyncConformanceBase, path

COUNTER = path("counter")
PAIR = [path("left"), path("right", "governors/h/events")]
_WRITERS = 6
_INCREMENTS = 8
_READS = 60
_COMMITS_MAX = 100_000
_ATTEMPTS_MAX = 1_000
_PAUSE_SECONDS = 0.002


class _Progress:
    """What the writer of a pair has had acknowledged so far, and whether it may stop."""

    def __init__(self) -> None:
        self.acknowledged = -1
        self.is_over = False


class AsyncRaceContract(AsyncConformanceBase):
    """Commits of several writers are as if made one after the other."""

    async def _increment(self, backend: AsyncBackend, at: DocumentPath) -> None:
        """Add one by read and conditional write, trying again as the layers above would."""
        for attempt in range(_ATTEMPTS_MAX):
            seen = await self.read(backend, at)
            try:
                await self.put(backend, at, {"n": seen.fields["n"] + 1}, UpdatedAt(seen.update_time))
            except (PreconditionFailedError, StoreUnavailableError) as error:
                assert error.retryable  # noqa: PT017 - the error's promise, not its kind, is what is tested
                await async_sleep(_PAUSE_SECONDS * min(attempt, 10))
            else:
                return
        raise AssertionError(f"no increment in {_ATTEMPTS_MAX} attempts")

    async def _increment_often(self, backend: AsyncBackend, at: DocumentPath) -> None:
        for _ in range(_INCREMENTS):
            await self._increment(backend, at)

    async def _create(self, backend: AsyncBackend, writer: int) -> bool:
        """Try to create the one document; return whether this writer was the one."""
        for _ in range(_ATTEMPTS_MAX):
            try:
                await self.put(backend, COUNTER, {"writer": writer}, MustNotExist())
            except PreconditionFailedError:
                return False
            except StoreUnavailableError:
                await async_sleep(_PAUSE_SECONDS)
            else:
                return True
        raise AssertionError(f"no verdict in {_ATTEMPTS_MAX} attempts")

    async def test_no_increment_is_lost(self, backend: AsyncBackend) -> None:
        """Writers that count one document up by compare-and-set lose none of their increments."""
        await self.put(backend, COUNTER, {"n": 0})
        await async_together([partial(self._increment_often, backend, COUNTER)] * _WRITERS)
        assert (await self.read(backend, COUNTER)).fields == {"n": _WRITERS * _INCREMENTS}

    async def test_no_increment_is_lost_across_handles(self, backend: AsyncBackend) -> None:
        """Writers on several handles of one store lose none of their increments either."""
        self.require(backend, Capability.SHARED)
        await self.put(backend, COUNTER, {"n": 0})
        others = [await self.reopen(backend) for _ in range(2)]
        await async_together([partial(self._increment_often, one, COUNTER) for one in (backend, *others) * 2])
        assert (await self.read(backend, COUNTER)).fields == {"n": 6 * _INCREMENTS}
        for other in others:
            await other.close()

    async def test_one_creator_wins(self, backend: AsyncBackend) -> None:
        """Of several writers that create one document, exactly one succeeds, and its fields are there."""
        won = await async_together([partial(self._create, backend, writer) for writer in range(_WRITERS)])
        assert won.count(True) == 1
        assert (await self.read(backend, COUNTER)).fields == {"writer": won.index(True)}

    async def test_writers_of_different_documents_do_not_meet(self, backend: AsyncBackend) -> None:
        """Writers that each count up a document of their own all reach their number."""
        places = [path(f"counter{writer}") for writer in range(_WRITERS)]
        await self.put_all(backend, [Put(at, {"n": 0}) for at in places])
        await async_together([partial(self._increment_often, backend, at) for at in places])
        assert [one.fields["n"] for one in await self.contents(backend)] == [_INCREMENTS] * _WRITERS

    async def _move_pair(self, backend: AsyncBackend, progress: _Progress) -> None:
        for n in range(_COMMITS_MAX):
            if progress.is_over:
                return
            try:
                await self.commit(backend, *(Put(at, {"n": n}) for at in PAIR))
            except StoreUnavailableError:
                await async_sleep(_PAUSE_SECONDS)
            else:
                progress.acknowledged = n

    async def _read_pair(self, backend: AsyncBackend, progress: _Progress) -> None:
        try:
            for _ in range(_READS):
                acknowledged = progress.acknowledged
                read = await backend.get_many(PAIR, timeout=self.timeout)
                numbers = [document.fields["n"] for document in read.documents.values()]
                assert len(numbers) in {0, len(PAIR)}, "half of a commit was seen"
                assert len(set(numbers)) <= 1, f"documents of different commits were seen: {numbers}"
                assert max(numbers, default=-1) >= acknowledged, "an acknowledged commit was not seen"
                assert all(one.update_time <= read.read_time for one in read.documents.values())
        finally:
            progress.is_over = True

    async def test_a_consistent_read_is_never_torn(self, backend: AsyncBackend) -> None:
        """While a writer changes two documents together, a reader sees both changed or neither."""
        progress = _Progress()
        await async_together([partial(self._move_pair, backend, progress), partial(self._read_pair, backend, progress)])
        assert progress.acknowledged >= 0
