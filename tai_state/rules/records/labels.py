"""What a label may be, and how it is stored and looked for."""

from collections.abc import Mapping

from tai_state.errors import InvalidDataError

KEY_BYTES_MAX = 100
VALUE_BYTES_MAX = 480


def checked_labels(labels: object, *, removing: bool = False) -> dict[str, str | None]:
    """Return labels as plain text.

    Args:
        removing: Whether None in the place of a value takes the label away.

    Raises:
        InvalidDataError: They are no mapping of texts that can be looked for; names the one that is wrong.
    """
    if not isinstance(labels, Mapping):
        message = f"must be a mapping of str to str, not {type(labels).__name__}"
        raise InvalidDataError(message, path="labels")
    checked: dict[str, str | None] = {}
    for key, value in labels.items():
        name = _text(key, "labels", KEY_BYTES_MAX)
        if "=" in name:
            message = f"the key {name!r} holds a '=', which ends a key"
            raise InvalidDataError(message, path="labels")
        place = f"labels[{name!r}]"
        checked[name] = None if value is None and removing else _text(value, place, VALUE_BYTES_MAX)
    return checked


def _text(value: object, place: str, size_max: int) -> str:
    if not isinstance(value, str):
        message = f"must be a str, not {type(value).__name__}"
        raise InvalidDataError(message, path=place)
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        message = f"is not valid Unicode text: {error.reason}"
        raise InvalidDataError(message, path=place) from error
    if not 0 < size <= size_max:
        message = f"must have 1 to {size_max} bytes of UTF-8, it has {size}"
        raise InvalidDataError(message, path=place)
    if any(character < " " for character in value):
        message = "holds a control character, which nobody could look for"
        raise InvalidDataError(message, path=place)
    return str.__str__(value)


def term(key: str, value: str) -> str:
    """Return what is stored of a label, and looked for."""
    return f"{key}={value}"
