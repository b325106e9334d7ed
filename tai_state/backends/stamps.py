"""The stamp of a document in an engine that stores JSON: set with the commit's time, behind all checks."""

from datetime import datetime

from tai_state.codec import dump_fields, from_json


def with_stamp(encoded: bytes, name: str, moment: datetime) -> bytes:
    """Return a document's fields, as ``dump_fields`` gives them, with one more, which they lack: a moment in UTC."""
    if encoded.startswith((b'{"$', b"{}")):
        # One field that looks like a tag was wrapped, and stands alone no more.
        return dump_fields({**from_json(encoded), name: moment})
    return encoded[:-1] + b"," + dump_fields({name: moment})[1:]
