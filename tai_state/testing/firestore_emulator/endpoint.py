"""Talking to an emulator that runs, whoever started it."""

import contextlib
import http.client
import uuid
from urllib.parse import quote

from tai_state.errors import StoreUnavailableError

HOST_VARIABLE = "FIRESTORE_EMULATOR_HOST"

_HTTP_TIMEOUT_SECONDS = 5.0
_PROBE_TIMEOUT_SECONDS = 1.0
_BODY_BYTES_MAX = 4096


def new_project_id() -> str:
    """Return a valid project id of which there is no other, so that tests share neither data nor locks."""
    return f"tai-{uuid.uuid4().hex[:20]}"


class EmulatorEndpoint:
    """An emulator that answers somewhere, whoever started it."""

    def __init__(self, host: str) -> None:
        """Speak to the emulator at *host*, ``"127.0.0.1:8080"``."""
        self._host = host

    @property
    def host(self) -> str:
        """Where it listens, in the form of ``FIRESTORE_EMULATOR_HOST``."""
        return self._host

    def answers(self) -> bool:
        """Say whether an HTTP server answers there now."""
        try:
            return _request(self.host, "GET", "/", _PROBE_TIMEOUT_SECONDS)[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def clear(self, project: str, database: str = "(default)") -> None:
        """Delete every document of *project*'s *database*.

        Raises:
            StoreUnavailableError: The emulator did not answer, or it refused, as it does while a transaction
                that nobody ended holds locks, for up to a minute: give each test a project of its own.
        """
        name = f"projects/{quote(project, safe='')}/databases/{quote(database, safe='()')}"
        try:
            code, body = _request(self.host, "DELETE", f"/emulator/v1/{name}/documents")
        except (OSError, http.client.HTTPException) as exc:
            raise StoreUnavailableError(f"the Firestore emulator at {self.host} does not answer: {exc!r}") from exc
        if code != http.HTTPStatus.OK:
            raise StoreUnavailableError(f"the Firestore emulator did not clear {project}: HTTP {code} {body}")


def ask_to_shut_down(host: str) -> None:
    """Ask the emulator at *host* to end itself; one that does not answer is left to the caller."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        _request(host, "POST", "/shutdown")


def _request(host: str, method: str, path: str, timeout_seconds: float = _HTTP_TIMEOUT_SECONDS) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, timeout=timeout_seconds)
    try:
        # The bearer "owner" stands above the security rules; the emulator knows no other administrator.
        connection.request(method, path, headers={"Authorization": "Bearer owner"})
        response = connection.getresponse()
        return response.status, response.read(_BODY_BYTES_MAX).decode(errors="replace")
    finally:
        connection.close()
