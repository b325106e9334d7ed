"""What is asked of a subscription by people: how far it is behind, what it could not deliver, and to do that again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tai_state import models
from tai_state._async.feeds.book import AsyncBook
from tai_state._async.feeds.search import AsyncSearch
from tai_state._platform.iterators import async_ending
from tai_state.codec import Payload
from tai_state.config import check_count
from tai_state.errors import (
    ConfigurationError,
    HistoryTrimmedError,
    InvalidDataError,
    PreconditionFailedError,
    ReplayError,
)
from tai_state.layout import StateLayout, governor_of, state_layout, unescape
from tai_state.rules.feeds.discovery import EARLIEST
from tai_state.rules.feeds.positions import (
    Letter,
    ShardPosition,
    Subscribed,
    SubscriptionLayout,
    key_of,
    read_letter,
    read_position,
    read_shard,
    shard_of,
)
from tai_state.rules.locking.owners import check_users

if TYPE_CHECKING:
    from tai_state._async.api.store import AsyncStateStore
    from tai_state.clock import Deadline, TimeLimit
    from tai_state.documents import Write
    from tai_state.models import DeadLetter, Event, Lag


class AsyncAdministration:
    """The half of a subscription that delivers nothing."""

    def __init__(self, store: AsyncStateStore, name: str, start: str | datetime, governor_id: str | None) -> None:
        """Look at the subscription called *name*."""
        check_users(name, "name")
        self._runtime = store.runtime
        self._book = AsyncBook(store.runtime, SubscriptionLayout(name))
        self._search = AsyncSearch(store.runtime)
        self._start = start
        self._of_governor = governor_id

    @property
    def name(self) -> str:
        """Under which its position is kept."""
        return self._book.layout.name

    async def _wanted(self, shards: int, delivery: str) -> Subscribed:
        """Return the subscription as it begins now."""
        since = await self._since(self._start)
        return Subscribed(
            epoch=1, name=self.name, since=since, shards=shards, governor_id=self._of_governor, delivery=delivery
        )

    async def _since(self, start: str | datetime) -> datetime | None:
        if start == "beginning":
            return None
        if isinstance(start, datetime):
            return start
        access = self._runtime.access
        with self._runtime.inflight.one("subscription"):
            return await access.server_time(access.begin(None))

    async def _there(self, deadline: Deadline) -> Subscribed:
        found = await self._book.subscribed(deadline)
        if found is None:
            message = f"there is no subscription {self.name!r} yet: it begins when it is first run"
            raise ConfigurationError(message)
        return found

    async def lag(self, *, timeout: TimeLimit = None) -> Lag:
        """Return how many states have events that are yet to be delivered, and for how many seconds the oldest waits.

        The seconds are since the last change of a state: of several that wait, the first may be older. States that wait
        for a dead letter are not counted. Reads what has changed since the position, page by page; where the
        subscription never began, all states are counted.
        """
        await self._search.discovery()
        deadline = self._runtime.access.begin(timeout)
        subscribed = await self._book.subscribed(deadline)
        if subscribed is None:
            subscribed = await self._wanted(1, "")
        shards = await self._shards(subscribed, deadline)
        waiting: dict[str, datetime] = {}
        for number, position in enumerate(shards):
            start = position.reached or subscribed.since or EARLIEST
            async with async_ending(self._search.pages(number, subscribed, start)) as pages:
                async for page in pages:
                    stored = await self._book.positions([one.key for one in page.found], subscribed.epoch)
                    for one in page.found:
                        known = stored.get(one.key)
                        is_behind = known is None or (known.version < one.version and not known.blocked)
                        if is_behind and (known is not None or one.changed_at > start):
                            waiting[one.key] = one.changed_at
            for key in position.pending:
                waiting.setdefault(key, position.reached or EARLIEST)
        if not waiting:
            return models.Lag(0, 0.0)
        with self._runtime.inflight.one("subscription"):
            now = await self._runtime.access.server_time(self._runtime.access.begin(timeout))
        return models.Lag(len(waiting), max(0.0, (now - min(waiting.values())).total_seconds()))

    async def _shards(self, subscribed: Subscribed, deadline: Deadline) -> list[ShardPosition]:
        paths = [self._book.layout.shard(number) for number in range(subscribed.shards)]
        read = await self._book.read(paths, deadline)
        shards: list[ShardPosition] = []
        for path in paths:
            document = read.get(path)
            found = None if document is None else read_shard(document)
            is_ours = found is not None and found.epoch == subscribed.epoch
            shards.append(found if found is not None and is_ours else ShardPosition(epoch=subscribed.epoch))
        return shards

    async def dead_letters(self, *, limit: int | None = 1_000, timeout: TimeLimit = None) -> list[DeadLetter]:
        """Return the events that were put aside, the oldest first; *limit* of them at most, of whatever age.

        Each has its event, unless that is nowhere any more, and the error of the last attempt. None: all there are.

        Raises:
            ConfigurationError: *limit* is no positive int.
        """
        if limit is not None:
            check_count(limit, "limit", least=1)
        deadline = self._runtime.access.begin(timeout)
        subscribed = await self._book.subscribed(deadline)
        if subscribed is None:
            return []
        letters: list[Letter] = []
        found = self._runtime.access.scan(self._book.layout.dead, timeout=deadline)
        async with async_ending(self._runtime.inflight.reading(found, "subscription")) as documents:
            async for document in documents:
                letter = read_letter(document)
                if letter.epoch == subscribed.epoch and not (letter.again or letter.done):
                    letters.append(letter)
                if len(letters) == limit:
                    break
        letters.sort(key=lambda letter: (letter.died_at, letter.key, letter.version))
        return [await self._shown(letter, deadline) for letter in letters]

    async def _shown(self, letter: Letter, deadline: Deadline) -> DeadLetter:
        paths = _paths(letter.key)
        event: Event | None = None
        if not letter.is_gap:
            try:
                with self._runtime.inflight.one("subscription"):
                    record = await self._runtime.history.event(paths, letter.version, deadline)
                event = None if record is None else record.public(Payload.value)
            except ReplayError:
                event = None  # damaged or trimmed since; the letter tells of it all the same
        return models.DeadLetter(
            governor_id=paths.governor_id,
            state_id=paths.state_id,
            version=letter.version,
            last_version=letter.last,
            event=event,
            code=letter.code,
            error=letter.error,
            attempts=letter.attempts,
            died_at=letter.died_at,
        )

    async def retry(self, event: Event[Any] | DeadLetter, *, timeout: TimeLimit = None) -> bool:
        """Have a dead letter delivered again by the workers, with as many attempts as at first.

        Where the later events of its state waited for it, they follow, up to the newest. Where they went on, it alone
        is told, out of its order.

        Returns:
            False where there is no such dead letter (any more).

        Raises:
            HistoryTrimmedError: It tells of events that are nowhere any more.
            ConfigurationError: The subscription never began.
        """
        governor_id, state_id, version = _place(event)
        paths, deadline = state_layout(governor_id, state_id), self._runtime.access.begin(timeout)

        async def attempt() -> bool:
            subscribed = await self._there(deadline)
            letter = await self._book.letter(key_of(paths), version, deadline)
            if letter is None or letter.epoch != subscribed.epoch or letter.again or letter.done:
                return False
            if letter.is_gap:
                raise HistoryTrimmedError(governor_id, state_id, letter.version, letter.last)
            await self._book.write(await self._again(letter, subscribed, deadline), timeout=deadline)
            return True

        return await self._runtime.access.retried(
            attempt, deadline, also=(PreconditionFailedError,), what="the retry of a dead letter"
        )

    async def _again(self, letter: Letter, subscribed: Subscribed, deadline: Deadline) -> list[Write]:
        """Return what lets a letter be delivered again."""
        book, new_id = self._book, self._runtime.access.new_id
        number = shard_of(letter.key, subscribed.shards)
        paths = [book.layout.position(letter.key), book.layout.shard(number)]
        read = await book.read(paths, deadline)
        place, kept = (read.get(path) for path in paths)
        position = None if place is None else read_position(place)
        shard = ShardPosition(epoch=subscribed.epoch) if kept is None else read_shard(kept)
        if shard.epoch != subscribed.epoch:
            shard = ShardPosition(epoch=subscribed.epoch, update_time=shard.update_time)
        is_waited_for = position is not None and position.blocked and position.version == letter.version - 1
        entry = letter.key if is_waited_for else f"{letter.key}@{letter.version}"
        noted = shard.noting(entry).put(paths[1], new_id())
        path = book.layout.letter(letter.key, letter.version)
        if position is not None and is_waited_for:
            return [position.again().put(paths[0], new_id()), noted, letter.removal(path)]
        return [letter.once_more().put(path, new_id()), noted]

    async def reset(self, position: str | datetime, *, timeout: TimeLimit = None) -> None:
        """Begin anew: dead letters are dropped, and whatever is behind *position* is told, also what was told before.

        Args:
            position: "beginning": before the first events there are; "now": behind what is there; or a time of the
                store.

        Raises:
            ConfigurationError: *position* is none, or the subscription never began.
        """
        checked = checked_start(position, "position")
        deadline = self._runtime.access.begin(timeout)

        async def attempt() -> None:
            found = await self._there(deadline)
            again = found.anew(await self._since(checked))
            await self._book.write([again.put(self._book.layout.own, self._runtime.access.new_id())], timeout=deadline)

        await self._runtime.access.retried(attempt, deadline, also=(PreconditionFailedError,), what="a reset")


def checked_start(start: object, what: str) -> str | datetime:
    """Return where a subscription is to begin.

    Raises:
        ConfigurationError: It can begin nowhere such.
    """
    if isinstance(start, datetime) and start.utcoffset() is not None:
        return start
    if start not in {"beginning", "now"}:
        message = f"{what} must be 'beginning', 'now' or an aware datetime, not {start!r}"
        raise ConfigurationError(message)
    return str(start)


def _paths(key: str) -> StateLayout:
    governor, _, state = key.partition("/")
    return state_layout(governor_of(governor), unescape(state))


def _place(event: object) -> tuple[str, str, int]:
    if not isinstance(event, models.Event | models.DeadLetter):
        message = f"must be a dead letter or its event, not {type(event).__name__}"
        raise InvalidDataError(message, path="event")
    return event.governor_id, event.state_id, event.version
