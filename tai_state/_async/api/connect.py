"""Opening a store: by URL, or by the class of its backend. The one place that names concrete backends."""

import inspect
import logging
import os
import random
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tai_state._async.access.access import AsyncAccess
from tai_state._async.access.port import AsyncBackend
from tai_state._async.api.store import AsyncStateStore
from tai_state._platform.tasks import AsyncWorker
from tai_state.authors import author_of
from tai_state.clock import Clock, SystemClock, TimeLimit, checked_clock
from tai_state.config import HEAD_CACHE_SIZE, RECEIPT_TTL, Encoding, Maintenance, check_colour, check_kind, check_option
from tai_state.errors import ConfigurationError, DamagedStoreError, StoreMissingError
from tai_state.retry import RetryPolicy
from tai_state.urls import StoreUrl, parse_url

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncClient, Client

    from tai_state.settings.model import Settings

log = logging.getLogger("tai_state")

Copying = Callable[[int, int], None]
"""Told how many pages are copied, and how many there are."""


def no_copying(_: int, __: int) -> None:
    """Tell nobody."""


class AsyncBackendStore(AsyncStateStore):
    """A store over any backend, a stranger's too; the others differ from it by their backend alone."""

    def __init__(
        self,
        backend: AsyncBackend,
        *,
        actor: str | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        retry: RetryPolicy | None = None,
        encoding: Encoding | None = None,
        maintenance: Maintenance | None = None,
        receipt_ttl: timedelta = RECEIPT_TTL,
        head_cache_size: int = HEAD_CACHE_SIZE,
        feed: bool | None = None,
        feed_shards: int = 1,
        node: str | None = None,
        settings: "Settings | None" = None,
    ) -> None:
        """Put a store over *backend*.

        Args:
            actor: The author of changes that nobody else signs; None: the Cloud Run service or the user.
            clock: The source of timestamps and of deadlines.
            rng: The source of ids and of jitter; seeded, it makes a run repeatable.
            retry: How often and how long conflicts and transient failures are tried again.
            encoding: From which sizes on payloads are stored as JSON text, and compressed.
            maintenance: How often states are snapshotted; a persister's configuration goes first.
            receipt_ttl: How long an idempotency key is remembered.
            head_cache_size: The most states whose heads are kept in memory.
            feed: True switches the store's feed on, for good and for all processes, with its first use: on Firestore
                each write of a state carries the store's own time from then on. SQLite and memory always feed.
            feed_shards: Among how many keys of an index its states are spread when it is switched on: one for each 500
                changes of states a second, about.
            node: This writer's name in the ``causality`` of what it changes: it counts as ``STORE_ID/NODE``; None: as
                the store. Of each name that is given, every state's clock has a counter more for good: name what lasts,
                such as a device or a region, and neither a host nor a process.
            settings: What persisters, locks, transactions and subscriptions over it take that are told nothing else.
        """
        check_colour(backend, AsyncBackend, self)
        check_option(rng, random.Random, "rng")
        check_option(retry, RetryPolicy, "retry")
        access = AsyncAccess(
            backend,
            checked_clock(clock),
            rng if rng is not None else random.SystemRandom(),
            retry if retry is not None else RetryPolicy(),
        )
        super().__init__(
            access,
            actor=actor,
            encoding=encoding,
            maintenance=maintenance,
            receipt_ttl=receipt_ttl,
            head_cache_size=head_cache_size,
            feed=feed,
            feed_shards=feed_shards,
            node=node,
            settings=settings,
        )


def check_options(kind: type[AsyncBackendStore], options: Mapping[str, Any], taken: Collection[str] = ()) -> None:
    """Refuse options that a store of *kind* does not take, or that are *taken* by its URL.

    Raises:
        ConfigurationError: There is one; names it, and those that there are.
    """
    own = inspect.signature(kind).parameters
    known = {*own, *inspect.signature(AsyncBackendStore).parameters} - {"options", "backend", *taken}
    unknown = next((name for name in options if name not in known), None)
    if unknown is not None:
        said = "the URL says" if unknown in taken else f"{kind.__name__} does not take"
        message = f"{said} option {unknown!r}; the options are {', '.join(sorted(known))}"
        raise ConfigurationError(message)


class AsyncMemoryStore(AsyncBackendStore):
    """A store in this process's memory: the reference for tests, gone with the process."""

    def __init__(self, *, clock: Clock | None = None, **options: Any) -> None:
        """Start empty; *options* are those of AsyncBackendStore."""
        check_options(type(self), options)
        clock = checked_clock(clock)
        from tai_state._async.backends.memory import AsyncMemoryBackend  # noqa: PLC0415 - as for SQLite

        super().__init__(AsyncMemoryBackend(clock=clock), clock=clock, **options)


class AsyncSqliteStore(AsyncBackendStore):
    """A store in one SQLite file, shared by any number of processes of one host."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: str = "FULL",
        read_only: bool = False,
        clock: Clock | None = None,
        **options: Any,
    ) -> None:
        """Use the file at *path*, which is created at the first use; *options* are those of AsyncBackendStore.

        Args:
            synchronous: "FULL": what was acknowledged survives a power cut; each commit is flushed to the disk.
                "NORMAL": it survives the death of the process, but a power cut, or a crash of the whole machine, may
                take all that was acknowledged since the last checkpoint (about 1,000 pages of changes). What is left
                is whole: changes are lost from the end, never half, and never one in the middle.
            read_only: Make and change nothing: without a store at *path* the first use is a StoreMissingError, and
                every change an UnsupportedOperationError. A file system that is mounted read-only will do.
        """
        check_options(type(self), options)
        clock = checked_clock(clock)
        # Imported here, as the others: a store waits for its own engine alone.
        from tai_state._async.backends.sqlite import AsyncSqliteBackend  # noqa: PLC0415

        backend = AsyncSqliteBackend(path, synchronous=synchronous, read_only=read_only, clock=clock)
        self._path = str(Path(path).absolute())
        self._file = backend
        super().__init__(backend, clock=clock, **options)

    async def backup(
        self, file: str | os.PathLike[str], *, overwrite: bool = False, progress: Copying = no_copying
    ) -> int:
        """Copy the store, as it is at this moment, to *file*, by SQLite's online backup; return its size in bytes.

        Whoever writes goes on, in this process or another one. The copy is checked, and appears in its place once it is
        whole; it is a store like any other, and ``restore`` puts it back. (A plain copy of a file that is open lacks
        what is in the log beside it.)

        Args:
            overwrite: Take the place of a file that is there.
            progress: Called with the pages copied and all there are, on the thread that copies.

        Raises:
            FileExistsError: The file is there, and not to be overwritten.
            ConfigurationError: It is the store's own.
            DamagedStoreError: The store is damaged.
            StoreError: The copy cannot be written.
        """
        from tai_state._platform.line_files import NewFile  # noqa: PLC0415 - few stores are copied
        from tai_state.backends.sqlite import copies  # noqa: PLC0415

        token = self.runtime.access.new_id()
        worker = AsyncWorker("tai-sqlite-backup")
        with (
            self.runtime.inflight.one("backup"),
            NewFile(os.fspath(file), token, overwrite=overwrite, beside=copies.BESIDE, spared=self._file.files) as new,
        ):
            try:
                size = await worker.run(partial(copies.copy, self._path, str(new.part), progress))
                await worker.run(new.keep)
            finally:
                await worker.close()
        return size

    @classmethod
    async def restore(
        cls,
        file: str | os.PathLike[str],
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        set_clock: bool = False,
        actor: str | None = None,
        progress: Copying = no_copying,
    ) -> int:
        """Make a store at *path* of the backup in *file*; return its size in bytes.

        It is a store of its own from then on, with another id: its history parts from that of the store that was
        backed up. The counters of its locks are raised by 2^20, above those of the store that it takes the place of,
        too, so that no token that was given out before is valid any more. A record in ``audit`` says who, when, and
        why. It takes its place once it is whole; a store that was open there gets a StoreReplacedError.

        Args:
            overwrite: Take the place of a store that is there and that nobody has open.
            set_clock: Bring the times of changes that are later than this host's clock back to now, in their order:
                what a host whose clock was ahead has left there. What is due some time after a change is due that long
                after now, and subscriptions look again at what they may not have seen. What events, and segments of
                them, say of times by themselves is history, and stays.
            actor: Who restores; None: as with every change. The reason is that of ``change_context``.
            progress: Called with the pages copied and all there are, on the thread that copies.

        Raises:
            FileExistsError: A store is there, and not to be overwritten.
            StoreInUseError: Somebody has it open, or died with it; nothing was changed.
            ConfigurationError: *file* is no backup of a store, or somebody else's file is at *path*.
            DamagedStoreError: The backup is damaged.
        """
        from tai_state._async.recovery.renewal import async_renew  # noqa: PLC0415 - few stores are restored
        from tai_state._async.recovery.set_back import async_set_back  # noqa: PLC0415
        from tai_state._platform.line_files import NewFile  # noqa: PLC0415
        from tai_state.backends.sqlite import copies  # noqa: PLC0415
        from tai_state.backends.sqlite.set_back import bring_back  # noqa: PLC0415

        source, target = copies.places(file, path)
        worker = AsyncWorker("tai-sqlite-restore")
        with NewFile(target, secrets.token_hex(8), overwrite=overwrite, beside=copies.BESIDE) as new:
            try:
                size = await worker.run(partial(copies.copy, source, str(new.part), progress, target))
                floor = await worker.run(partial(bring_back, str(new.part), SystemClock())) if set_clock else None
                async with cls(new.part, actor=actor) as copy:
                    await async_renew(copy.runtime.access, source, author_of(None, copy.actor))
                    if floor is not None:
                        await async_set_back(copy.runtime, floor)
                    if copies.is_there(target):
                        await cls._raise_above(copy.runtime.access, target)
                await worker.run(partial(copies.exchange, target, new.keep))
            finally:
                await worker.close()
        return size

    @classmethod
    async def _raise_above(cls, access: AsyncAccess, path: str) -> None:
        """Raise the counters of a copy above those of the store at *path*, where it can be read."""
        from tai_state._async.recovery.renewal import async_raise_tokens  # noqa: PLC0415 - as above

        try:
            async with cls(path, read_only=True) as before:
                await async_raise_tokens(access, before.runtime.access)
        except (StoreMissingError, DamagedStoreError) as error:
            log.warning("the tokens that were given out in the store that is replaced are not known: %s", error)

    async def copied_at(self, *, timeout: TimeLimit = None) -> datetime | None:
        """Return when the store's file was found to be a plain copy of another one; None: it is none.

        Such a copy of a file that was open lacks what was in the log beside it, and looks sound all the same. What
        ``backup`` and ``restore`` make is none.
        """
        with self.runtime.inflight.one("copied_at"):
            seconds = self.runtime.access.attempt_seconds(self.runtime.access.begin(timeout))
            return await self._file.copied_at(timeout=seconds)


class AsyncFirestoreStore(AsyncBackendStore):
    """A store in a Firestore database; FIRESTORE_EMULATOR_HOST is honoured as by the official client."""

    def __init__(
        self,
        project: str | None = None,
        database: str = "(default)",
        *,
        client: "AsyncClient | Client | None" = None,
        root: str = "",
        **options: Any,
    ) -> None:
        """Use *database* of *project*; *options* are those of AsyncBackendStore.

        Args:
            project: None: from the environment, as usual with Google's clients.
            client: A ready google.cloud.firestore.Client or AsyncClient, whose project, database and
                credentials are used.
            root: A document path, such as ``apps/billing``, under which everything lives.
        """
        check_options(type(self), options)
        from tai_state._async.backends.firestore import AsyncFirestoreBackend  # noqa: PLC0415 - as for SQLite

        super().__init__(AsyncFirestoreBackend(project, database, client=client, root=root), **options)


class AsyncRedisStore(AsyncBackendStore):
    """A store in a Redis server, or one that speaks its protocol, shared by any number of hosts."""

    def __init__(self, url: str = "redis://", **options: Any) -> None:
        """Use the server at *url*; *options* are those of AsyncBackendStore. It needs the extra ``[redis]``.

        Args:
            url: ``redis://[USER:PASSWORD@]HOST[:PORT][/DB][?root=NAME]``, ``rediss://`` for TLS, or
                ``unix:///PATH/TO/SOCKET``. All keys begin with ``{NAME}:``, which is ``tai_state`` unless it is said.
        """
        check_options(type(self), options)
        from tai_state._async.backends.redis import AsyncRedisBackend  # noqa: PLC0415 - as for SQLite

        super().__init__(AsyncRedisBackend(url), **options)


def async_connect(
    url: str | None = None, *, actor: str | None = None, settings: "Settings | None" = None, **options: Any
) -> AsyncStateStore:
    """Return the store at *url*; nothing is opened before its first use.

    Args:
        url: ``memory://``, ``sqlite:///relative.db``, ``sqlite:////absolute.db``,
            ``firestore://[PROJECT][/DATABASE][?root=PREFIX]`` or
            ``redis://[USER:PASSWORD@]HOST[:PORT][/DB][?root=NAME]``. None: $TAI_STATE_STORE, else ``sqlite:///tai_state.db``;
            but on Cloud Run, whose disk is memory, no URL is an error.
        actor: The author of changes that nobody else signs.
        settings: What ``tai_state.config.load`` returned: the URL, and the options, that are not said here; and what
            persisters, locks, transactions and subscriptions over the store take that are told nothing else.
        options: Those of the store's class.

    Raises:
        ConfigurationError: An unknown scheme or option, named.
    """
    check_settings(settings)
    parsed = parse_url(settings.store if url is None and settings is not None else url)
    said = settings.store_options(parsed.scheme) if settings is not None else {}
    said["actor"] = actor if actor is not None else said.get("actor")
    try:
        return _open(parsed, {**said, **options})
    except (TypeError, ConfigurationError) as error:
        message = f"store {parsed.text!r}: {error}"
        raise ConfigurationError(message) from error


def check_settings(settings: object) -> None:
    """Refuse what are no settings; none of them is imported for those who have none.

    Raises:
        ConfigurationError: They are something else.
    """
    if settings is not None:
        from tai_state.settings.model import Settings  # noqa: PLC0415 - few programs have a file of settings

        check_kind(settings, Settings, "settings")


def _open(url: StoreUrl, options: dict[str, Any]) -> AsyncStateStore:
    if url.scheme == "memory":
        return AsyncMemoryStore(**options)
    if url.scheme == "sqlite":
        check_options(AsyncSqliteStore, options, taken=["path"])
        return AsyncSqliteStore(url.path, **options)
    if url.scheme == "redis":
        check_options(AsyncRedisStore, options, taken=["url"])
        return AsyncRedisStore(str(url.address), **options)
    check_options(AsyncFirestoreStore, options, taken=["project", "database"])
    options = {"root": url.root, **options} if url.root else options
    return AsyncFirestoreStore(url.project, url.database, **options)
