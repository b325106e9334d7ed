"""Who may do what, from a file: tokens by their hashes, identities by their addresses."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tai_state import ConfigurationError
from tai_state.server.auth.authentication import Auth
from tai_state.server.auth.identities import GOOGLE_CERTS, GOOGLE_ISSUERS, Identities
from tai_state.server.auth.principals import Access, Allowed, Principal
from tai_state.server.auth.tokens import Token


class _Part(BaseModel):
    """A part of the file: what is not known is refused, so that a slip of the pen allows nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Grant(_Part):
    access: Access
    governors: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None
    locks: tuple[str, ...] | None = None
    rate: str | None = None

    def allowed(self) -> Allowed:
        return Allowed(self.governors, self.keys, self.locks)


class _Token(_Grant):
    name: str
    sha256: str

    def token(self) -> Token:
        return Token(self.name, self.sha256, self.access, self.allowed(), self.rate)


class _Member(_Grant):
    email: str


class _Identities(_Part):
    audience: str
    members: tuple[_Member, ...]
    issuers: tuple[str, ...] = GOOGLE_ISSUERS
    certs_url: str = GOOGLE_CERTS

    def identities(self) -> Identities:
        members = {one.email: Principal(one.email, one.access, one.allowed(), one.rate) for one in self.members}
        return Identities(self.audience, members, self.issuers, self.certs_url)


class _File(_Part):
    tokens: tuple[_Token, ...] = ()
    identities: _Identities | None = None


def auth_from_file(path: str | Path) -> Auth:
    """Return what the JSON file at *path* says of who may do what; docs/server.md shows one.

    Raises:
        ConfigurationError: There is none, it cannot be read, or it says something else; names what.
    """
    try:
        told = _File.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        message = f"the file of tokens cannot be read: {error}"
        raise ConfigurationError(message) from error
    except ValidationError as error:
        # Not what was given there, which may be a token in clear.
        faults = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors())
        message = f"{path} does not say who may do what: {faults}"
        raise ConfigurationError(message) from None
    if not told.tokens and told.identities is None:
        message = f"{path} names neither tokens nor identities: nobody could do anything"
        raise ConfigurationError(message)
    identities = None if told.identities is None else told.identities.identities()
    return Auth([one.token() for one in told.tokens], identities=identities)
