"""The lines of an export: a header, a line for each document, and an end, without which a file was cut off.

Each line is one object of JSON, with its number, so that what is missing, doubled or in another order shows at its
line; the last one has the digest of all documents. (But for locks, whose counters an import raises: the files of a
store and of its copy differ by their headers and those counters alone.) Values are in the loss-free form of the codec.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from tai_state.codec import from_json, to_json
from tai_state.documents import DocumentPath
from tai_state.errors import BadExportError, InvalidDataError, InvalidIdError, SchemaVersionError
from tai_state.layout import LOCKS
from tai_state.rules.recovery.carried import Fields, check_path

VERSION = 1
"""The number of the form; a file with a higher one is not read."""

_NAME = "tai_state"


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself.

    Attributes:
        store_id: Of the store that it comes from; "": nothing was changed there yet.
        governor_id: The one whose documents it holds; None: those of the whole store.
    """

    store_id: str
    governor_id: str | None
    exported_at: str


class Carried(NamedTuple):
    """A document in a file, and its line."""

    line: int
    path: DocumentPath
    fields: Fields
    size: int


class End(NamedTuple):
    """The last line: how many documents there are, and the digest of their lines."""

    documents: int
    sha256: str


def header_line(header: Header) -> bytes:
    """Return the first line of a file."""
    told = {
        "export": _NAME,
        "version": VERSION,
        "line": 1,
        "store_id": header.store_id,
        "governor": None if header.governor_id is None else str.__str__(header.governor_id),
        "exported_at": header.exported_at,
    }
    return to_json(told) + b"\n"


def document_line(line: int, path: DocumentPath, fields: Fields) -> bytes:
    """Return the line of a document.

    Raises:
        InvalidDataError: It holds what was never stored by us: a place on a map, say.
    """
    try:
        return to_json({"line": line, "path": str(path), "fields": fields}) + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        message = f"it holds what was never stored by us: {error}"
        raise InvalidDataError(message) from error


def end_line(line: int, end: End) -> bytes:
    """Return the last line of a file."""
    return to_json({"line": line, "end": True, "documents": end.documents, "sha256": end.sha256}) + b"\n"


def is_digested(path: DocumentPath) -> bool:
    """Whether a document's line counts in the digest."""
    return path.collection != LOCKS


def read_header(file: str, raw: bytes) -> Header:
    """Return what the first line of a file says.

    Raises:
        BadExportError: It is that of no export.
        SchemaVersionError: A newer release wrote the file.
    """
    found = _object(file, 1, raw, "this is no export of a store")
    version = found.get("version")
    if found.get("export") != _NAME or type(version) is not int or version < 1:
        raise BadExportError(file, 1, "this is no export of a store")
    if version > VERSION:
        raise SchemaVersionError(version, VERSION, f"{file}, line 1: the export")
    store_id, governor_id, exported_at = (found.get(name) for name in ("store_id", "governor", "exported_at"))
    if not (isinstance(store_id, str) and isinstance(exported_at, str) and isinstance(governor_id, str | None)):
        raise BadExportError(file, 1, "the header lacks what it should say")
    return Header(store_id, governor_id, exported_at)


def read_line(file: str, line: int, raw: bytes) -> Carried | End:
    """Return what a line behind the header says.

    Raises:
        BadExportError: It is none that was written there.
    """
    found = _object(file, line, raw, "the line is cut off, or no JSON")
    if found.get("line") != line:
        raise BadExportError(file, line, f"here line {found.get('line')!r} stands: lines are missing, or out of order")
    if found.get("end") is True:
        documents, sha256 = found.get("documents"), found.get("sha256")
        if type(documents) is not int or not isinstance(sha256, str):
            raise BadExportError(file, line, "the end lacks what it should say")
        return End(documents, sha256)
    path, fields = found.get("path"), found.get("fields")
    if not (isinstance(path, str) and isinstance(fields, dict)):
        raise BadExportError(file, line, "the line is of no document")
    collection, _, document_id = path.rpartition("/")
    place = DocumentPath(collection, document_id)
    try:
        check_path(place)
    except InvalidIdError as error:
        raise BadExportError(file, line, str(error)) from error
    return Carried(line, place, fields, len(raw))


def _object(file: str, line: int, raw: bytes, otherwise: str) -> dict[str, Any]:
    try:
        found = from_json(raw)
    except InvalidDataError as error:
        raise BadExportError(file, line, otherwise) from error
    if not isinstance(found, dict):
        raise BadExportError(file, line, otherwise)
    return found
