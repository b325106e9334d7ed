"""Where things live: paths, the id escape, zero-padded versions.

Ids come from users and may be any text; stored ids are made of ASCII letters,
digits, ``-``, ``_`` and ``%XX`` escapes of UTF-8 bytes. So a stored id never holds a
slash, an ``@`` or a dot, sorts alike on every engine, and no id's range of
events contains another's: ``esc(id) + "@"`` is never a prefix of another.

Governors of the package's own begin with ``~``, which no stored id of a user's does:
whatever users call theirs, the two never meet.
"""

import hashlib
import re
from functools import lru_cache
from typing import Self

from tai_state.documents import DocumentPath
from tai_state.errors import InvalidIdError

ID_BYTES_MAX = 480
FORMAT = 1
"""The number of the documents' format; a document with a higher one is not read."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_RESERVED = re.compile(r"__.*__", re.ASCII | re.DOTALL)
_STORED = re.compile(r"(?:[A-Za-z0-9_-]|%[0-9A-F]{2})+", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_VERSIONED = re.compile(r"([^@]+)@([0-9]{19})", re.ASCII)
_BRANCHED = re.compile(r"([^@]+)@([^@]+)@([0-9]{19})", re.ASCII)
STATE_PARTS = 4
"""Of how many parts the path of a state is made, and of each other document of a governor's."""

_OF_STATES = frozenset({"states", "events", "snapshots", "segments", "branches"})
_PLAIN_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")

_OWN = "~"  # behind all that stored ids of users begin with
_OWN_KINDS = ("keys", "sagas")

META = DocumentPath("tai", "meta")
GOVERNORS = "governors"
LOCKS = "locks"
WAITS = "waits"
AUDIT = "audit"
TRANSACTIONS = "transactions"
SUBSCRIPTIONS = "subscriptions"
PREPARED = "prepared"
DISTRIBUTED = "distributed"
REPLICAS = "replicas"


def check_id(value: object, what: str = "id") -> str:
    """Return *value* when it can be an id.

    Raises:
        InvalidIdError: It is no text, empty, longer than 480 bytes of UTF-8, or not encodable.
    """
    if not isinstance(value, str):
        message = f"{what} must be a str, not {type(value).__name__}"
        raise InvalidIdError(message, value=value)
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        message = f"{what} {value!r} is not valid Unicode text: {error.reason} at position {error.start}"
        raise InvalidIdError(message, value=value) from error
    if not value:
        message = f"{what} is empty"
        raise InvalidIdError(message, value=value)
    if size > ID_BYTES_MAX:
        message = f"{what} {value[:40]!r}... has {size} bytes of UTF-8, at most {ID_BYTES_MAX} are allowed"
        raise InvalidIdError(message, value=value)
    # A subclass (a StrEnum member, say) is stored, compared and returned as plain text.
    return str.__str__(value)


@lru_cache(maxsize=4096)
def _escape_checked(value: str) -> str:
    stored = value
    if not _PLAIN.fullmatch(value):
        stored = "".join(chr(byte) if byte in _PLAIN_BYTES else f"%{byte:02X}" for byte in value.encode())
    # Firestore reserves ids of the form __x__; one escaped underscore lifts it out.
    return f"%5F{stored[1:]}" if _RESERVED.fullmatch(stored) else stored


def escape(value: str, what: str = "id") -> str:
    """Return the stored form of an id; distinct ids have distinct forms.

    Raises:
        InvalidIdError: See ``check_id``.
    """
    return _escape_checked(check_id(value, what))


def escaped_beginnings(prefix: str, what: str) -> tuple[str, ...]:
    """Return what the stored forms of all ids that begin with *prefix* begin with, ascending.

    Raises:
        InvalidIdError: See ``check_id``.
    """
    plain = "".join(chr(byte) if byte in _PLAIN_BYTES else f"%{byte:02X}" for byte in check_id(prefix, what).encode())
    # Those that Firestore reserves had their first underscore lifted out.
    return (f"%5F{plain[1:]}", plain) if plain.startswith("_") else (plain,)


def unescape(stored: str, where: object = "") -> str:
    """Return the id whose stored form is *stored*, an id in the path *where*.

    Raises:
        InvalidIdError: ``escape`` never made this text: somebody else wrote the document.
    """
    message = f"{stored!r} is not a stored id" + (f"; somebody else wrote {where}" if where else "")
    if not _STORED.fullmatch(stored):
        raise InvalidIdError(message, value=stored)
    raw = re.sub(rb"%([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), stored.encode())
    try:
        value = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidIdError(message, value=stored) from error
    if not value or len(raw) > ID_BYTES_MAX or _escape_checked(value) != stored:
        raise InvalidIdError(message, value=stored)
    return value


def own_beginning(kind: str) -> str:
    """Return what the stored ids of the package's own governors of a *kind* begin with.

    Raises:
        InvalidIdError: There is no such kind.
    """
    if kind not in _OWN_KINDS:
        message = f"{kind!r} is no kind of governor; there are: {', '.join(_OWN_KINDS)}"
        raise InvalidIdError(message, value=kind)
    return f"{_OWN}{kind}:"


class OwnGovernor(str):
    """The id of a governor of the package's own, by its kind and its name: what a store's methods take for it.

    Its text tells people of it, and is no id of it: given as plain text, it names a governor of a user's.

    Attributes:
        kind: What it holds, such as ``keys``.
        name: As the user gave it.
    """

    __slots__ = ()

    def __new__(cls, kind: str, name: str) -> Self:
        """Name the governor of a *kind* that a user calls *name*.

        Raises:
            InvalidIdError: There is no such kind, or the name cannot be part of an id.
        """
        check_id(name, "name")
        return super().__new__(cls, check_id(f"{own_beginning(kind)}{name}", "name"))

    @property
    def kind(self) -> str:
        """What it holds."""
        return self.partition(":")[0].removeprefix(_OWN)

    @property
    def name(self) -> str:
        """As the user gave it."""
        return self.partition(":")[2]

    @property
    def stored(self) -> str:
        """Under which id it is stored."""
        return f"{own_beginning(self.kind)}{_escape_checked(self.name)}"

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # a str has one part
        """Pickle it by its parts."""
        return self.kind, self.name


def check_governor_id(value: object) -> str:
    """Return *value* when it can be the id of a governor, one of the package's own as it is.

    Raises:
        InvalidIdError: See ``check_id``.
    """
    return value if type(value) is OwnGovernor else check_id(value, "governor_id")


def is_own(stored: str) -> bool:
    """Whether the stored id of a governor is one of the package's own, or like one; all of a user's are before it."""
    return stored.startswith(_OWN)


def governor_of(stored: str, where: object = "") -> str:
    """Return the governor whose stored id is *stored*, an id in the path *where*.

    Raises:
        InvalidIdError: We never made this text: somebody else wrote the document.
    """
    if not is_own(stored):
        return unescape(stored, where)
    kind, _, name = stored.removeprefix(_OWN).partition(":")
    return OwnGovernor(kind, unescape(name, where))


def versioned(stored_id: str, version: int) -> str:
    """Return the id of the document of *version*: ids sort as the versions do."""
    return f"{stored_id}@{version:019d}"


def is_receipt(stored: str) -> bool:
    """Whether *stored* can be the id of a receipt: any other document among them is somebody else's."""
    return _DIGEST.fullmatch(stored) is not None


def owner_and_version(document_id: str) -> tuple[str, int]:
    """Return the stored id of the state and the version that are in the id of an event, a snapshot or a segment.

    Raises:
        InvalidIdError: ``versioned`` never made this text: somebody else wrote the document.
    """
    found = _VERSIONED.fullmatch(document_id)
    if found is None:
        message = f"{document_id!r} is not the id of a version; somebody else wrote the document"
        raise InvalidIdError(message, value=document_id)
    return found[1], int(found[2])


def branch_place(document_id: str) -> tuple[str, str, int]:
    """Return the stored id of the state, the store and the version that are in the id of an event of a branch.

    Raises:
        InvalidIdError: ``branch`` never made this text: somebody else wrote the document.
    """
    found = _BRANCHED.fullmatch(document_id)
    if found is None:
        message = f"{document_id!r} is not the id of an event of a branch; somebody else wrote the document"
        raise InvalidIdError(message, value=document_id)
    return found[1], unescape(found[2], document_id), int(found[3])


def state_of(path: str) -> tuple[str, str]:
    """Return the ids of the governor and the state that the document at *path* is of; "" for what it does not tell."""
    parts = path.split("/")
    if len(parts) != STATE_PARTS or parts[0] != GOVERNORS:
        return "", ""
    _, governor, collection, document_id = parts
    # The id of a receipt is a digest.
    stored = document_id.partition("@")[0] if collection in _OF_STATES else ""
    try:
        return governor_of(governor), unescape(stored) if stored else ""
    except InvalidIdError:
        return "", ""


class GovernorLayout:
    """The collections of one governor."""

    __slots__ = (
        "audit",
        "branches",
        "erasures",
        "events",
        "governor_id",
        "quarantine",
        "receipts",
        "segments",
        "snapshots",
        "states",
    )

    def __init__(self, governor_id: str) -> None:
        """Check *governor_id* and name its collections."""
        own = governor_id.stored if isinstance(governor_id, OwnGovernor) else None
        root = f"{GOVERNORS}/{own or escape(governor_id, 'governor_id')}"
        self.governor_id = check_governor_id(governor_id)
        """What leads here again."""
        self.states = f"{root}/states"
        self.events = f"{root}/events"
        self.snapshots = f"{root}/snapshots"
        self.segments = f"{root}/segments"
        self.receipts = f"{root}/receipts"
        self.audit = f"{root}/audit"
        self.quarantine = f"{root}/quarantine"
        self.erasures = f"{root}/erasures"
        self.branches = f"{root}/branches"

    @classmethod
    def at(cls, stored: str) -> Self:
        """Return the collections of the governor whose stored id is *stored*; raises as ``governor_of`` does."""
        return cls(governor_of(stored))

    def state(self, state_id: str) -> "StateLayout":
        """Return the paths of one state."""
        return StateLayout(self, state_id)


class StateLayout:
    """The paths of one state's documents."""

    __slots__ = ("governor", "governor_id", "state", "state_id", "stored_id")

    def __init__(self, governor: GovernorLayout, state_id: str) -> None:
        """Check *state_id* and name its documents."""
        self.governor = governor
        self.governor_id = str.__str__(governor.governor_id)
        """As the user gave it, and as documents tell it: plain text."""
        self.stored_id = escape(state_id, "state_id")
        self.state_id = check_id(state_id, "state_id")
        self.state = DocumentPath(governor.states, self.stored_id)

    @property
    def erasure(self) -> DocumentPath:
        """The path of the record that the state was, or is to be, erased."""
        return DocumentPath(self.governor.erasures, self.stored_id)

    def event(self, version: int) -> DocumentPath:
        """Return the path of the event that made *version*."""
        return DocumentPath(self.governor.events, f"{self.stored_id}@{version:019d}")

    def snapshot(self, version: int) -> DocumentPath:
        """Return the path of the snapshot taken at *version*."""
        return DocumentPath(self.governor.snapshots, versioned(self.stored_id, version))

    def segment(self, first: int) -> DocumentPath:
        """Return the path of the segment whose first event made version *first*."""
        return DocumentPath(self.governor.segments, versioned(self.stored_id, first))

    def branch(self, origin: str, version: int) -> DocumentPath:
        """Return the path of the event that store *origin* made of *version*, which is in no line of this store."""
        return DocumentPath(self.governor.branches, versioned(f"{self.stored_id}@{escape(origin, 'origin')}", version))

    def receipt(self, idempotency_key: str) -> DocumentPath:
        """Return the path of the receipt of a keyed change."""
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        text = f"{len(self.stored_id)}:{self.stored_id}{idempotency_key}"
        return DocumentPath(self.governor.receipts, hashlib.sha256(text.encode()).hexdigest())


@lru_cache(maxsize=256)
def _governor_layout(governor_id: str) -> GovernorLayout:
    return GovernorLayout(governor_id)


@lru_cache(maxsize=4096)
def _state_layout(governor_id: str, state_id: str) -> StateLayout:
    return _governor_layout(governor_id).state(state_id)


# Not the cache of the others: the text of one of these is equal to that of a user's.
@lru_cache(maxsize=256)
def _own_layout(governor_id: OwnGovernor) -> GovernorLayout:
    return GovernorLayout(governor_id)


def state_layout(governor_id: str, state_id: str) -> StateLayout:
    """Return the paths of a state's documents.

    Raises:
        InvalidIdError: One of the ids cannot be an id.
    """
    if type(governor_id) is str and type(state_id) is str:
        # The cache holds what was checked.
        return _state_layout(governor_id, state_id)
    if isinstance(governor_id, OwnGovernor):
        return _own_layout(governor_id).state(state_id)
    # Checked first: the cache needs hashable arguments, and 1 == True == 1.0 must not meet there.
    return _state_layout(check_id(governor_id, "governor_id"), check_id(state_id, "state_id"))


def layouts_told(governor_id: str, state_id: str) -> tuple[StateLayout, ...]:
    """Return where the state may be of which an error or a record tells, whose governor is plain text there.

    Of most there is one place; a text such as ``~keys:counters`` may stand for one of the package's own, or a user's.

    Raises:
        InvalidIdError: One of the ids cannot be an id.
    """
    given = state_layout(governor_id, state_id)
    kind, _, name = given.governor_id.removeprefix(_OWN).partition(":")
    if not is_own(given.governor_id) or kind not in _OWN_KINDS or not name:
        return (given,)
    return given, state_layout(OwnGovernor(kind, name), state_id)
