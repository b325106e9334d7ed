"""What a store can hold: checked without a store, as JSON without loss, and what lies between two values.

For programs that take changes from elsewhere and must refuse a bad one before they write the first: importers,
forms, command lines. The methods of stores and persisters make the same checks by themselves.
"""

from tai_state.codec import from_json, to_json
from tai_state.compression import compress
from tai_state.conversion import normalize_data
from tai_state.differences import Difference, applied, differences
from tai_state.documents import Value
from tai_state.layout import check_id
from tai_state.models.json_form import record_of
from tai_state.rules.commits.kinds import check_name

_SMALL_BYTES_MAX = 65_536


def stored_bytes_max(data: dict[str, Value]) -> int:
    """Return what normalized *data* takes at most in any store, in bytes: compressed when large, written as base64."""
    encoded = to_json(data)
    return len(encoded) if len(encoded) <= _SMALL_BYTES_MAX else len(compress(encoded)) * 4 // 3 + 4


__all__ = [
    "Difference",
    "applied",
    "check_id",
    "check_name",
    "differences",
    "from_json",
    "normalize_data",
    "record_of",
    "stored_bytes_max",
    "to_json",
]
