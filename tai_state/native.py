"""Which values every engine can hold as fields of their own; the others are stored as JSON text."""

from tai_state.documents import Value

NATIVE_LEVELS_MAX = 16

# Firestore takes 1,500 bytes for the whole path of keys to a field. Counted in characters of up to 4 bytes, with
# room for the name of the field that holds the value; what is longer is stored as JSON text instead.
NATIVE_PATH_CHARACTERS_MAX = 350


def is_native_map(value: Value) -> bool:
    """Whether *value* is a map that every engine can hold as a field."""
    return isinstance(value, dict) and _is_native(value)


def _is_native(value: Value, room: int = NATIVE_PATH_CHARACTERS_MAX, level: int = 1) -> bool:
    """Whether every engine can hold *value* as a field: no list in a list, no odd key, not too deep, no long path."""
    if isinstance(value, dict):
        return level <= NATIVE_LEVELS_MAX and all(
            len(key) < room and _is_native_key(key) and _is_native(item, room - len(key) - 1, level + 1)
            for key, item in value.items()
        )
    if isinstance(value, list):
        return level <= NATIVE_LEVELS_MAX and all(
            not isinstance(item, list) and _is_native(item, room, level + 1) for item in value
        )
    return True


def _is_native_key(key: str) -> bool:
    return bool(key) and not (key.startswith("__") and key.endswith("__"))
