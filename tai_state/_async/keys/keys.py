"""A group of keys: values by name, each changed by one atomic operation at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tai_state._async.api.store import AsyncStateStore
from tai_state._async.keys.changing import AsyncKeyChanges
from tai_state._async.keys.listing import async_key_values
from tai_state.config import check_colour
from tai_state.layout import state_layout
from tai_state.models.keys import ABSENT
from tai_state.rules.keys.changes import group_of, value_of
from tai_state.rules.keys.field_ops import DeleteField, SetField
from tai_state.rules.keys.filters import filter_of
from tai_state.rules.keys.list_ops import AddToSet, Pop, Push, RemoveFromSet, Shift, Unshift
from tai_state.rules.keys.plain_ops import CompareAndSwap, Decrement, Delete, Increment, Set, Update

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from typing import Unpack

    from tai_state._async.keys.changing import AsyncChangeOptions
    from tai_state._async.locking.lock import AsyncLock
    from tai_state._async.locking.lock_set import AsyncLockSet
    from tai_state.clock import TimeLimit
    from tai_state.models import ChangeMetadata, Event
    from tai_state.models.keys import OpResult
    from tai_state.rules.keys.op import KeyOp


class AsyncKeys:
    """The keys of one group, each with a value that can be stored: what JSON knows, bytes, and aware datetimes.

    Every change is one commit with its event, and retried on a conflict; callers of this process who change one key
    at a time share commits. What a method returns comes from its own commit, never from a later read: of two hundred
    callers who increment one key, each is told another number.

    Every method that changes takes these, too:

    - ``idempotency_key``: makes the change once, however often it is asked for; a repetition is told what the first
      was. It says nothing of an operation that had nothing to write, such as a comparison that did not hold.
    - ``metadata``: who makes it, and why.
    - ``lock``: guards the change, as for ``AsyncStateStore.save_state``.
    - ``timeout``: the total time, retries included.

    They raise KeyTypeError where the value is of another type than the operation needs, and else what
    ``AsyncStateStore.save_state`` does; nothing was written then, an OutcomeUnknownError excepted.

    Attributes:
        group: Its name.
        governor_id: What other methods of the store take for it: ``store.get_events(keys.governor_id, key)``, say.
    """

    def __init__(self, store: AsyncStateStore, group: str) -> None:
        """Open the keys of *group*; nothing is read or written yet.

        Raises:
            ConfigurationError: *store* is none, or one of the other colour.
            InvalidIdError: *group* cannot be part of an id.
        """
        check_colour(store, AsyncStateStore, self)
        self.governor_id = group_of(group)
        self.group = self.governor_id.name
        self._store = store
        self._runtime = store.runtime
        self._changes = AsyncKeyChanges(store, self.governor_id)

    # Reading

    async def get(self, key: str, default: Any = None, *, timeout: TimeLimit = None) -> Any:
        """Return the value of a key; *default* where there is none."""
        value = value_of(await self._runtime.record(state_layout(self.governor_id, key), timeout))
        return default if value is ABSENT else value

    async def exists(self, key: str, *, timeout: TimeLimit = None) -> bool:
        """Whether there is such a key."""
        return await self.get(key, ABSENT, timeout=timeout) is not ABSENT

    async def history(self, key: str, *, after: int = 0, timeout: TimeLimit = None) -> AsyncIterator[Event]:
        """Iterate over the changes of a key behind version *after*, in their order; ``to_state["value"]`` is its value.

        Raises:
            HistoryTrimmedError, CorruptLogError: As for ``AsyncStateStore.get_events``.
        """
        async for event in self._store.get_events(self.governor_id, key, after=after, timeout=timeout):
            yield event

    # Changing

    async def set(self, key: str, value: object, **options: Unpack[AsyncChangeOptions]) -> Any:
        """Give a key a value, whatever it had, and return the value as it is stored."""
        return await self._changes.one(Set(key, value), **options)

    async def update(
        self, key: str, fn: Callable[[Any], object], default: object = None, **options: Unpack[AsyncChangeOptions]
    ) -> Any:
        """Give a key what *fn* makes of its value, and return that.

        Args:
            fn: A pure, plain function of the value: it may be called more than once, each time with a copy of its own,
                and what it raises passes through. It returns ABSENT to remove the key.
            default: What it is given where there is no value.
        """
        return await self._changes.one(Update(key, fn, default), **options)

    async def delete(self, key: str, **options: Unpack[AsyncChangeOptions]) -> bool:
        """Remove a key, and return whether it was there; its history stays."""
        return bool(await self._changes.one(Delete(key), **options))

    async def increment(self, key: str, by: float = 1, **options: Unpack[AsyncChangeOptions]) -> Any:
        """Add *by* to a number, and return the sum; a key that is not there counts as 0."""
        return await self._changes.one(Increment(key, by), **options)

    async def decrement(
        self, key: str, by: float = 1, floor: float | None = None, **options: Unpack[AsyncChangeOptions]
    ) -> Any:
        """Take *by* from a number, and return the rest; a key that is not there counts as 0.

        Args:
            floor: Go no lower than this: of 3, ``decrement(key, 5, floor=0)`` leaves 0.
        """
        return await self._changes.one(Decrement(key, by, floor), **options)

    async def compare_and_swap(
        self, key: str, expected: object, new: object, **options: Unpack[AsyncChangeOptions]
    ) -> bool:
        """Give a key the value *new* if it has the value *expected*, and return whether it had.

        Args:
            expected: ABSENT: that there is none. Values are equal when their types are, too: 1 is not 1.0.
            new: ABSENT: removes it.
        """
        return bool(await self._changes.one(CompareAndSwap(key, expected, new), **options))

    async def push(
        self, key: str, *items: object, limit: int | None = None, **options: Unpack[AsyncChangeOptions]
    ) -> list[Any]:
        """Put *items* behind the others of a list, and return the list; one that is not there is empty.

        Args:
            limit: How many it holds at most: the newest, its last ones, are kept.
        """
        pushed: list[Any] = await self._changes.one(Push(key, *items, limit=limit), **options)
        return pushed

    async def unshift(
        self, key: str, *items: object, limit: int | None = None, **options: Unpack[AsyncChangeOptions]
    ) -> list[Any]:
        """Put *items* before the others of a list, in their order, and return the list.

        Args:
            limit: How many it holds at most: the newest, its first ones, are kept.
        """
        put: list[Any] = await self._changes.one(Unshift(key, *items, limit=limit), **options)
        return put

    async def pop(self, key: str, default: object = None, **options: Unpack[AsyncChangeOptions]) -> Any:
        """Take the last item of a list, and return it; *default* where there is none."""
        return await self._changes.one(Pop(key, default), **options)

    async def shift(self, key: str, default: object = None, **options: Unpack[AsyncChangeOptions]) -> Any:
        """Take the first item of a list, and return it; *default* where there is none."""
        return await self._changes.one(Shift(key, default), **options)

    async def set_field(
        self, key: str, path: str | Sequence[str], value: object, **options: Unpack[AsyncChangeOptions]
    ) -> dict[str, Any]:
        """Set the field at *path* in a map, make the maps that lead there, and return the whole value.

        Args:
            path: ``"address.city"``, or ``["address", "city"]`` where a name has a dot.
        """
        made: dict[str, Any] = await self._changes.one(SetField(key, path, value), **options)
        return made

    async def delete_field(self, key: str, path: str | Sequence[str], **options: Unpack[AsyncChangeOptions]) -> bool:
        """Remove the field at *path*, and return whether it was there."""
        return bool(await self._changes.one(DeleteField(key, path), **options))

    async def add_to_set(self, key: str, *items: object, **options: Unpack[AsyncChangeOptions]) -> int:
        """Put those of *items* into a list that are not in it, and return how many those were."""
        return int(await self._changes.one(AddToSet(key, *items), **options))

    async def remove_from_set(self, key: str, *items: object, **options: Unpack[AsyncChangeOptions]) -> int:
        """Take all of *items* out of a list, and return how many were in it."""
        return int(await self._changes.one(RemoveFromSet(key, *items), **options))

    # Several

    async def transaction(self, ops: Iterable[KeyOp], **options: Unpack[AsyncChangeOptions]) -> list[Any]:
        """Do all of *ops*, in their order and in one commit, or none; return what each tells.

        Each sees what those before it did. A comparison that does not hold ends the transaction.

        Raises:
            KeyTransactionError: One of them failed, ``index`` tells which, and its cause why; nothing was written.
            TaiStateError: As for ``AsyncTransactionManager.run``.
        """
        return await self._changes.all_or_none(list(ops), **options)

    async def batch(
        self,
        ops: Iterable[KeyOp],
        *,
        idempotency_key: str | None = None,
        metadata: ChangeMetadata | None = None,
        lock: AsyncLock | AsyncLockSet | None = None,
        timeout: TimeLimit = None,
    ) -> list[OpResult]:
        """Do each of *ops* for itself, those of one key in their order, and return what became of each.

        Those of several keys go with one commit, as many as fit.

        Args:
            idempotency_key: Makes each of them once: the same list of operations is to be asked for under it again.
            lock: Guards each of them; none shares a commit then.
            timeout: Bounds each commit.
        """
        return await self._changes.each(
            list(ops), idempotency_key=idempotency_key, metadata=metadata, lock=lock, timeout=timeout
        )

    async def clear(self, *, metadata: ChangeMetadata | None = None, timeout: TimeLimit = None) -> int:
        """Remove every key of this group, and return how many this call removed.

        Keys that come meanwhile may stay. Memory is bounded, whatever their number; a call that ends early has removed
        what it has, and another one goes on with the rest. ``timeout`` bounds each page and each commit.
        """
        return await self._changes.clear(metadata, timeout)

    # Lists

    async def keys(
        self,
        *,
        prefix: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        timeout: TimeLimit = None,
    ) -> AsyncIterator[str]:
        """Iterate over the names of the keys, ascending by their stored ids, the same order on every backend.

        Args:
            prefix: Only those that begin with this text; the engine looks for them.
            after: Begin behind this key.
            timeout: Bounds each page.
        """
        async for key, _ in async_key_values(
            self._runtime, self.governor_id, None, prefix=prefix, after=after, limit=limit, timeout=timeout
        ):
            yield key

    async def items(
        self,
        *,
        path: str | Sequence[str] | None = None,
        prefix: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        timeout: TimeLimit = None,
        **filters: object,
    ) -> AsyncIterator[tuple[str, Any]]:
        """Iterate over the keys with their values, in the order of ``keys``.

        The engine finds the group's keys, and those of a *prefix*; values are looked at here, page by page, so what is
        left out is read, too.

        Args:
            path: Hold what is there in the value against the filters, not the value itself.
            filters: ``eq``, ``ne``, ``lt``, ``le``, ``gt``, ``ge``, ``contains`` (an item of a list, a part of a text,
                a name in a map), ``starts_with``, ``ends_with``, ``is_none`` (True or False); all must hold.

        Raises:
            InvalidDataError: There is no such filter.
            DamagedStatesError: Behind the last key: some could not be read.
        """
        takes = filter_of(filters, path)
        async for found in async_key_values(
            self._runtime,
            self.governor_id,
            takes,
            prefix=prefix,
            after=after,
            limit=limit,
            is_filtered=bool(filters),
            timeout=timeout,
        ):
            yield found
