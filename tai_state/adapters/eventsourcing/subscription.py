"""Notifications as they come: eventsourcing's subscription, woken by the changes of a store."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Final

from eventsourcing.persistence import ApplicationRecorder, ListenNotifySubscription

from tai_state.adapters.eventsourcing.events import SEQUENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tai_state.adapters.eventsourcing.recorders import TaiStateApplicationRecorder

LOOK_SECONDS: Final = 1.0
"""How soon it is looked for what other processes record."""


class TaiStateSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """An iterator over the notifications behind a number, and over those that come.

    Each is given once, in order. Its thread ends with ``stop()``, or with the block that it is entered for.
    """

    def __init__(
        self, recorder: TaiStateApplicationRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        """Begin to read behind *gt*."""
        kept = recorder.kept
        # The listener is there before the thread: that closes it, also where its first look fails, and finds with it
        # what came before. Until then the listener sets one that nobody waits for.
        self._has_been_notified = Event()
        self._listener = kept.store.on_change(
            lambda _: self._has_been_notified.set(), governor_id=kept.governor_id, state_id=SEQUENCE
        )
        super().__init__(recorder=recorder, gt=gt, topics=topics)

    def stop(self) -> None:
        """Stop; whoever waits for the next notification gets none."""
        super().stop()
        self._listener.close()

    def _loop_on_pull(self) -> None:
        try:
            self._pull()
            while not self._has_been_stopped:
                self._has_been_notified.wait(LOOK_SECONDS)
                self._pull()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever iterates
            self._thread_error = self._thread_error or error
            self.stop()
