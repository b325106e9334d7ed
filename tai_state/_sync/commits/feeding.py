# Generated from tai_state/_async/commits/feeding.py by .ci/generate_sync.py; do not edit.
"""Switching a store's feed on, and stamping what was there before.

What it is about, and why all processes agree, stands in ``rules.records.feeding``.
"""
from collections.abc import Sequence
from dataclasses import replace

from tai_state._sync.access.access import Access
from tai_state.clock import Deadline, Span
from tai_state.config import Encoding
from tai_state.documents import Document, DocumentPath, MustNotExist, Put, UpdatedAt
from tai_state.errors import (
    CommitAmbiguousError,
    ConfigurationError,
    CorruptLogError,
    InvalidIdError,
    PreconditionFailedError,
    ReplayError,
    SchemaVersionError,
    StoreUnavailableError,
)
from tai_state.layout import GOVERNORS, META, governor_of, state_layout
from tai_state.rules.commits.decide import meta_fields
from tai_state.rules.records.documents import owner_of, read_state, state_put
from tai_state.rules.records.feeding import (
    FEED,
    META_FORMAT,
    Discovery,
    Feed,
    FeedKnowledge,
    feed_key,
    feed_keys,
    feed_of,
)
from tai_state.rules.records.fields import FieldError

_STATES_WRITTEN = 50
_AGAIN = (PreconditionFailedError, CommitAmbiguousError, StoreUnavailableError)
"""Of what is written here a look tells whether it was: it is written again only where it is not there."""


def feed_in(meta: Document | None) -> Feed | None:
    """Return how a store feeds by its ``tai/meta``; None: it does not, or was never changed.

    Raises:
        CorruptLogError: That document is damaged.
    """
    try:
        return None if meta is None else feed_of(meta.fields)
    except FieldError as error:
        raise CorruptLogError("", "", None, f"document {META}: {error}") from error


def store_id_in(meta: Document) -> str:
    """Return the id of a store by its ``tai/meta``.

    Raises:
        CorruptLogError: That document is none of ours.
        SchemaVersionError: A newer release wrote it.
    """
    stored, store_id = meta.fields.get("format"), meta.fields.get("store_id")
    if type(stored) is not int or type(store_id) is not str:
        message = f"document {META} is not one of tai_state's"
        raise CorruptLogError("", "", None, message)
    if stored > META_FORMAT:
        raise SchemaVersionError(stored, META_FORMAT, "the store")
    return store_id


def learn(
    access: Access, knowledge: FeedKnowledge, meta: Document | None, deadline: Deadline
) -> str | None:
    """Take what ``tai/meta`` says, and return the store's id; None where nothing was ever changed.

    Where the store is to feed, and does not yet, it is switched on.
    """
    store_id = None if meta is None else store_id_in(meta)
    if knowledge.is_asked:
        feed = feed_in(meta)
        if feed is None and meta is not None and knowledge.wanted:
            _, feed = switch_on(access, knowledge.wanted, deadline)
        knowledge.hear(feed, access.clock.monotonic())
    return store_id


def switch_on(access: Access, shards: int, deadline: Deadline) -> tuple[str, Feed]:
    """Have the store feed by *shards* keys, unless it feeds already; return its id, and how it does."""
    new_id = access.new_id()

    def attempt() -> tuple[str, Feed]:
        read = access.read([META], deadline)
        meta = read.get(META)
        found = feed_in(meta)
        if meta is not None and found is not None:
            return store_id_in(meta), found
        # Where nothing was ever changed there is nothing to look for, and nobody who does not know.
        feed = Feed(shards, read.read_time)
        fields = {**(meta_fields(new_id) if meta is None else meta.fields), FEED: feed.fields(), "format": META_FORMAT}
        precondition = MustNotExist() if meta is None else UpdatedAt(meta.update_time)
        put = Put(META, fields, precondition)
        access.backend.commit([put], timeout=access.attempt_seconds(deadline))
        return new_id if meta is None else store_id_in(meta), feed

    # Whoever was faster, or an attempt of ours without a reply, has switched it on.
    return access.retried(attempt, deadline, also=_AGAIN, what="the switch of a feed")


def discovery(
    access: Access, knowledge: FeedKnowledge, encoding: Encoding, timeout: Span = None
) -> Discovery:
    """Return where what has changed is found, once all that there was can be found there, too.

    To be asked for with each look: the scans are made by those who look, the second one by who looks late enough. Once
    that is made, nothing is read any more.

    Raises:
        ConfigurationError: The store does not feed.
    """
    if knowledge.discovery is not None:
        return knowledge.discovery
    deadline = access.begin(timeout)
    read = access.read([META], deadline)
    meta, feed = read.get(META), feed_in(read.get(META))
    if meta is not None and feed is not None:
        store_id = store_id_in(meta)
    elif knowledge.wanted:
        store_id, feed = switch_on(access, knowledge.wanted, deadline)
    else:
        message = (
            "the store does not feed: nothing in it says what has changed; open it once with connect(..., feed=True), "
            "which switches that on, for good and for all who use it"
        )
        raise ConfigurationError(message)
    knowledge.hear(feed, access.clock.monotonic())
    if feed.needs_scan(read.read_time):
        Stamping(access, (store_id, feed.shards), encoding, timeout).run()
        feed = feed.scanned(read.read_time)
        _note(access, feed, access.begin(timeout))
    discovery = Discovery(feed_keys(store_id, feed.shards))
    if feed.is_complete:
        knowledge.discovery = discovery
    return discovery


def _note(access: Access, feed: Feed, deadline: Deadline) -> None:
    """Have ``tai/meta`` say how far the scans have come; what somebody else's have reached is kept."""

    def attempt() -> None:
        meta = (access.read([META], deadline)).get(META)
        found = feed_in(meta)
        if meta is None or found is None or found.is_complete or found == feed:
            return
        put = Put(META, {**meta.fields, FEED: feed.fields()}, UpdatedAt(meta.update_time))
        access.backend.commit([put], timeout=access.attempt_seconds(deadline))

    access.retried(attempt, deadline, also=_AGAIN, what="the note of a scan")


class Stamping:
    """One scan of all states, which gives each its key that has none."""

    def __init__(self, access: Access, place: tuple[str, int], encoding: Encoding, timeout: Span) -> None:
        """Scan through *access*; *timeout* bounds each page, and each commit.

        Args:
            place: The store's id, and by how many keys it feeds.
        """
        self._access = access
        self._place = place
        self._encoding = encoding
        self._timeout = timeout

    def run(self) -> int:
        """Return how many had no key.

        One that is damaged is passed over: whoever mends it gives it its key.
        """
        count = 0
        for stored in self._access.scan_ids(GOVERNORS, timeout=self._timeout):
            try:
                governor_id = governor_of(stored)
            except InvalidIdError:
                continue
            puts: list[Put] = []
            for document in self._access.scan(f"{GOVERNORS}/{stored}/states", timeout=self._timeout):
                put = self._keyed(document, governor_id)
                if put is None:
                    continue
                count += 1
                puts.append(put)
                if len(puts) == _STATES_WRITTEN:
                    self._write(puts, governor_id)
                    puts = []
            self._write(puts, governor_id)
        return count

    def _keyed(self, document: Document, governor_id: str) -> Put | None:
        """Return the write of a state with its key; None where it has one, or cannot be read."""
        try:
            state_id = owner_of(document, governor_id)
            record = read_state(document, governor_id, state_id)
        except ReplayError:
            return None
        if record.marks.feed_key:
            return None
        paths = state_layout(governor_id, state_id)
        marks = replace(record.marks, feed_key=feed_key(self._place[0], paths.state, self._place[1]))
        # A transaction over several stores that has it in hand takes the key along when it is settled.
        return state_put(paths, replace(record, marks=marks), self._encoding, document.update_time, keeps_mark=True)

    def _write(self, puts: Sequence[Put], governor_id: str) -> None:
        """Commit *puts*; where one of them was overtaken, each by itself, until it has a key."""
        if not puts:
            return
        try:
            seconds = self._access.attempt_seconds(self._access.begin(self._timeout))
            self._access.backend.commit(puts, timeout=seconds)
        except _AGAIN:
            for put in puts:
                self._write_alone(put.path, governor_id)

    def _write_alone(self, path: DocumentPath, governor_id: str) -> None:
        deadline = self._access.begin(self._timeout)

        def attempt() -> None:
            document = (self._access.read([path], deadline)).get(path)
            put = None if document is None else self._keyed(document, governor_id)
            if put is not None:
                self._access.backend.commit([put], timeout=self._access.attempt_seconds(deadline))

        self._access.retried(attempt, deadline, also=_AGAIN, what="the key of a state")
