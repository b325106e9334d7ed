# Generated from tai_state/testing/_async/conformance/lifetime.py by .ci/generate_sync.py; do not edit.
"""What outlives a call: watchers, other handles on the same store, reopened stores, closing."""
from contextlib import suppress
from functools import partial

import pytest

from tai_state._sync.access.port import Backend
from tai_state._platform.tasks import sleep, together
from tai_state.clock import SystemClock
from tai_state.documents import Capability, Delete, MustNotExist, Put, UpdatedAt, Write
from tai_state.errors import CommitAmbiguousError, PreconditionFailedError, UnsupportedOperationError
from tai_state.testing._sync.conformance.base import ConformanceBase, path

AT = path("subject")
_SHORT_SECONDS = 0.3
_POLL_SECONDS = 0.01


class LifetimeContract(ConformanceBase):
    """Each declared capability is proven, and what is not declared is refused."""

    def _wakes_on(self, backend: Backend, write: Write) -> bool:
        """Whether a watch of ``AT`` yields again after *write*, before its timeout."""
        wake_ups = 0
        for _ in backend.watch(AT, timeout=self.timeout):
            wake_ups += 1
            if wake_ups > 1:
                return True
            self.commit(backend, write)
        return False

    def test_a_watch_yields_at_its_start_or_is_refused(self, backend: Backend) -> None:
        """With WATCH once before anything changes, also for a missing document; without it, it never waits in vain."""
        if Capability.WATCH not in backend.capabilities:
            with pytest.raises(UnsupportedOperationError):
                for _ in backend.watch(AT, timeout=_SHORT_SECONDS):
                    pass
            return
        woken = False
        for _ in backend.watch(AT, timeout=self.timeout):
            woken = True
            break
        assert woken

    def test_a_watch_ends_at_its_timeout(self, backend: Backend) -> None:
        """Without a change a watch ends when its time is over, not much earlier or later."""
        self.require(backend, Capability.WATCH)
        clock = SystemClock()
        started = clock.monotonic()
        for _ in backend.watch(AT, timeout=_SHORT_SECONDS):
            pass
        assert _SHORT_SECONDS * 0.9 <= clock.monotonic() - started < _SHORT_SECONDS + self.slack

    def test_a_watch_ends_though_changes_go_on(self, backend: Backend) -> None:
        """A document that changes again at every wake-up does not keep a watch alive past its timeout."""
        self.require(backend, Capability.WATCH)
        clock = SystemClock()
        started = clock.monotonic()
        n = acknowledged = 0
        for _ in backend.watch(AT, timeout=_SHORT_SECONDS):
            n += 1
            # A commit that meets the end of a listener's time may be told that it was cancelled (the Firestore emulator
            # does so, rarely): ambiguous, as the port allows, and no matter here.
            with suppress(CommitAmbiguousError):
                self.put(backend, AT, {"n": n})
                acknowledged += 1
            assert clock.monotonic() - started < _SHORT_SECONDS + self.slack
        # At most the last one, which met the end.
        assert acknowledged >= max(1, n - 1)

    @pytest.mark.parametrize(
        "write",
        [Put(AT, {"n": 2}), Delete(AT), Put(AT, {"n": 2}, MustNotExist())],
        ids=["put", "delete", "create"],
    )
    def test_a_change_wakes_a_watch(self, backend: Backend, write: Write) -> None:
        """A watch yields again soon after its document is replaced, deleted or created."""
        self.require(backend, Capability.WATCH)
        if write.precondition is None:
            self.put(backend, AT, {"n": 1})
        clock = SystemClock()
        started = clock.monotonic()
        assert self._wakes_on(backend, write)
        assert clock.monotonic() - started < self.slack

    def test_a_waiting_watch_is_woken_by_another_writer(self, backend: Backend) -> None:
        """A watcher that already waits is woken by a commit that somebody else makes."""
        self.require(backend, Capability.WATCH)
        started: list[bool] = []
        together([partial(self._watch_for, backend, started), partial(self._write_once, backend, started)])

    def _watch_for(self, backend: Backend, started: list[bool]) -> None:
        for _ in backend.watch(AT, timeout=self.timeout):
            started.append(True)
            if self.find(backend, AT) is not None:
                return
        pytest.fail("the watch ended without the change that was made")

    def _write_once(self, backend: Backend, started: list[bool]) -> None:
        for _ in range(int(self.timeout / _POLL_SECONDS)):
            sleep(_POLL_SECONDS)
            if started:
                sleep(_SHORT_SECONDS)
                self.put(backend, AT, {"n": 1})
                return

    def test_two_handles_are_one_store(self, backend: Backend) -> None:
        """What is committed through one handle is read through another at once, in both directions."""
        self.require(backend, Capability.SHARED)
        other = self.reopen(backend)
        for n in range(10):
            writer, reader = (backend, other) if n % 2 else (other, backend)
            written = self.put(writer, AT, {"n": n})
            read = reader.get(AT, timeout=self.timeout)
            assert read.documents[AT].fields == {"n": n}
            assert read.documents[AT].update_time == written.commit_time <= read.read_time
            assert reader.server_time(timeout=self.timeout) >= written.commit_time
        other.close()

    def test_preconditions_hold_across_handles(self, backend: Backend) -> None:
        """A commit through one handle makes what another handle read stale."""
        self.require(backend, Capability.SHARED)
        other = self.reopen(backend)
        self.put(backend, AT, {"n": 1})
        seen = self.read(other, AT)
        self.put(backend, AT, {"n": 2}, UpdatedAt(seen.update_time))
        with pytest.raises(PreconditionFailedError):
            self.put(other, AT, {"n": 3}, UpdatedAt(seen.update_time))
        assert (self.read(other, AT)).fields == {"n": 2}
        other.close()

    def test_closing_one_handle_leaves_the_other(self, backend: Backend) -> None:
        """A handle works on after another one on the same store was closed."""
        self.require(backend, Capability.SHARED)
        other = self.reopen(backend)
        self.put(other, AT, {"n": 1})
        other.close()
        self.put(backend, AT, {"n": 2})
        assert (self.read(backend, AT)).fields == {"n": 2}

    def test_what_was_acknowledged_survives_a_reopening(self, backend: Backend) -> None:
        """A store that is closed and opened again holds the same documents, times included."""
        self.require(backend, Capability.DURABLE)
        self.put_all(backend, [Put(path(f"{n:03}"), {"n": n, "raw": b"\0\1"}) for n in range(100)])
        self.commit(backend, Delete(path("000")), Put(path("001"), {"n": -1}))
        before = self.contents(backend)
        backend.close()
        again = self.reopen(backend)
        assert self.contents(again) == before
        again.close()

    def test_time_goes_on_after_a_reopening(self, backend: Backend) -> None:
        """After a reopening, the store's clock and a document's update time still only rise."""
        self.require(backend, Capability.DURABLE)
        self.put(backend, AT, {"n": 1})
        deleted = self.commit(backend, Delete(AT))
        backend.close()
        again = self.reopen(backend)
        assert again.server_time(timeout=self.timeout) >= deleted.commit_time
        created = self.put(again, AT, {"n": 1})
        assert created.commit_time > deleted.commit_time
        again.close()

    def test_closing_twice_is_fine(self, backend: Backend) -> None:
        """A second close does nothing, used or not."""
        self.put(backend, AT, {"n": 1})
        backend.close()
        backend.close()

    def test_closing_unused_is_fine(self, backend: Backend) -> None:
        """A backend that was never used can be closed."""
        backend.close()
