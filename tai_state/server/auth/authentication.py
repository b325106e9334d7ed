"""Who a request comes from: by its token, its identity, its session, or as an application of one's own says."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from starlette.requests import cookie_parser

from tai_state import ConfigurationError
from tai_state.server.auth.identities import Identities
from tai_state.server.auth.principals import Principal
from tai_state.server.auth.sessions import COOKIE, Session, Sessions
from tai_state.server.auth.tokens import Token, Tokens, hash_token, new_token

Check = Callable[[MutableMapping[str, Any]], Principal | Awaitable[Principal | None] | None]
"""Returns who the request of an ASGI scope comes from; None: nobody who is known."""


class Auth:
    """What a server takes as proof of who asks.

    Attributes:
        sessions: Those of people who logged in.
        token: The token of this run, where nothing else was given: whoever started the server has it.
    """

    def __init__(
        self, tokens: Iterable[Token] = (), *, identities: Identities | None = None, check: Check | None = None
    ) -> None:
        """Take these; where nothing is given, a token that is made for this run.

        Args:
            identities: Identity tokens that an issuer signed.
            check: For an application that knows by itself who asks, and has this one mounted in it.

        Raises:
            ConfigurationError: The tokens cannot be.
        """
        given = list(tokens)
        self.token: str | None = None
        self.is_configured = bool(given) or identities is not None or check is not None
        if not self.is_configured:
            self.token = new_token()
            given = [Token("operator", hash_token(self.token))]
        self.tokens = Tokens(given)
        self.sessions = Sessions()
        self._identities = identities
        self._check = check

    def new_login_code(self) -> str:
        """Return a code with which whoever started the server can log in, once.

        Raises:
            ConfigurationError: There is no token of this run.
        """
        principal = None if self.token is None else self.tokens.principal_of(self.token)
        if principal is None:
            message = "there is no token of this run; log in with one of your own"
            raise ConfigurationError(message)
        return self.sessions.new_code(principal)

    async def of_token(self, token: str) -> Principal | None:
        """Return who has *token*; None: nobody.

        Raises:
            StoreUnavailableError: An issuer has to be asked, and does not answer.
        """
        found = self.tokens.principal_of(token)
        # A token that somebody chose himself may look like an identity.
        if found is None and self._identities is not None and self._identities.is_like(token):
            found = await self._identities.principal_of(token)
        return found

    async def of_scope(self, scope: MutableMapping[str, Any]) -> Principal | None:
        """Return whom the application around this one knows; None: nobody."""
        if self._check is None:
            return None
        found = self._check(scope)
        return await found if inspect.isawaitable(found) else found

    def session_of(self, headers: Mapping[str, str]) -> Session | None:
        """Return the session that a request is in; None: in none."""
        cookies = headers.get("cookie")
        key = None if cookies is None else cookie_parser(cookies).get(COOKIE)
        return None if key is None else self.sessions.find(key)


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """Return the token of an ``Authorization: Bearer`` header; None where there is none of that scheme."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def auth_of(given: "Auth | str | Iterable[Token] | None") -> Auth:
    """Return what ``app`` was given as an ``Auth``: one, a single token in clear, tokens, or nothing.

    Raises:
        ConfigurationError: It is none of these.
    """
    if given is None:
        return Auth()
    if isinstance(given, Auth):
        return given
    if isinstance(given, str):
        return Auth([Token("operator", hash_token(given))])
    tokens = list(given)
    if not tokens or not all(isinstance(token, Token) for token in tokens):
        message = "auth must be an Auth, a token, or several Token(name, hash_token(...)), and at least one"
        raise ConfigurationError(message)
    return Auth(tokens)
