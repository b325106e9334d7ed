"""A thin client of ``tai-state serve``: requests that are made again until they are answered, each change once."""

import random
import time
from typing import Any
from urllib.parse import quote

import httpx

AGAIN = frozenset({408, 425, 429, 502, 503, 504})
"""What may pass: the same request under the same key is answered with the outcome of the first."""


class Refused(Exception):  # noqa: N818 - a problem, as the server tells it
    """The server's answer to a request that it does not follow; ``code`` is stable."""

    def __init__(self, answer: httpx.Response) -> None:
        """Read the problem."""
        self.problem: dict[str, Any] = answer.json()
        self.status, self.code = answer.status_code, self.problem["code"]
        super().__init__(f"{self.status} {self.code}: {self.problem.get('detail', self.problem['title'])}")


def path_of(*parts: str) -> str:
    """Return a path, its ids encoded: a slash in one is part of it."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


class Client:
    """Calls one server over connections that are kept."""

    def __init__(self, address: str, token: str, *, patience_seconds: float = 60.0) -> None:
        """Call the server at *address*; a request is given up after *patience_seconds*."""
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=address, headers=headers, timeout=10.0)
        self._patience = patience_seconds

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        """Make a request, again and again until it is answered, and return what the answer says.

        Args:
            key: Makes a change once, however often it is sent. Without one, only reads are sent again.

        Raises:
            Refused: The server answered with a problem that trying again does not mend.
            httpx.HTTPError: The server was not there for as long as one has patience.
        """
        ends = time.monotonic() + self._patience
        if key is not None:
            headers["Idempotency-Key"] = f'"{key}"'
        may_repeat = key is not None or method == "GET"
        for attempt in range(1_000_000):
            wait = random.uniform(0, min(1.0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311 - it keeps no secret
            try:
                answer = self._http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                if not may_repeat or time.monotonic() > ends:
                    raise
            else:
                if answer.is_success:
                    return answer.json() if answer.content else None
                if answer.status_code not in AGAIN or not may_repeat or time.monotonic() > ends:
                    raise Refused(answer)
                wait = max(wait, float(answer.headers.get("Retry-After", 0)))
            time.sleep(wait)
        raise AssertionError
