"""Erasing for those who must: what a state held is gone everywhere, and that it was is still provable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state.authors import author_of
from tai_state.errors import InvalidDataError
from tai_state.layout import GovernorLayout, state_layout

if TYPE_CHECKING:
    from tai_state._async.recovery.erasure import AsyncEraser
    from tai_state._async.runtime import AsyncRuntime
    from tai_state.clock import TimeLimit
    from tai_state.models import ErasureReport


class AsyncStoreErasure:
    """The part of a store that erases."""

    runtime: AsyncRuntime

    async def erase_state(
        self, governor_id: str, state_id: str, *, reason: str, timeout: TimeLimit = None
    ) -> ErasureReport:
        """Erase all that a state ever held, for good, and leave a tombstone; tells what is gone.

        Data, payloads, authors, reasons, contexts, errors and keys go from its events and segments, whose digests stay:
        so the chain of its hashes still proves which changes there were. Snapshots, receipts and copies in quarantine
        are removed; records in ``audit`` and results of transactions lose what they show. What stays is no value: ids,
        versions, times, statuses, actions, and the machine's name. SQLite's file is built anew, so that nothing is left
        in it; that takes as long as copying the file. Copies that an engine keeps of itself (backups, Firestore's
        point-in-time recovery) are not reached.

        The intent is written first: what is stopped half way is ended by a call like this one, or by ``recover``. A
        record in ``audit`` tells who erased, and why. The state may be created again, and goes on with its versions.

        Args:
            reason: Why; without one nothing is erased.
            timeout: Bounds each page that is read, each commit, and the scrubbing of the file.

        Raises:
            StateNotFoundError: The state never was.
            CorruptLogError: It is damaged, and its log does not tell what it was: run ``recover`` first.
        """
        paths = state_layout(governor_id, state_id)
        with self.runtime.inflight.one("erase_state", governor_id, state_id):
            return await self._erasure(reason, timeout).state(paths)

    async def erase_governor(self, governor_id: str, *, reason: str, timeout: TimeLimit = None) -> ErasureReport:
        """Erase every state of a governor, as ``erase_state`` does one."""
        # Imported here: few erase.
        from tai_state._async.recovery.newer import async_check_store  # noqa: PLC0415

        governor = GovernorLayout(governor_id)
        erasure = self._erasure(reason, timeout)
        with self.runtime.inflight.one("erase_governor", governor_id):
            # Before the intent is written, which nobody could end.
            await async_check_store(self.runtime.access, timeout)
            return await erasure.governor(governor)

    def _erasure(self, reason: str, timeout: TimeLimit) -> AsyncEraser:
        # Imported here: few erase.
        from tai_state._async.recovery.erasure import AsyncEraser  # noqa: PLC0415

        if not isinstance(reason, str) or not reason.strip():
            message = "needs to say why"
            raise InvalidDataError(message, path="reason")
        author = author_of(None, self.runtime.actor)._replace(reason=str.__str__(reason))
        return AsyncEraser(self.runtime.access, self.runtime.settings, author, timeout)
