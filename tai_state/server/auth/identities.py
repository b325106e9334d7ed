"""Identity tokens that an issuer signed: who asks on Cloud Run, say, without a secret that anybody keeps."""

import asyncio
import hashlib
import json
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tai_state import Clock, ConfigurationError, StoreUnavailableError, SystemClock
from tai_state.server.auth.principals import Principal

GOOGLE_CERTS = "https://www.googleapis.com/oauth2/v1/certs"
GOOGLE_ISSUERS = ("https://accounts.google.com", "accounts.google.com")

SKEW_SECONDS = 10
"""How far the clocks of the issuer and of this host may be apart."""

KNOWN_MAX = 1_000
"""How many identities are remembered until they expire: each costs a check of a signature otherwise."""

FAILED_SECONDS = 1.0
"""How long an issuer that did not answer is not asked again: all who wait would wait for it one after the other."""

log = logging.getLogger("tai_state.server")

_MAX_AGE = re.compile(r"max-age=([0-9]+)")
_KEYS_SECONDS_MIN, _KEYS_SECONDS_MAX = 60.0, 24 * 3600.0

Keys = tuple[Mapping[str, str], float]
"""The certificates of an issuer by key id, and for how many seconds they may be kept."""


def fetched_keys(url: str) -> Keys:
    """Return the certificates at *url*; blocks.

    Raises:
        StoreUnavailableError: They cannot be had now.
    """
    from google.auth.exceptions import TransportError  # noqa: PLC0415 - most servers ask no issuer
    from google.auth.transport.requests import Request  # noqa: PLC0415

    try:
        answer = Request()(url, method="GET", timeout=5)
    except TransportError as error:
        message = f"the keys of the issuer cannot be had: {error}"
        raise StoreUnavailableError(message) from error
    if answer.status != 200:  # noqa: PLR2004 - OK
        message = f"the keys of the issuer cannot be had: status {answer.status}"
        raise StoreUnavailableError(message)
    told = {name.lower(): value for name, value in answer.headers.items()}
    age = _MAX_AGE.search(told.get("cache-control", ""))
    seconds = float(age[1]) if age else _KEYS_SECONDS_MIN
    return json.loads(answer.data), min(max(seconds, _KEYS_SECONDS_MIN), _KEYS_SECONDS_MAX)


@dataclass
class Identities:
    """Identity tokens (OpenID Connect) that are taken, and who may do what with one.

    Attributes:
        audience: For whom the token must have been made: the URL of the service, say.
        members: By verified e-mail address, or ``*@example.com`` for all of a domain, who may do what; the name of each
            change is the address itself. Who is not among them is refused.
        issuers: Who may have signed it.
        certs_url: Where their certificates are, in the form in which Google gives them out.
        fetch: Returns the certificates; they are kept as long as it says, and asked for again when a token names a key
            that is not among them, at most once a minute.
        clock: Tells when an identity expires.
    """

    audience: str
    members: Mapping[str, Principal]
    issuers: tuple[str, ...] = GOOGLE_ISSUERS
    certs_url: str = GOOGLE_CERTS
    fetch: Callable[[str], Keys] = fetched_keys
    clock: Clock = field(default_factory=SystemClock)
    _keys: Mapping[str, str] = field(default_factory=dict, init=False, repr=False)
    _keys_asked: float = field(default=0.0, init=False, repr=False)
    _keys_end: float = field(default=0.0, init=False, repr=False)
    _known: OrderedDict[bytes, tuple[Principal, float]] = field(default_factory=OrderedDict, init=False, repr=False)
    _failure: StoreUnavailableError | None = field(default=None, init=False, repr=False)
    _asking: asyncio.Lock | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse identities that anybody has.

        Raises:
            ConfigurationError: There is no audience, or nobody may do anything.
        """
        if not self.audience or not self.members:
            message = "identities need an audience, and members who may do something"
            raise ConfigurationError(message)

    @staticmethod
    def is_like(token: str) -> bool:
        """Whether *token* has the form of an identity token: three parts."""
        return token.count(".") == 2  # noqa: PLR2004 - as said

    async def principal_of(self, token: str) -> Principal | None:
        """Return whose identity *token* is; None: it is no sound one, or that of somebody who may do nothing.

        Raises:
            StoreUnavailableError: The keys of the issuer cannot be had now.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        now = self.clock.now().timestamp()
        known = self._known.get(digest)
        if known is not None and now < known[1]:
            return known[0]
        claims = await self._claims(token)
        found = None if claims is None else self._member(claims)
        if found is None or claims is None:
            return None
        self._known[digest] = found, float(claims["exp"])
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return found

    async def _claims(self, token: str) -> Mapping[str, Any] | None:
        from google.auth import exceptions, jwt  # noqa: PLC0415 - most servers ask no issuer

        try:
            key_id = jwt.decode_header(token).get("kid")  # type: ignore[no-untyped-call]
        except (ValueError, exceptions.GoogleAuthError):
            return None
        keys = await self._certificates(key_id)
        try:
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                token, certs=keys, audience=self.audience, clock_skew_in_seconds=SKEW_SECONDS
            )
        except (ValueError, exceptions.GoogleAuthError):
            return None
        return claims if claims.get("iss") in self.issuers else None

    async def _certificates(self, key_id: object) -> Mapping[str, str]:
        """Return the certificates, asked for anew where they are old, or the one that is needed is not among them."""
        if self._asking is None:
            self._asking = asyncio.Lock()
        async with self._asking:
            now = self.clock.monotonic()
            is_old = now >= self._keys_end
            is_missing = key_id not in self._keys and now >= self._keys_asked + _KEYS_SECONDS_MIN
            if is_old or is_missing or not self._keys:
                await self._fetch(now)
            return self._keys

    async def _fetch(self, now: float) -> None:
        """Ask for the certificates; those that are there do a while longer where the issuer does not answer.

        Raises:
            StoreUnavailableError: It does not, and there are none; nor did it a moment ago.
        """
        if not self._keys and self._failure is not None and now < self._keys_asked + FAILED_SECONDS:
            raise self._failure
        self._keys_asked = now
        try:
            self._keys, seconds = await asyncio.to_thread(self.fetch, self.certs_url)
        except StoreUnavailableError as error:
            if not self._keys:
                self._failure = error
                raise
            log.warning("%s; those of before are used for now", error, extra={"event": "keys_failed"})
            seconds = _KEYS_SECONDS_MIN
        self._keys_end = now + seconds

    def _member(self, claims: Mapping[str, Any]) -> Principal | None:
        address = claims.get("email")
        if not isinstance(address, str) or claims.get("email_verified") is not True:
            return None
        found = self.members.get(address) or self.members.get("*@" + address.rpartition("@")[2])
        return None if found is None else Principal(address, found.access, found.allowed, found.rate)
