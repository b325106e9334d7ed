"""Where things lie: the key of a document, and under which members it stands in the store's indexes.

Every index is a sorted set whose members have one score, so that it is sorted by its members' bytes. A member is an id,
where the index is of one collection, or a place: the path with its parts divided by what sorts before every character
of an id, so that paths compare part by part. A time before it is written in digits, all of one length.

    {root}:clock            when the last commit was, by the store's clock
    {root}:d:PATH           a document: its head (see ``encoding.py``), under which members it stands, fields as JSON
    {root}:i:COLLECTION     the ids of a collection
    {root}:c                the collections that are not empty; {root}:g:NAME those whose path ends in this name
    {root}:t                the states by the time of their last change
    {root}:x                what goes away by itself, scored by when
    {root}:e:..  l:..  u:..  s:..   states by a field that equals something, by label, by what is due; events by time
"""

from datetime import UTC, datetime, timedelta

from tai_state.codec import dump_plain
from tai_state.documents import DocumentPath, Fields, Value
from tai_state.errors import DamagedStoreError

END, BEHIND_END = "\x01", "\x02"
"""What divides the parts of a place, and what comes behind all that begins with it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# From the first year of the calendar on a time is a number of 18 digits.
_OFFSET_US = 10**17

STATES, EVENTS = "states", "events"
LABELS, DUE_KEY, DUE_AT, TIMESTAMP = "labels", "due_key", "due_at", "timestamp"

EQUAL: dict[str, dict[str, type]] = {
    STATES: {"status": str, "machine_name": str, "deleted": bool},
    "segments": {"alone": bool},
    "prepared": {"is_open": bool},
}
"""By the equality of which fields a collection is looked through, those first that leave least; of flags, those set."""


def text_of(member: bytes) -> str:
    """Return a member of an index as text.

    Raises:
        DamagedStoreError: It is none, which no index of ours ever holds.
    """
    try:
        return member.decode()
    except UnicodeDecodeError as error:
        message = f"the store is damaged: one of its indexes holds {member!r}, which is no text"
        raise DamagedStoreError(message) from error


def place_of(path: DocumentPath) -> str:
    """Return the path as it is sorted."""
    return f"{path.collection}/{path.id}".replace("/", END)


def time_text(moment: datetime) -> str:
    """Return a moment as text that sorts as moments do."""
    return f"{(moment - _EPOCH) // _MICROSECOND + _OFFSET_US:018d}"


def equal_index(collection: str, name: str, value: Value) -> str | None:
    """Return the index of the documents of a collection whose field of that *name* is *value*; None for none."""
    kind = EQUAL.get(collection.rpartition("/")[2], {}).get(name)
    if kind is None or type(value) is not kind or value is False:
        return None
    return f"e:{collection}:{name}={'' if value is True else value}"


def label_index(label: str) -> str:
    """Return the index of the states that have a label."""
    return f"l:{label}"


def due_index(key: str) -> str:
    """Return the index of what is due under a key, by when."""
    return f"u:{key}"


def time_index(collection: str) -> str:
    """Return the index of the events of a collection, by their time."""
    return f"s:{collection}"


CHANGES = "t"
"""The index of the states by the time of their last change, which the server alone knows: its script keeps it."""


def members_of(path: DocumentPath, fields: Fields) -> bytes:
    """Return the indexes in which a document stands, each with its member, as JSON; b"" for none."""
    collection, id_ = path
    kind = collection.rpartition("/")[2]
    if kind == EVENTS:
        moment = fields.get(TIMESTAMP)
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return dump_plain([time_index(collection), f"{time_text(moment)}{END}{id_}"])
        return b""
    names = EQUAL.get(kind)
    if names is None:
        return b""
    members: list[str] = []
    for name in names:
        if name in fields:
            index = equal_index(collection, name, fields[name])
            if index is not None:
                members += (index, id_)
    if kind == STATES and (LABELS in fields or DUE_KEY in fields):
        members += _of_place(place_of(path), fields)
    return dump_plain(members) if members else b""


def _of_place(place: str, fields: Fields) -> list[str]:
    members: list[str] = []
    labels = fields.get(LABELS)
    if isinstance(labels, list):
        for label in sorted({label for label in labels if type(label) is str}):
            members += (label_index(label), place)
    key, moment = fields.get(DUE_KEY), fields.get(DUE_AT)
    if isinstance(key, str) and isinstance(moment, datetime) and moment.tzinfo is not None:
        members += (due_index(key), f"{time_text(moment)}{END}{place}")
    return members
