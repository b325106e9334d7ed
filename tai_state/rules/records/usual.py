"""State documents as nearly all are, read at a glance: all their fields at once, by name and by type.

A document that differs in anything, and be it by damage, is left to the closer look of ``documents``, which tells of
it by name; looking so at each field of each document took most of the time of a read.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import product
from operator import itemgetter
from types import NoneType
from typing import Any

from tai_state.codec import EMPTY, Payload
from tai_state.documents import Value
from tai_state.errors import InvalidDataError
from tai_state.rules.records.record import Marks, MetadataRecord, StateRecord, stamp_of

_KINDS: dict[str, tuple[type, ...]] = {
    "governor_id": (str,),
    "state_id": (str,),
    "version": (int,),
    "last_error": (NoneType, str),
    "deleted": (bool,),
    "schema_version": (int,),
    "machine_name": (NoneType, str),
    "machine_version": (NoneType, int),
    "machine_fingerprint": (NoneType, str),
    "metadata": (dict,),
    "causality": (dict,),
    "fences": (list,),
    "transition_id": (str,),
    "timestamp": (datetime,),
    "created_at": (datetime,),
    "hash": (str,),
    "status": (str,),
    "data": (dict, str, bytes),
    "sealed_through": (int,),
    "trimmed_through": (int,),
    "trimmed_hash": (str,),
    "snapshots": (list,),
    "digest": (str,),
    "format": (int,),
}

_values_of: Callable[[Mapping[str, Value]], tuple[Any, ...]] = itemgetter(*_KINDS)
# What has a machine's name has all of the machine.
_SHAPES = frozenset(one for one in product(*_KINDS.values()) if one[6] is NoneType or NoneType not in one[6:9])
_metadata_of: Callable[[Mapping[str, Value]], tuple[Any, ...]] = itemgetter(
    "changed_by", "reason", "parent_version", "context"
)
_METADATA_SHAPES = frozenset({(str, str, int, dict), (str, str, NoneType, dict)})
# Most states have the marks of one that is new.
_marks_of = lru_cache(maxsize=1024)(Marks)


def usual_state(fields: Mapping[str, Value], newest: int) -> StateRecord | None:
    """Return the state in the fields of a document; None where a glance does not tell that they are sound.

    Its digest is not looked at.

    Args:
        newest: The newest format that this build reads.
    """
    values = _taken(fields, _values_of, _SHAPES)
    if values is None:
        return None
    (
        governor_id,
        state_id,
        version,
        last_error,
        deleted,
        schema_version,
        machine_name,
        machine_version,
        machine_fingerprint,
        metadata,
        causality,
        fences,
        transition_id,
        timestamp,
        created_at,
        hash_,
        status,
        data,
        sealed_through,
        trimmed_through,
        trimmed_hash,
        snapshots,
        _,
        format_,
    ) = values
    machine = None if machine_name is None else stamp_of(machine_name, machine_version, machine_fingerprint)
    are_ints = {int}.issuperset(map(type, (*causality.values(), *snapshots)))
    who = _taken(metadata, _metadata_of, _METADATA_SHAPES)
    if who is None or who[-1] or not are_ints or version < 1 or fences or not 1 < format_ <= newest:
        return None
    payload = _payload(data)
    if payload is None:
        return None
    return StateRecord(
        governor_id=governor_id,
        state_id=state_id,
        version=version,
        last_error=last_error,
        deleted=deleted,
        schema_version=schema_version,
        machine=machine,
        metadata=MetadataRecord(who[0], who[1], who[2], EMPTY),
        causality=causality,
        fences={},
        transition_id=transition_id,
        timestamp=timestamp,
        created_at=created_at,
        hash=hash_,
        status=status,
        data=payload,
        marks=_marks_of(
            sealed_through=sealed_through,
            trimmed_through=trimmed_through,
            trimmed_hash=trimmed_hash,
            snapshots=tuple(snapshots),
        ),
    )


def _taken(
    fields: Mapping[str, Value],
    take_all: Callable[[Mapping[str, Value]], tuple[Any, ...]],
    shapes: frozenset[tuple[type, ...]],
) -> Any:
    """Return the values of *fields* as a tuple; None where there are others, or of other types."""
    try:
        values = take_all(fields)
    except KeyError:
        return None
    return values if len(values) == len(fields) and tuple(map(type, values)) in shapes else None


def _payload(stored: Value) -> Payload | None:
    """Return the map in a field; None where it holds none."""
    try:
        payload = Payload.stored(stored)
    except InvalidDataError:
        return None
    return payload if payload.json.startswith(b"{") else None
