"""Pytest plugin: stores for tests, and one Firestore emulator per test run with a project per test.

Load it with ``pytest_plugins = ["tai_state.testing.fixtures"]`` in the top conftest. ``tai_state_memory``,
``tai_state_sqlite`` and ``tai_state_emulator`` each give an empty store; with pytest-asyncio, so do their async
twins ``async_tai_state_memory`` and so on. The emulator starts when the first test asks for it and ends with the
run. Where it cannot run, the tests that need it fail; they never skip.
"""

import contextlib
import json
import logging
import secrets
import threading
from collections.abc import AsyncIterator, Iterator
from multiprocessing.connection import Client, Listener  # noqa: TID251 - bytes alone, nothing is pickled
from pathlib import Path
from typing import Any

import pytest

from tai_state import (
    AsyncFirestoreStore,
    AsyncMemoryStore,
    AsyncSqliteStore,
    AsyncStateStore,
    FirestoreStore,
    MemoryStore,
    SqliteStore,
    StateStore,
)
from tai_state.errors import ConfigurationError, StoreUnavailableError
from tai_state.testing.firestore_emulator import (
    HOST_VARIABLE,
    START_TIMEOUT_SECONDS,
    EmulatorEndpoint,
    new_project_id,
    obtain_emulator,
)

__all__ = [
    "tai_state_emulator",
    "tai_state_emulator_server",
    "tai_state_memory",
    "tai_state_project",
    "tai_state_sqlite",
]

logger = logging.getLogger(__name__)

_WORKER_INPUT_KEY = "tai_state_emulator_broker"
_BROKER_WAIT_SECONDS = 2 * START_TIMEOUT_SECONDS


class _Broker:
    """Lives in pytest-xdist's controller and starts the one emulator when the first worker asks for it.

    The controller outlives every worker, so it is the one process whose end should be the emulator's. Workers
    that come and go, or crash, neither start a second one nor take the first one away from the others.
    """

    def __init__(self) -> None:
        self._authkey = secrets.token_bytes(32)
        self._listener = Listener(("127.0.0.1", 0), backlog=64, authkey=self._authkey)
        self._resources = contextlib.ExitStack()
        self._reply: tuple[str, str] | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="tai-state-emulator-broker", daemon=True)
        self._thread.start()

    @property
    def ticket(self) -> dict[str, str | int]:
        """What a worker needs in order to ask, in types that xdist can send."""
        address = self._listener.address
        assert isinstance(address, tuple)
        return {"host": str(address[0]), "port": int(address[1]), "authkey": self._authkey.hex()}

    def close(self) -> None:
        """Stop the emulator if one was started."""
        self._closing.set()
        # Closing a listener does not wake a thread that waits in accept(): one more caller does.
        with contextlib.suppress(OSError, EOFError):
            _ask(self.ticket)
        self._thread.join(_BROKER_WAIT_SECONDS)
        self._listener.close()
        self._resources.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                with self._listener.accept() as connection:
                    if self._closing.is_set():
                        return
                    connection.send_bytes(json.dumps(self._answer()).encode())
            except Exception:  # a caller that went away or does not know the key must not end the service
                logger.debug("a request for the emulator was dropped", exc_info=True)

    def _answer(self) -> tuple[str, str]:
        # A failure is kept as well, or each worker's first test would wait for the same time-out again.
        if self._reply is None:
            try:
                self._reply = ("host", self._resources.enter_context(obtain_emulator()).host)
            except (ConfigurationError, StoreUnavailableError) as exc:
                self._reply = ("error", str(exc))
        return self._reply


def _ask(ticket: dict[str, Any]) -> tuple[str, str]:
    with Client((ticket["host"], ticket["port"]), authkey=bytes.fromhex(ticket["authkey"])) as connection:
        if not connection.poll(_BROKER_WAIT_SECONDS):
            return (
                "error",
                f"the test run's controller did not start the emulator in {_BROKER_WAIT_SECONDS:g} s",
            )
        kind, value = json.loads(connection.recv_bytes())
        return str(kind), str(value)


_broker_key: pytest.StashKey[_Broker] = pytest.StashKey()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell pytest-xdist's worker *node* whom to ask for the emulator."""
    broker = node.config.stash.get(_broker_key, None)
    if broker is None:
        broker = node.config.stash[_broker_key] = _Broker()
    node.workerinput[_WORKER_INPUT_KEY] = broker.ticket


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the emulator that the workers shared."""
    broker = config.stash.get(_broker_key, None)
    if broker is not None:
        del config.stash[_broker_key]
        broker.close()


@pytest.fixture(scope="session")
def tai_state_emulator_server(request: pytest.FixtureRequest) -> Iterator[EmulatorEndpoint]:
    """Return the run's one Firestore emulator, shared by all workers of pytest-xdist.

    The one that ``FIRESTORE_EMULATOR_HOST`` names is used if it answers. The variable itself is left alone.
    """
    ticket = getattr(request.config, "workerinput", {}).get(_WORKER_INPUT_KEY)
    if ticket is not None:
        kind, value = _ask(ticket)
        if kind == "error":
            pytest.fail(value, pytrace=False)
        yield EmulatorEndpoint(value)
        return
    with contextlib.ExitStack() as resources:
        try:
            server = resources.enter_context(obtain_emulator())
        except (ConfigurationError, StoreUnavailableError) as exc:
            pytest.fail(str(exc), pytrace=False)
        yield server


@pytest.fixture
def tai_state_project(tai_state_emulator_server: EmulatorEndpoint, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a fresh project id, with ``FIRESTORE_EMULATOR_HOST`` naming the emulator during the test."""
    monkeypatch.setenv(HOST_VARIABLE, tai_state_emulator_server.host)
    return new_project_id()


@pytest.fixture
def tai_state_memory() -> Iterator[StateStore]:
    """Return an empty store in memory."""
    with MemoryStore() as store:
        yield store


@pytest.fixture
def tai_state_sqlite(tmp_path: Path) -> Iterator[StateStore]:
    """Return an empty store in a SQLite file of the test's own folder."""
    with SqliteStore(tmp_path / "tai_state.db") as store:
        yield store


@pytest.fixture
def tai_state_emulator(tai_state_project: str) -> Iterator[StateStore]:
    """Return an empty store on the Firestore emulator, in a project of the test's own."""
    with FirestoreStore(tai_state_project) as store:
        yield store


try:
    import pytest_asyncio
except ImportError:  # without it there are no async tests to give a store to
    pass
else:
    __all__ += ["async_tai_state_emulator", "async_tai_state_memory", "async_tai_state_sqlite"]

    @pytest_asyncio.fixture
    async def async_tai_state_memory() -> AsyncIterator[AsyncStateStore]:
        """Return an empty store in memory."""
        async with AsyncMemoryStore() as store:
            yield store

    @pytest_asyncio.fixture
    async def async_tai_state_sqlite(tmp_path: Path) -> AsyncIterator[AsyncStateStore]:
        """Return an empty store in a SQLite file of the test's own folder."""
        async with AsyncSqliteStore(tmp_path / "tai_state.db") as store:
            yield store

    @pytest_asyncio.fixture
    async def async_tai_state_emulator(tai_state_project: str) -> AsyncIterator[AsyncStateStore]:
        """Return an empty store on the Firestore emulator, in a project of the test's own."""
        async with AsyncFirestoreStore(tai_state_project) as store:
            yield store
