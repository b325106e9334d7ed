"""Where a Redis store is: the address of the server, and the root of the store's keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tai_state.errors import ConfigurationError
from tai_state.urls import REDIS_SCHEMES, masked

if TYPE_CHECKING:
    from urllib.parse import SplitResult

DEFAULT_PORT = 6379
DEFAULT_ROOT = "tai_state"

_FORMS = (
    "redis://[USER:PASSWORD@]HOST[:PORT][/DB][?root=NAME], rediss:// for TLS (with ca_certs=FILE for an authority of "
    "your own), or unix:///PATH/TO/SOCKET[?db=DB&root=NAME]"
)


@dataclass(frozen=True, slots=True)
class Address:
    """The server, and what tells the store there from others.

    Attributes:
        url: The URL without user and password: what people see, and what tells one store from another.
        path: The socket; "" for a host.
    """

    url: str
    root: str = DEFAULT_ROOT
    host: str = ""
    port: int = DEFAULT_PORT
    path: str = ""
    database: int = 0
    is_tls: bool = False
    ca_certs: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def prefix(self) -> str:
        """What all keys begin with: the part in braces alone chooses the slot of a cluster."""
        return f"{{{self.root}}}:"

    @property
    def is_open(self) -> bool:
        """Whether the URL, as people see it, is all that it takes."""
        return self.username is None and self.password is None and self.ca_certs is None

    def options(self) -> Mapping[str, Any]:
        """Return the arguments of redis-py's connections."""
        options: dict[str, Any] = {
            "db": self.database,
            "username": self.username,
            "password": self.password,
            "protocol": 2,
            # No request but ours: the client would tell its name and version with two more for each connection.
            "driver_info": None,
        }
        if self.path:
            return options | {"path": self.path}
        options |= {"host": self.host, "port": self.port, "socket_keepalive": True}
        return options | {"ssl_ca_certs": self.ca_certs} if self.is_tls else options


def read_address(url: str) -> Address:
    """Return the address that a URL says.

    Raises:
        ConfigurationError: It has another form; no password is in the message.
    """
    from urllib.parse import parse_qs, quote, unquote, urlsplit  # noqa: PLC0415 - as for other URLs

    shown = masked(url)
    try:
        parts = urlsplit(url)
        port = parts.port
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        # What urllib says may hold the password.
        message = f"store URL {shown!r} cannot be read; use {_FORMS}"
        raise ConfigurationError(message) from None
    is_socket = parts.scheme == "unix"
    known = {"root", "db"} if is_socket else {"root", "ca_certs"} if parts.scheme == "rediss" else {"root"}
    unknown = sorted(set(options) - known)
    if unknown or parts.fragment or parts.scheme not in REDIS_SCHEMES:
        named = _named((unknown or [parts.fragment])[0], parts)
        message = f"store URL {shown!r} has a part that is not understood: {named}"
        raise ConfigurationError(f"{message}; use {_FORMS}")
    path = unquote(parts.path) if is_socket else ""
    if is_socket and (parts.hostname or path in {"", "/"}):
        message = f"store URL {shown!r} names no socket; use {_FORMS}"
        raise ConfigurationError(message)
    said = options.get("db", ["0"])[-1] if is_socket else parts.path.strip("/") or "0"
    if not (said.isascii() and said.isdigit()):
        message = f"store URL {shown!r} has the database {_named(said, parts)}, which is no number; use {_FORMS}"
        raise ConfigurationError(message)
    root = check_root(options.get("root", [DEFAULT_ROOT])[-1])
    host, port = unquote(parts.hostname or "localhost"), port or DEFAULT_PORT
    where = quote(path) if is_socket else f"{f'[{host}]' if ':' in host else host}:{port}/{int(said)}"
    more = [f"db={int(said)}"] if is_socket and int(said) else []
    more += [f"root={quote(root, safe='')}"] if root != DEFAULT_ROOT else []
    return Address(
        url=f"{parts.scheme}://{where}{'?' if more else ''}{'&'.join(more)}",
        root=root,
        host="" if is_socket else host,
        port=port,
        path=path,
        database=int(said),
        is_tls=parts.scheme == "rediss",
        ca_certs=options.get("ca_certs", [None])[-1],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def _named(part: str, parts: "SplitResult") -> str:
    """Return a part that is refused, save where an "@" behind the host says that it may be of a password."""
    if "@" in parts.path + parts.query + parts.fragment:
        return "of a user or a password, in which / ? # are written as %2F %3F %23"
    return repr(part)


def check_root(root: str) -> str:
    """Return *root*, what the keys of a store begin with.

    Raises:
        ConfigurationError: It is empty or holds a brace, which would end it elsewhere than the server thinks.
    """
    if not isinstance(root, str) or not root or not root.isprintable() or set(root) & set("{}"):
        message = f"the root {root!r} must be a text without braces and control characters"
        raise ConfigurationError(message)
    return root
