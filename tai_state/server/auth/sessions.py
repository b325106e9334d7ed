"""Sessions of people at the console: a cookie, and what stands against somebody else's page using it."""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from tai_state import Clock, SystemClock
from tai_state.server.auth.principals import Principal

COOKIE = "tai_state_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
"""How a form names the token that the header names otherwise."""

CODE_SECONDS = 600.0
SESSION_SECONDS = 8 * 3600.0
SESSIONS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who logged in.

    Attributes:
        key: The value of his cookie.
        csrf: What each change must bring beside it.
        ends: When it is over, by the monotonic clock.
    """

    key: str = field(repr=False)
    csrf: str = field(repr=False)
    principal: Principal
    ends: float

    def cookie(self, *, is_secure: bool, path: str = "/") -> str:
        """Return the ``Set-Cookie`` header that begins it: no script reads it, no other site's page sends it."""
        secure = "; Secure" if is_secure else ""
        return f"{COOKIE}={self.key}; Path={path}; Max-Age={SESSION_SECONDS:.0f}; HttpOnly; SameSite=Strict{secure}"

    def is_meant(self, csrf: str | None) -> bool:
        """Whether what was brought beside the cookie is this session's CSRF token."""
        return csrf is not None and hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "surrogateescape"))


class Sessions:
    """Sessions and codes of this process: in memory, so that a restart ends all of them."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Begin with none."""
        self._clock = clock or SystemClock()
        self._codes: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def new_code(self, principal: Principal) -> str:
        """Return a code with which *principal* can log in, once, within ten minutes."""
        code = secrets.token_urlsafe(32)
        self._codes[_digest(code)] = principal, self._clock.monotonic() + CODE_SECONDS
        while len(self._codes) > SESSIONS_MAX:
            self._codes.popitem(last=False)
        return code

    def redeem(self, code: str) -> Session | None:
        """Return a session for a code, which is none from now on; None: it is none, or was used."""
        found = self._codes.pop(_digest(code), None)
        if found is None or found[1] <= self._clock.monotonic():
            return None
        return self.begin(found[0])

    def begin(self, principal: Principal) -> Session:
        """Return a session of *principal*; where there are too many, the oldest one ends."""
        ends = self._clock.monotonic() + SESSION_SECONDS
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), principal, ends)
        self._sessions[_digest(session.key)] = session
        while len(self._sessions) > SESSIONS_MAX:
            self._sessions.popitem(last=False)
        return session

    def find(self, key: str) -> Session | None:
        """Return the session whose cookie has this value; None: there is none, or it is over."""
        digest = _digest(key)
        session = self._sessions.get(digest)
        if session is None:
            return None
        if session.ends <= self._clock.monotonic():
            del self._sessions[digest]
            return None
        return session

    def end(self, session: Session) -> None:
        """Let a session be over."""
        self._sessions.pop(_digest(session.key), None)


def _digest(secret: str) -> bytes:
    # Looked up by a hash: how long a lookup takes tells nothing of the secret.
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
