"""Packed events: a run of them, column by column, as the very texts that their hashes cover.

1. A text is canonical JSON or hexadecimal, and so it is one line. A body is a line that says which columns follow, the
   data before the first change, and the lines of the columns: one line where all events say the same, else one each.
2. What follows from the rest is not there: versions, digests, hashes, and the data before every other change. It is
   computed when the run is read, and that proves it: an event that is not what it was has no hash that anybody names.
3. Proving takes the texts as they are. An event is decoded when somebody looks at it.

Not every event can be packed. One that was erased has digests that nothing computes; one without a seal has none.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Sequence
from itertools import islice, repeat
from operator import le
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from tai_state.codec import EMPTY, NULL, Payload, dump_plain, from_json
from tai_state.documents import Json
from tai_state.rules.history.columns import ABSENT, COLUMNS, joined, read_columns
from tai_state.rules.records.chain import FOR_URLS
from tai_state.rules.records.documents import event_from
from tai_state.rules.records.fields import FieldError, take, take_or_none
from tai_state.rules.records.formats import FORMATS
from tai_state.rules.records.parts import time_from, uncovered
from tai_state.rules.records.record import EventRecord, MachineStamp, stamp_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

_COMPUTED = frozenset({"digests", "previous_hash", "version"})

_NO_DIGEST = bytes(32)
_IN_UTC = b'+00:00"'


class Move(NamedTuple):
    """What of an event a machine is run on again."""

    governor_id: str
    state_id: str
    version: int
    kind: str
    action: str
    machine: MachineStamp | None
    schema_version: int
    from_status: str | None
    to_status: str
    payload: Payload
    from_state: Payload
    to_state: Payload


class Run(Sequence[EventRecord]):
    """The events of a body: computed as a whole, each decoded when it is asked for.

    Attributes:
        ids: The governor's and the state's whose events they are.
        first: The version of the first one.
        hashes: Of each, as computed: whoever knows the last one knows by it that all of them are what they were.
        is_checked: Whether it was looked whether each of them can be decoded; see ``late``.
    """

    is_checked = False

    def __init__(self, body: bytes, governor_id: str, state_id: str) -> None:
        """Read a body as that of a state.

        Raises:
            FieldError: It is damaged, another state's, or its events do not follow from one another.
        """
        self.ids = (governor_id, state_id)
        try:
            self._read(body)
        except FieldError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            message = f"its columns cannot be read: {error}"
            raise FieldError(message) from error

    def _read(self, body: bytes) -> None:
        header, self._before, *lines = body.split(b"\n")
        told = from_json(header)
        if type(told) is not dict:
            message = "it says nothing of its columns"
            raise FieldError(message)
        self._count = take(told, "count", int)
        self.first = take(told, "first", int)
        self._previous_hash = take(told, "previous_hash", str)
        self._covered, self._values, self._beside = read_columns(lines, told, self._count)
        self._odd = {name for group in COLUMNS for name, is_one in told[group].items() if not is_one}
        self._check()
        self._digests = self._digested()
        self.hashes = self._computed()

    def __len__(self) -> int:
        """Return how many events there are."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> EventRecord: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[EventRecord, ...]: ...

    def __getitem__(self, index: int | slice) -> EventRecord | tuple[EventRecord, ...]:
        """Decode one event, or several.

        Raises:
            FieldError: Its hash is right, and it is no event: somebody else made it.
        """
        places = range(self._count)[index]
        return self._event(places) if isinstance(places, int) else tuple([self._event(place) for place in places])

    @property
    def last(self) -> int:
        """The version of the last one."""
        return self.first + self._count - 1

    def schema_version(self, place: int) -> int:
        """Return the schema version of the data that one left.

        Raises:
            FieldError: As for an event.
        """
        return take({"schema_version": from_json(self._covered["schema_version"][place])}, "schema_version", int)

    def varying(self) -> dict[str, list[bytes]]:
        """Return the columns in which the events may differ, by name."""
        groups = (self._covered, self._values, self._beside)
        return {name: texts for columns in groups for name, texts in columns.items() if name in self._odd}

    def goes_on_from(self, before: Run) -> bool:
        """Whether its first event follows the last one of *before*, as their texts show; False: they do not show it."""
        earlier, later = before._covered["timestamp"][-1], self._covered["timestamp"][0]
        return (
            self.first == before.last + 1
            and self._previous_hash == before.hashes[-1]
            and self._before == before._values["to_state"][-1]
            and self._covered["from_status"][0] == before._covered["to_status"][-1]
            # Texts of times in UTC compare as the times do.
            and earlier.endswith(_IN_UTC)
            and later.endswith(_IN_UTC)
            and earlier <= later
        )

    def moves(self) -> Iterator[Move]:
        """Iterate over what of each event a machine is run on again.

        Raises:
            FieldError: As for an event.
        """
        try:
            return self._moves()
        except (KeyError, TypeError, ValueError) as error:
            message = f"its moves cannot be read: {error}"
            raise FieldError(message) from error

    def _moves(self) -> Iterator[Move]:
        covered, count = self._covered, self._count
        after = [Payload(text) for text in self._values["to_state"]]
        machines = {text: _machine(text) for text in set(covered.get("machine", [ABSENT]))}
        return map(
            Move,
            repeat(self.ids[0]),
            repeat(self.ids[1]),
            range(self.first, self.first + count),
            _all_taken(covered, "kind", str),
            _all_taken(covered, "action", str),
            [machines[text] for text in covered.get("machine", [ABSENT] * count)],
            _all_taken(covered, "schema_version", int),
            _all_taken(covered, "from_status", str, take_or_none),
            _all_taken(covered, "to_status", str),
            [Payload(text) if text else NULL for text in self._values.get("payload", [ABSENT] * count)],
            [Payload(self._before), *after],
            after,
        )

    def _check(self) -> None:
        """Refuse what is another state's, or does not follow; for all else there are the hashes."""
        covered = self._covered
        for name, owner in zip(("governor_id", "state_id"), self.ids, strict=True):
            if set(covered[name]) != {dump_plain(owner)}:
                message = f"it names another {name} than {owner!r}"
                raise FieldError(message)
        if covered["from_status"][1:] != covered["to_status"][:-1]:
            message = "the from_status of an event is not the to_status of the one before"
            raise FieldError(message)
        texts = covered["timestamp"]
        in_utc = all(map(bytes.endswith, texts, repeat(_IN_UTC)))
        times: Sequence[Any] = texts if in_utc else [_moment(text) for text in texts]
        if not all(map(le, times, islice(times, 1, None))):
            message = "the timestamp of an event is before that of the one before"
            raise FieldError(message)
        if not all(map(bytes.startswith, self._values["to_state"], repeat(b"{"))):
            message = "the to_state of an event is no map"
            raise FieldError(message)

    def _computed(self) -> list[str]:
        """Return the hash of each event."""
        columns = {**self._covered, "digests": self._digests}
        columns["version"] = [b"%d" % version for version in range(self.first, self.first + self._count)]
        ahead = joined({name: texts for name, texts in columns.items() if name < "previous_hash"})
        behind = joined({name: texts for name, texts in columns.items() if name > "previous_hash"})
        sha256, previous, hashes = hashlib.sha256, self._previous_hash, []
        for before, after in zip(ahead, behind, strict=True):
            text = b'{%b,"previous_hash":"%b",%b}' % (before[1:], previous.encode(), after[1:])
            previous = sha256(text).hexdigest()
            hashes.append(previous)
        return hashes

    def _digested(self) -> list[bytes]:
        """Return the digests of each event's values as its hash covers them; see ``chain.make_seal``."""
        values, salts, sha256 = dict(self._values), self._beside["salt"], hashlib.sha256
        values["from_state"] = [ABSENT if self._before == NULL.json else self._before, *values["to_state"][:-1]]
        columns = {}
        for name, texts in values.items():
            inner = name.encode() + b"\0"
            has_gaps = ABSENT in texts
            raw = [
                sha256(salt + inner + text).digest() if text or not has_gaps else _NO_DIGEST
                for salt, text in zip(salts, texts, strict=True)
            ]
            # Each with a byte more fills groups of four characters to the last, which is of that byte alone.
            encoded = b2a_base64(b"\0".join([*raw, b""]), newline=False).translate(FOR_URLS)
            digests = [encoded[start : start + 43] for start in range(0, 44 * self._count, 44)]
            columns[name] = _with_gaps(digests, texts) if has_gaps else digests
        if any(ABSENT in digests for digests in columns.values()):
            quoted = {name: [text and b'"%b"' % text for text in digests] for name, digests in columns.items()}
            return [b"{%b}" % text[1:] for text in joined(quoted)]
        # As ``joined`` has them, in one step for each event.
        names = sorted(columns)
        form = b"{%b}" % b",".join([b'"%b":"%%b"' % name.encode() for name in names])
        return [form % digests for digests in zip(*[columns[name] for name in names], strict=True)]

    def _event(self, place: int) -> EventRecord:
        try:
            return event_from(self._fields(place), _moment(self._beside["committed_at"][place]))
        except (KeyError, TypeError, ValueError) as error:
            # Whoever made it computed its hash, too, over something that is no event.
            message = f"version {self.first + place} is no event: {error}"
            raise FieldError(message) from error

    def _fields(self, place: int) -> dict[str, Any]:
        """Return the fields of the document that an event had."""
        values = {name: texts[place] for name, texts in self._values.items() if texts[place]}
        stored = {
            "format": FORMATS["digests"],
            **uncovered({name: from_json(texts[place]) for name, texts in self._covered.items() if texts[place]}),
        }
        stored |= {
            "hash": self.hashes[place],
            "previous_hash": self.hashes[place - 1] if place else self._previous_hash,
            "version": self.first + place,
            "salt": self._beside["salt"][place].decode(),
            "digests": from_json(self._digests[place]),
            "payload": Json(values.get("payload", NULL.json)),
            "from_state": Json(self._values["to_state"][place - 1] if place else self._before),
            "to_state": Json(values["to_state"]),
            "last_error": _decoded(values.get("last_error")),
            "idempotency_key": _decoded(values.get("idempotency_key")),
            "metadata": {
                "changed_by": _decoded(values.get("changed_by"), ""),
                "reason": _decoded(values.get("reason"), ""),
                "parent_version": stored.get("parent_version"),
                "context": Json(values.get("context", EMPTY.json)),
            },
        }
        return stored if "labels" not in values else {**stored, "labels": _decoded(values["labels"])}


def _with_gaps(digests: list[bytes], texts: list[bytes]) -> list[bytes]:
    """Return the digests of the texts that are there."""
    return [digest if text else ABSENT for digest, text in zip(digests, texts, strict=True)]


def _moment(text: bytes) -> datetime | None:
    return time_from(from_json(text)) if text else None


def _decoded(text: bytes | None, absent: Any = None) -> Any:
    return absent if text is None else from_json(text)


def _all_taken(
    columns: Mapping[str, list[bytes]], name: str, kind: type, take_one: Callable[..., Any] = take
) -> list[Any]:
    """Return what the texts of a column say; most columns repeat a few."""
    known = {text: take_one({name: from_json(text)}, name, kind) for text in set(columns[name])}
    return [known[text] for text in columns[name]]


def _machine(text: bytes) -> MachineStamp | None:
    return stamp_of(*from_json(text)) if text else None
