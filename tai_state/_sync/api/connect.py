# Generated from tai_state/_async/api/connect.py by .ci/generate_sync.py; do not edit.
"""Opening a store: by URL, or by the class of its backend. The one place that names concrete backends."""
import inspect
import os
import random
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tai_state._sync.access.access import Access
from tai_state._sync.access.port import Backend
from tai_state._sync.api.store import StateStore
from tai_state.clock import Clock, checked_clock
from tai_state.config import HEAD_CACHE_SIZE, RECEIPT_TTL, Encoding, Maintenance, check_colour, check_option
from tai_state.errors import ConfigurationError
from tai_state.retry import RetryPolicy
from tai_state.urls import StoreUrl, parse_url

if TYPE_CHECKING:
    from google.cloud.firestore import Client, Client


class BackendStore(StateStore):
    """A store over any backend, a stranger's too; the others differ from it by their backend alone."""

    def __init__(
        self,
        backend: Backend,
        *,
        actor: str | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        retry: RetryPolicy | None = None,
        encoding: Encoding | None = None,
        maintenance: Maintenance | None = None,
        receipt_ttl: timedelta = RECEIPT_TTL,
        head_cache_size: int = HEAD_CACHE_SIZE,
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
        """
        check_colour(backend, Backend, self)
        check_option(rng, random.Random, "rng")
        check_option(retry, RetryPolicy, "retry")
        access = Access(
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
        )


def check_options(kind: type[BackendStore], options: Mapping[str, Any], taken: Collection[str] = ()) -> None:
    """Refuse options that a store of *kind* does not take, or that are *taken* by its URL.

    Raises:
        ConfigurationError: There is one; names it, and those that there are.
    """
    own = inspect.signature(kind).parameters
    known = {*own, *inspect.signature(BackendStore).parameters} - {"options", "backend", *taken}
    unknown = next((name for name in options if name not in known), None)
    if unknown is not None:
        said = "the URL says" if unknown in taken else f"{kind.__name__} does not take"
        message = f"{said} option {unknown!r}; the options are {', '.join(sorted(known))}"
        raise ConfigurationError(message)


class MemoryStore(BackendStore):
    """A store in this process's memory: the reference for tests, gone with the process."""

    def __init__(self, *, clock: Clock | None = None, **options: Any) -> None:
        """Start empty; *options* are those of BackendStore."""
        check_options(type(self), options)
        clock = checked_clock(clock)
        from tai_state._sync.backends.memory import MemoryBackend  # noqa: PLC0415 - as for SQLite

        super().__init__(MemoryBackend(clock=clock), clock=clock, **options)


class SqliteStore(BackendStore):
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
        """Use the file at *path*, which is created at the first use; *options* are those of BackendStore.

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
        from tai_state._sync.backends.sqlite import SqliteBackend  # noqa: PLC0415

        backend = SqliteBackend(path, synchronous=synchronous, read_only=read_only, clock=clock)
        super().__init__(backend, clock=clock, **options)


class FirestoreStore(BackendStore):
    """A store in a Firestore database; FIRESTORE_EMULATOR_HOST is honoured as by the official client."""

    def __init__(
        self,
        project: str | None = None,
        database: str = "(default)",
        *,
        client: "Client | Client | None" = None,
        root: str = "",
        **options: Any,
    ) -> None:
        """Use *database* of *project*; *options* are those of BackendStore.

        Args:
            project: None: from the environment, as usual with Google's clients.
            client: A ready google.cloud.firestore.Client or Client, whose project, database and
                credentials are used.
            root: A document path, such as ``apps/billing``, under which everything lives.
        """
        check_options(type(self), options)
        from tai_state._sync.backends.firestore import FirestoreBackend  # noqa: PLC0415 - as for SQLite

        super().__init__(FirestoreBackend(project, database, client=client, root=root), **options)


def connect(url: str | None = None, *, actor: str | None = None, **options: Any) -> StateStore:
    """Return the store at *url*; nothing is opened before its first use.

    Args:
        url: ``memory://``, ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or
            ``firestore://[PROJECT][/DATABASE][?root=PREFIX]``. None: $TAI_STATE_STORE, else ``sqlite:///tai_state.db``;
            but on Cloud Run, whose disk is memory, no URL is an error.
        actor: The author of changes that nobody else signs.
        options: Those of the store's class.

    Raises:
        ConfigurationError: An unknown scheme or option, named.
    """
    parsed = parse_url(url)
    try:
        return _open(parsed, {"actor": actor, **options})
    except (TypeError, ConfigurationError) as error:
        message = f"store {parsed.text!r}: {error}"
        raise ConfigurationError(message) from error


def _open(url: StoreUrl, options: dict[str, Any]) -> StateStore:
    if url.scheme == "memory":
        return MemoryStore(**options)
    if url.scheme == "sqlite":
        check_options(SqliteStore, options, taken=["path"])
        return SqliteStore(url.path, **options)
    check_options(FirestoreStore, options, taken=["project", "database"])
    options = {"root": url.root, **options} if url.root else options
    return FirestoreStore(url.project, url.database, **options)
