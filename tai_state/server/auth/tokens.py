"""Bearer tokens: 256 random bits, known by their hash."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from tai_state import ConfigurationError
from tai_state.server.auth.principals import Access, Allowed, Principal

TOKENS_MAX = 1_000
"""How many tokens a server knows at most: each request is compared with all of them."""

CHARACTERS_MIN = 20
"""How long a token is at least that somebody chose himself."""

_HASH = re.compile(r"[0-9a-f]{64}")


def new_token() -> str:
    """Return a token of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token, as hexadecimal text: what a configuration holds in its place.

    Raises:
        ConfigurationError: It is so short that it could be guessed.
    """
    if len(token) < CHARACTERS_MIN:
        message = f"a token has at least {CHARACTERS_MIN} characters; new_token() makes one"
        raise ConfigurationError(message)
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Token:
    """A token that the server takes.

    Attributes:
        name: Whose it is: the author of each change that is made with it.
        sha256: Its hash, as ``hash_token`` gives it.
        access: Whether it may be used to make changes.
        allowed: What may be reached with it.
        rate: How often it may be used, such as "100/second"; None: as often as its holder likes.
    """

    name: str
    sha256: str = field(repr=False)
    access: Access = Access.READ_WRITE
    allowed: Allowed = field(default_factory=Allowed)
    rate: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no hash, or says nobody's name."""
        if not isinstance(self.sha256, str) or not _HASH.fullmatch(self.sha256):
            message = f"the sha256 of token {self.name!r} must be 64 hexadecimal digits in lower case"
            raise ConfigurationError(message)
        _ = self.principal

    @property
    def principal(self) -> Principal:
        """Who has it."""
        return Principal(self.name, self.access, self.allowed, self.rate)


class Tokens:
    """All tokens of a server."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        """Know *tokens*.

        Raises:
            ConfigurationError: They are too many, or two have one hash.
        """
        given = list(tokens)
        known = {bytes.fromhex(token.sha256): token.principal for token in given}
        if len(given) > TOKENS_MAX or len(known) < len(given):
            message = f"a server knows at most {TOKENS_MAX} tokens, each once"
            raise ConfigurationError(message)
        self._known = tuple(known.items())

    def __len__(self) -> int:
        """Count them."""
        return len(self._known)

    def principal_of(self, token: str) -> Principal | None:
        """Return who has *token*; None: nobody. It is compared with each of them, in constant time."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = None
        for known, principal in self._known:
            if hmac.compare_digest(known, digest):
                found = principal
        return found
