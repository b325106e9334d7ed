"""Store URLs: read, checked, and nothing opened."""

import os
import re
from typing import NamedTuple

from tai_state.errors import ConfigurationError

DEFAULT_URL = "sqlite:///tai_state.db"
REDIS_SCHEMES = ("redis", "rediss", "unix")
FORMS = (
    "memory://, sqlite:///FILE, sqlite:////ABSOLUTE/FILE, firestore://[PROJECT][/DATABASE][?root=PREFIX] "
    "or redis://[USER:PASSWORD@]HOST[:PORT][/DB][?root=NAME]"
)
_CREDENTIALS = re.compile(r"(?P<scheme>[^:/?#]+://).*@", re.DOTALL)
_WITHOUT_CREDENTIALS = ("memory", "sqlite", "firestore")


class Secret(str):
    """A URL whose user and password nobody prints by accident: ``repr`` has stars in their place."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return it without them."""
        return repr(masked(str(self)))


def masked(url: str) -> str:
    """Return a URL as people may see it: no user and no password stand in it."""
    if url.partition("://")[0].lower() in _WITHOUT_CREDENTIALS:
        return url
    return _CREDENTIALS.sub(r"\g<scheme>***@", url, count=1)


def shown(value: object) -> object:
    """Return what a setting says, as people may see it; see ``masked``."""
    return masked(value) if isinstance(value, str) else value


class StoreUrl(NamedTuple):
    """The parts of a store's URL; those that its scheme does not have are empty.

    Attributes:
        text: The URL as people may see it: without user and password.
        address: The whole of one that has them.
    """

    text: str
    scheme: str
    path: str = ""
    project: str | None = None
    database: str = "(default)"
    root: str = ""
    address: str = ""


def parse_url(url: str | None) -> StoreUrl:
    """Return the parts of *url*; None stands for $TAI_STATE_STORE, or else a file in the working directory.

    Raises:
        ConfigurationError: The URL has another form or scheme, or none is given on Cloud Run.
    """
    from urllib.parse import urlsplit  # noqa: PLC0415 - here and below: `tai-state --help` shows FORMS, and reads no URL

    address = _default_url() if url is None else _checked_text(url)
    text = masked(address)
    _refuse_unseen(text, address)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        message = f"store URL {text!r}: {error}; use {FORMS}"
        raise ConfigurationError(message) from error
    if not text.lower().startswith(f"{parts.scheme}://"):
        message = f"store URL {text!r} has no scheme; use {FORMS}"
        raise ConfigurationError(message)
    if parts.scheme == "memory":
        _refuse_rest(text, parts.netloc + parts.path + parts.query + parts.fragment)
        return StoreUrl(text, "memory")
    if parts.scheme == "sqlite":
        return _sqlite(text, parts.netloc, parts.path)
    if parts.scheme == "firestore":
        return _firestore(text, parts.netloc, parts.path, parts.query, parts.fragment)
    if parts.scheme in REDIS_SCHEMES:
        return StoreUrl(text, "redis", address=Secret(address))
    message = f"store URL {text!r} has the unknown scheme {parts.scheme!r}; use {FORMS}"
    raise ConfigurationError(message)


def _checked_text(url: object) -> str:
    if not isinstance(url, str):
        message = f"a store URL is a str, not {type(url).__name__}"
        raise ConfigurationError(message)
    return url


def _refuse_unseen(text: str, address: str) -> None:
    # Left to itself, urlsplit would drop some of them and say nothing: another file than the one that was named.
    for char in address:
        if char < " " or char == "\x7f":
            message = f"store URL {text!r} holds a control character; in a name write it as %{ord(char):02X}"
            raise ConfigurationError(message)


def _default_url() -> str:
    url = os.environ.get("TAI_STATE_STORE")
    if url:
        return url
    for name in ("K_SERVICE", "CLOUD_RUN_JOB"):
        if os.environ.get(name):
            message = (
                f"no store URL is given and ${name} is set: the disk of Cloud Run is memory, "
                "so a file would be lost; set TAI_STATE_STORE, to firestore:// for instance"
            )
            raise ConfigurationError(message)
    return DEFAULT_URL


def _refuse_rest(text: str, rest: str) -> None:
    if rest:
        message = f"store URL {text!r} has a part that is not understood: {rest!r}; use {FORMS}"
        raise ConfigurationError(message)


def _sqlite(text: str, netloc: str, path: str) -> StoreUrl:
    for sign in "?#":
        if sign in text:
            meant = text.replace("?", "%3F").replace("#", "%23")
            message = (
                f"store URL {text!r} has a part behind {sign!r}, and SQLite takes no options here; "
                f"where it belongs to the file's name, write {meant}"
            )
            raise ConfigurationError(message)
    if netloc or path in {"", "/"}:
        message = f"store URL {text!r} names no file; three slashes and a relative path, or four and an absolute one"
        raise ConfigurationError(message)
    from urllib.parse import unquote  # noqa: PLC0415

    found = unquote(path[1:])
    if "\0" in found:
        message = f"store URL {text!r} has a NUL in the file's name, which no file system takes"
        raise ConfigurationError(message)
    return StoreUrl(text, "sqlite", path=found)


def _firestore(text: str, netloc: str, path: str, query: str, fragment: str) -> StoreUrl:
    from urllib.parse import parse_qs, unquote  # noqa: PLC0415

    database = unquote(path.strip("/"))
    _refuse_rest(text, fragment)
    if "/" in database:
        message = f"store URL {text!r} has the database {database!r}; use {FORMS}"
        raise ConfigurationError(message)
    try:
        options = parse_qs(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        message = f"store URL {text!r}: {error}"
        raise ConfigurationError(message) from error
    unknown = sorted(set(options) - {"root"})
    if unknown:
        message = f"store URL {text!r} has the unknown option {unknown[0]!r}; the one there is: root"
        raise ConfigurationError(message)
    return StoreUrl(
        text,
        "firestore",
        project=unquote(netloc) or None,
        database=database or "(default)",
        root=options.get("root", [""])[-1],
    )


def place_url(place: object) -> str:
    """Return the URL of what a backend calls its place; "": there is none by which another process could open it."""
    from urllib.parse import quote  # noqa: PLC0415

    match place:
        case ("sqlite", str(path)):
            return f"sqlite:///{quote(path)}"
        case ("redis", str(url)):
            return url
        case ("firestore", str(base)):
            _, project, _, database, _, *root = base.split("/", 5)
            prefix = f"?root={quote(root[0], safe='')}" if root else ""
            return f"firestore://{quote(project)}/{quote(database, safe='()')}{prefix}"
        case _:
            return ""
