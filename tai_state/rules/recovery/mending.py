"""A damaged event, put together again from those around it: what its neighbours say, proven by the hash that they name.

The event before says where it came from, the event behind it (or the state) what it made, and which hash it has. What
is put in counts where the whole then has that hash: SHA-256 leaves no room for a guess.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tai_state.causality import store_of
from tai_state.config import INLINE
from tai_state.documents import Document
from tai_state.layout import StateLayout
from tai_state.rules.history.replay import contradiction
from tai_state.rules.records.chain import event_hash, seal_is_sound
from tai_state.rules.records.documents import committed_at, content_fields, event_from
from tai_state.rules.records.fields import FieldError
from tai_state.rules.records.parts import fences_list
from tai_state.rules.records.record import EventRecord, StateRecord

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What is known of an event from around it.

    Attributes:
        named: Its hash.
        previous: The event before; None: it is not certain.
        following: The event behind it.
        state: The state, where that is the one that it made.
    """

    paths: StateLayout
    version: int
    named: str
    previous: EventRecord | None
    following: EventRecord | None
    state: StateRecord | None


def own_flaw(event: EventRecord) -> str | None:
    """Return what in an event contradicts itself; None: it is whole."""
    if event_hash(event) != event.hash:
        return "its content does not match its hash"
    return None if seal_is_sound(event) else "its values do not match their digests"


def mended(document: Document, around: Neighbours) -> EventRecord | None:
    """Return the event that a damaged document was; None where its neighbours do not prove it."""
    for changes in _changes(document.fields, around):
        event = _made({**document.fields, **changes}, document)
        if event is not None and _is_proven(event, around):
            return event
    return None


def _is_proven(event: EventRecord, around: Neighbours) -> bool:
    ids = (around.paths.governor_id, around.paths.state_id, around.version)
    if (event.governor_id, event.state_id, event.version) != ids or event.hash != around.named:
        return False
    is_linked = around.previous is not None or around.version == 1
    return own_flaw(event) is None and (not is_linked or contradiction(around.previous, event) is None)


def _changes(fields: Mapping[str, Any], around: Neighbours) -> Iterator[Fields]:
    """Yield what may be wrong, one thing at a time, then all that is known for certain."""
    certain = {
        "governor_id": around.paths.governor_id,
        "state_id": around.paths.state_id,
        "version": around.version,
        "hash": around.named,
        **_came_from(around.previous),
        **_made_of_it(around),
    }
    # The hash may be damaged beside one thing more.
    likely = [{name: value} for name, value in certain.items()] + _likely(fields, around)
    yield from likely
    yield from ({**certain, **one} for one in ({}, *likely))


def _came_from(previous: EventRecord | None) -> Fields:
    if previous is None:
        return {}
    return {
        "from_status": previous.to_status,
        "from_state": previous.to_state.field(INLINE),
        "previous_hash": previous.hash,
        "parents": [previous.version],
    }


def _made_of_it(around: Neighbours) -> Fields:
    state = around.state
    if state is not None:
        return {
            **content_fields(state, INLINE),
            "fences": fences_list(state.fences),
            "to_status": state.status,
            "to_state": state.data.field(INLINE),
        }
    if around.following is None:
        return {}
    return {"to_status": around.following.from_status, "to_state": around.following.from_state.field(INLINE)}


def _likely(fields: Mapping[str, Any], around: Neighbours) -> list[Fields]:
    """Return what the events of one state mostly have in common, each by itself."""
    near = around.previous or around.following
    if near is None:
        return []
    likeness = content_fields(near, INLINE)
    step = around.version - near.version
    # Any of the store's writers may have made them.
    writers = {near.origin, *(key for key in near.causality if store_of(key) == near.origin)}
    clocks = [{**near.causality, key: near.causality.get(key, 0) + step} for key in sorted(writers)]
    author = fields.get("metadata")
    metadata = {**author, "parent_version": around.version - 1 or None} if isinstance(author, dict) else {}
    return [
        {name: likeness[name] for name in ("machine_name", "machine_version", "machine_fingerprint")},
        *({name: likeness[name]} for name in ("schema_version", "created_at", "last_error", "deleted")),
        {"fences": fences_list(near.fences)},
        {name: likeness[name] for name in likeness if name == "labels"},
        {name: likeness[name] for name in likeness if name.startswith("due_")},
        *({"causality": clock} for clock in clocks),
        {"origin": near.origin},
        {"action": near.action},
        {"kind": near.kind},
        {"kind": "transition"},
        {"metadata": metadata},
    ]


def _made(fields: Mapping[str, Any], document: Document) -> EventRecord | None:
    try:
        return event_from(fields, committed_at(document))
    except (FieldError, ValueError, TypeError, KeyError):
        return None
