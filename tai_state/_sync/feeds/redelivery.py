# Generated from tai_state/_async/feeds/redelivery.py by .ci/generate_sync.py; do not edit.
"""Redelivery: a dead letter once more, out of its order; the letter itself is what its position was."""
from datetime import timedelta

from tai_state._sync.feeds.book import Book
from tai_state._sync.feeds.telling import Telling, HandlerError
from tai_state.documents import Document
from tai_state.errors import CauseDepthError, CorruptLogError, ReplayError
from tai_state.layout import StateLayout
from tai_state.rules.feeds.letters import Delivered, failure_of
from tai_state.rules.feeds.positions import Letter, key_of, read_letter
from tai_state.rules.feeds.terms import DeliveryMode
from tai_state.rules.records.record import EventRecord


class Redelivery:
    """One dead letter, delivered again."""

    def __init__(self, book: Book, telling: Telling, paths: StateLayout, version: int) -> None:
        """Deliver *version* of a state."""
        self._book = book
        self._telling = telling
        self._paths = paths
        self._version = version
        self._path = book.layout.letter(key_of(paths), version)

    def run(self, epoch: int) -> Delivered:
        """Deliver it, unless nobody wants that any more.

        Raises:
            PreconditionFailedError, MovedOnError: Another worker does.
        """
        letter = self._book.letter(key_of(self._paths), self._version)
        if letter is None or letter.epoch != epoch or not letter.again:
            return Delivered(is_done=True)
        runtime = self._book.runtime
        try:
            with runtime.inflight.one("subscription", self._paths.governor_id, self._paths.state_id):
                event = runtime.history.event(self._paths, self._version, runtime.access.begin(None))
            if event is None:
                ids = self._paths.governor_id, self._paths.state_id
                raise CorruptLogError(*ids, self._version, "the event of a dead letter is not there")
        except ReplayError as error:
            self._write(letter.dead(failure_of(error, letter.attempts)))
            return Delivered(is_done=True)
        return self._deliver(letter, event)

    def _deliver(self, letter: Letter, event: EventRecord) -> Delivered:
        terms, new_id = self._telling.terms, self._book.runtime.access.new_id
        if terms.delivery is DeliveryMode.AT_MOST_ONCE:
            # First it is done: whatever becomes of the handler, the event does not come again by itself.
            letter = self._write(letter.settled())
        else:
            letter = self._write(letter.begun())
        try:
            if terms.delivery is DeliveryMode.EXACTLY_ONCE:

                def stands(document: Document | None) -> bool:
                    return document is not None and read_letter(document) == letter

                self._telling.tell_in_commit(
                    self._paths, event, self._path, stands, lambda: letter.settled().put(self._path, new_id())
                )
            else:
                self._telling.tell(self._paths, event)
        except HandlerError as error:
            return self._failed(letter, error.reason)
        if terms.delivery is DeliveryMode.AT_LEAST_ONCE:
            self._write(letter.settled())
        return Delivered(1, is_done=True)

    def _failed(self, letter: Letter, error: BaseException) -> Delivered:
        terms = self._telling.terms
        if letter.attempts >= terms.attempts or letter.done or isinstance(error, CauseDepthError):
            self._write(letter.dead(failure_of(error, max(1, letter.attempts))))
            return Delivered(is_done=True)
        now = self._book.runtime.access.store_time.latest
        assert now is not None
        return Delivered(retry_at=now + timedelta(seconds=terms.config.wait_seconds(letter.attempts)))

    def _write(self, letter: Letter) -> Letter:
        moment = self._book.write([letter.put(self._path, self._book.runtime.access.new_id())])
        return letter.written(moment)
