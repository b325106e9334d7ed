"""Public models as JSON objects: what command line, exports of histories and records of programs write."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from tai_state.causality import VectorClock
from tai_state.codec import to_json
from tai_state.conversion import normalize_data

# What the store keeps for its users, of any type: shown in the codec's reversible form.
_STORED_VALUES = frozenset({"data", "payload", "from_state", "to_state", "context", "result", "results"})


def record_of(model: BaseModel) -> dict[str, Any]:
    """Return a public model as a JSON object: times in ISO 8601, stored values in the codec's loss-free form."""
    return {name: _field(name, getattr(model, name)) for name in type(model).model_fields}


def _field(name: str, value: Any) -> Any:
    if name not in _STORED_VALUES:
        return _json_value(value)
    plain = normalize_data(value) if isinstance(value, BaseModel) else value
    return json.loads(to_json(dict(plain) if isinstance(plain, Mapping) else plain))


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, VectorClock):
        return value.to_dict()
    if isinstance(value, BaseModel):
        return record_of(value)
    if isinstance(value, Mapping):
        return {name: _json_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(one) for one in value]
    return value
