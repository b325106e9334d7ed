"""What outlives a call: watchers, other handles on the same store, reopened stores, closing."""

from contextlib import suppress
from functools import partial

import pytest

from tai_state._async.access.port import AsyncBackend
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.clock import SystemClock
from tai_state.documents import Capability, Delete, MustNotExist, Put, UpdatedAt, Write
from tai_state.errors import CommitAmbiguousError, PreconditionFailedError, UnsupportedOperationError
from tai_state.testing._async.conformance.base import AsyncConformanceBase, path

AT = path("subject")
_SHORT_SECONDS = 0.3
_POLL_SECONDS = 0.01


class AsyncLifetimeContract(AsyncConformanceBase):
    """Each declared capability is proven, and what is not declared is refused."""

    async def _wakes_on(self, backend: AsyncBackend, write: Write) -> bool:
        """Whether a watch of ``AT`` yields again after *write*, before its timeout."""
        wake_ups = 0
        async for _ in backend.watch(AT, timeout=self.timeout):
            wake_ups += 1
            if wake_ups > 1:
                return True
            await self.commit(backend, write)
        return False

    async def test_a_watch_yields_at_its_start_or_is_refused(self, backend: AsyncBackend) -> None:
        """With WATCH once before anything changes, also for a missing document; without it, it never waits in vain."""
        if Capability.WATCH not in backend.capabilities:
            with pytest.raises(UnsupportedOperationError):
                async for _ in backend.watch(AT, timeout=_SHORT_SECONDS):
                    pass
            return
        woken = False
        async for _ in backend.watch(AT, timeout=self.timeout):
            woken = True
            break
        assert woken

    async def test_a_watch_ends_at_its_timeout(self, backend: AsyncBackend) -> None:
        """Without a change a watch ends when its time is over, not much earlier or later."""
        self.require(backend, Capability.WATCH)
        clock = SystemClock()
        started = clock.monotonic()
        async for _ in backend.watch(AT, timeout=_SHORT_SECONDS):
            pass
        assert _SHORT_SECONDS * 0.9 <= clock.monotonic() - started < _SHORT_SECONDS + self.slack

    async def test_a_watch_ends_though_changes_go_on(self, backend: AsyncBackend) -> None:
        """A document that changes again at every wake-up does not keep a watch alive past its timeout."""
        self.require(backend, Capability.WATCH)
        clock = SystemClock()
        started = clock.monotonic()
        n = acknowledged = 0
        async for _ in backend.watch(AT, timeout=_SHORT_SECONDS):
            n += 1
            # A commit that meets the end of a listener's time may be told that it was cancelled (the Firestore emulator
            # does so, rarely): ambiguous, as the port allows, and no matter here.
            with suppress(CommitAmbiguousError):
                await self.put(backend, AT, {"n": n})
                acknowledged += 1
            assert clock.monotonic() - started < _SHORT_SECONDS + self.slack
        # At most the last one, which met the end.
        assert acknowledged >= max(1, n - 1)

    @pytest.mark.parametrize(
        "write",
        [Put(AT, {"n": 2}), Delete(AT), Put(AT, {"n": 2}, MustNotExist())],
        ids=["put", "delete", "create"],
    )
    async def test_a_change_wakes_a_watch(self, backend: AsyncBackend, write: Write) -> None:
        """A watch yields again soon after its document is replaced, deleted or created."""
        self.require(backend, Capability.WATCH)
        if write.precondition is None:
            await self.put(backend, AT, {"n": 1})
        clock = SystemClock()
        started = clock.monotonic()
        assert await self._wakes_on(backend, write)
        assert clock.monotonic() - started < self.slack

    async def test_a_waiting_watch_is_woken_by_another_writer(self, backend: AsyncBackend) -> None:
        """A watcher that already waits is woken by a commit that somebody else makes."""
        self.require(backend, Capability.WATCH)
        started: list[bool] = []
        await async_together([partial(self._watch_for, backend, started), partial(self._write_once, backend, started)])

    async def _watch_for(self, backend: AsyncBackend, started: list[bool]) -> None:
        async for _ in backend.watch(AT, timeout=self.timeout):
            started.append(True)
            if await self.find(backend, AT) is not None:
                return
        pytest.fail("the watch ended without the change that was made")

    async def _write_once(self, backend: AsyncBackend, started: list[bool]) -> None:
        for _ in range(int(self.timeout / _POLL_SECONDS)):
            await async_sleep(_POLL_SECONDS)
            if started:
                await async_sleep(_SHORT_SECONDS)
                await self.put(backend, AT, {"n": 1})
                return

    async def test_two_handles_are_one_store(self, backend: AsyncBackend) -> None:
        """What is committed through one handle is read through another at once, in both directions."""
        self.require(backend, Capability.SHARED)
        other = await self.reopen(backend)
        for n in range(10):
            writer, reader = (backend, other) if n % 2 else (other, backend)
            written = await self.put(writer, AT, {"n": n})
            read = await reader.get(AT, timeout=self.timeout)
            assert read.documents[AT].fields == {"n": n}
            assert read.documents[AT].update_time == written.commit_time <= read.read_time
            assert await reader.server_time(timeout=self.timeout) >= written.commit_time
        await other.close()

    async def test_preconditions_hold_across_handles(self, backend: AsyncBackend) -> None:
        """A commit through one handle makes what another handle read stale."""
        self.require(backend, Capability.SHARED)
        other = await self.reopen(backend)
        await self.put(backend, AT, {"n": 1})
        seen = await self.read(other, AT)
        await self.put(backend, AT, {"n": 2}, UpdatedAt(seen.update_time))
        with pytest.raises(PreconditionFailedError):
            await self.put(other, AT, {"n": 3}, UpdatedAt(seen.update_time))
        assert (await self.read(other, AT)).fields == {"n": 2}
        await other.close()

    async def test_closing_one_handle_leaves_the_other(self, backend: AsyncBackend) -> None:
        """A handle works on after another one on the same store was closed."""
        self.require(backend, Capability.SHARED)
        other = await self.reopen(backend)
        await self.put(other, AT, {"n": 1})
        await other.close()
        await self.put(backend, AT, {"n": 2})
        assert (await self.read(backend, AT)).fields == {"n": 2}

    async def test_what_was_acknowledged_survives_a_reopening(self, backend: AsyncBackend) -> None:
        """A store that is closed and opened again holds the same documents, times included."""
        self.require(backend, Capability.DURABLE)
        await self.put_all(backend, [Put(path(f"{n:03}"), {"n": n, "raw": b"\0\1"}) for n in range(100)])
        await self.commit(backend, Delete(path("000")), Put(path("001"), {"n": -1}))
        before = await self.contents(backend)
        await backend.close()
        again = await self.reopen(backend)
        assert await self.contents(again) == before
        await again.close()

    async def test_time_goes_on_after_a_reopening(self, backend: AsyncBackend) -> None:
        """After a reopening, the store's clock and a document's update time still only rise."""
        self.require(backend, Capability.DURABLE)
        await self.put(backend, AT, {"n": 1})
        deleted = await self.commit(backend, Delete(AT))
        await backend.close()
        again = await self.reopen(backend)
        assert await again.server_time(timeout=self.timeout) >= deleted.commit_time
        created = await self.put(again, AT, {"n": 1})
        assert created.commit_time > deleted.commit_time
        await again.close()

    async def test_closing_twice_is_fine(self, backend: AsyncBackend) -> None:
        """A second close does nothing, used or not."""
        await self.put(backend, AT, {"n": 1})
        await backend.close()
        await backend.close()

    async def test_closing_unused_is_fine(self, backend: AsyncBackend) -> None:
        """A backend that was never used can be closed."""
        await backend.close()
