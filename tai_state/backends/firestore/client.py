"""How credentials, project, database and emulator are found: as the official client finds them.

``_connection`` is the one place that reads private attributes of the official client;
it offers no public way to what its own collaborators take from it.
"""

import os
import re
import threading
from dataclasses import dataclass
from typing import Any

from tai_state._platform.forks import anew_in_children
from tai_state.errors import ConfigurationError, StoreError, StoreUnavailableError

DEFAULT_DATABASE = "(default)"
_EMULATOR_HOST = "FIRESTORE_EMULATOR_HOST"
# Wider than the rules for new names: old projects, and what the emulator takes.
_PROJECT = re.compile(r"(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+:)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DATABASE = re.compile(r"\(default\)|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")
_PORT_MAX = 65_535
_NO_PROJECT = "no Google Cloud project was given: name it (firestore://PROJECT) or set GOOGLE_CLOUD_PROJECT"


@dataclass(frozen=True, slots=True)
class Connection:
    """What is needed to open a channel to one database.

    ``database`` is its resource name, ``projects/p/databases/d``.
    """

    database: str
    target: str
    credentials: Any
    is_emulator: bool


class Source:
    """Where a store's Firestore is: looked for on first use, once, by whichever thread comes first."""

    def __init__(self, project: str | None, database: str, client: Any) -> None:
        """Keep what was given.

        Raises:
            ConfigurationError: *client* is for another project or database than those given, or one of them has a
                name that none can have.
        """
        self._project = project or None
        self._database = database or DEFAULT_DATABASE
        if client is None:
            _check_names(self._project, self._database)
        self._client = client
        self._found: Connection | None = None
        self.begin_anew()
        anew_in_children(self)
        if client is not None:
            self._found = _connection(client)
            self._refuse_another(self._found.database)

    def begin_anew(self) -> None:
        """Be free: no thread of a fork's child is inside the lock, whoever was at that moment."""
        self._lock = threading.Lock()

    @property
    def is_emulator(self) -> bool:
        """Whether it is an emulator, as far as the environment or a given client tells."""
        if self._found is not None:
            return self._found.is_emulator
        return os.environ.get(_EMULATOR_HOST) is not None

    def connection(self) -> Connection:
        """Return the connection; the first call may read files and ask the metadata server for credentials.

        Raises:
            ConfigurationError: There is no project or there are no credentials, or a variable of the environment is
                no such thing; says what to set.
        """
        with self._lock:
            if self._found is None:
                self._found = _connection(_make_client(self._project, self._database))
            return self._found

    def refresh_credentials(self) -> None:
        """Get a new access token; blocks while it asks for one.

        Raises:
            StoreError: The credentials cannot be refreshed.
        """
        connection = self.connection()
        if connection.is_emulator:
            return
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - nothing of google before first use
        from google.auth.transport.requests import Request  # noqa: PLC0415

        try:
            connection.credentials.refresh(Request())
        except GoogleAuthError as error:
            message = f"the credentials were refused, and could not be refreshed: {error}"
            raise (StoreUnavailableError if error.retryable else StoreError)(message) from error

    def _refuse_another(self, name: str) -> None:
        _, project, _, database = name.split("/")
        given = self._project or project, self._database
        if given[0] != project or given[1] not in {DEFAULT_DATABASE, database}:
            message = f"the client is for {name}, not for projects/{given[0]}/databases/{given[1]}"
            raise ConfigurationError(message)


def _make_client(project: str | None, database: str) -> Any:
    from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415 - nothing of google before first use
    from google.cloud.firestore import Client  # noqa: PLC0415

    _check_emulator_host(os.environ.get(_EMULATOR_HOST))
    try:
        client = Client(project=project, database=database)
    except DefaultCredentialsError as error:
        message = (
            "no Google Cloud credentials were found: run `gcloud auth application-default login`, set "
            f"GOOGLE_APPLICATION_CREDENTIALS to a key file, or set {_EMULATOR_HOST} for the emulator"
        )
        raise ConfigurationError(message if project else f"{_NO_PROJECT}; {message}") from error
    except OSError as error:
        raise ConfigurationError(_NO_PROJECT) from error
    # The environment may have named it.
    _check_names(client.project, database)
    return client


def _check_names(project: object, database: object) -> None:
    """Refuse at once what Google's servers and the emulator answer only with obscure errors, tried again for long.

    Raises:
        ConfigurationError: A name that no project or no database can have.
    """
    if project is not None and not (isinstance(project, str) and _PROJECT.fullmatch(project)):
        message = f"{project!r} is no id of a Google Cloud project: lower-case letters, digits and hyphens"
        raise ConfigurationError(message)
    if not (isinstance(database, str) and _DATABASE.fullmatch(database)):
        message = f"{database!r} is no id of a Firestore database: lower-case letters, digits and hyphens, or (default)"
        raise ConfigurationError(message)


def _check_emulator_host(value: str | None) -> None:
    """Refuse an emulator's host that gRPC would look for in vain.

    Raises:
        ConfigurationError: It is no HOST:PORT.
    """
    if value is None:
        return
    found = _HOST_PORT.fullmatch(value)
    if found is None or not 0 < int(found[1]) <= _PORT_MAX:
        message = f"{_EMULATOR_HOST} is {value!r}; it takes HOST:PORT, such as 127.0.0.1:8080, and no http://"
        raise ConfigurationError(message)


def _connection(client: Any) -> Connection:
    """Read what a ``google.cloud.firestore`` Client or AsyncClient knows.

    Raises:
        ConfigurationError: It is neither.
    """
    try:
        return Connection(
            database=client._database_string,  # noqa: SLF001
            target=client._target,  # noqa: SLF001
            credentials=client._credentials,  # noqa: SLF001
            is_emulator=client._emulator_host is not None,  # noqa: SLF001
        )
    except AttributeError as error:
        message = f"client must be a google.cloud.firestore Client or AsyncClient, not {type(client).__name__}"
        raise ConfigurationError(message) from error
