"""Documents of engines that keep JSON: their fields are read from it when somebody looks at them."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tai_state.codec import load_fields
from tai_state.documents import DAMAGED, Document, DocumentPath, Value
from tai_state.errors import InvalidDataError

_FIELDS: Any = Document.__dict__["fields"]


class JsonDocument(Document):
    """A document as read, equal to any other that says the same.

    One whose JSON is damaged has the one field DAMAGED: it is a finding for those who know what it should hold, and no
    reason to refuse its neighbours.
    """

    __slots__ = ("_body",)

    _body: bytes

    @property
    def body(self) -> bytes | None:
        """The JSON; None where other fields were put in their place since."""
        return getattr(self, "_body", None)

    if not TYPE_CHECKING:

        @property
        def fields(self) -> dict[str, Value]:
            """The fields, a dict of its own."""
            try:
                return _FIELDS.__get__(self)
            except AttributeError:
                fields = _fields_of(self._body)
                _FIELDS.__set__(self, fields)
                return fields

        @fields.setter
        def fields(self, fields: dict[str, Value]) -> None:
            _FIELDS.__set__(self, fields)

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, however they were read."""
        if not isinstance(other, Document):
            return NotImplemented
        own = (self.path, self.fields, self.create_time, self.update_time)
        return own == (other.path, other.fields, other.create_time, other.update_time)

    __hash__ = Document.__hash__


def json_document(path: DocumentPath, body: bytes, create_time: datetime, update_time: datetime) -> Document:
    """Return the document whose fields are the JSON *body*."""
    made: Any = JsonDocument.__new__(JsonDocument)
    made.path = path
    made.create_time = create_time
    made.update_time = update_time
    made.size = len(body)
    made._body = body  # noqa: SLF001 - it is in the making
    document: Document = made
    return document


def _fields_of(body: bytes) -> dict[str, Value]:
    try:
        fields = load_fields(body)
    except InvalidDataError as error:
        return {DAMAGED: str(error)}
    return fields if isinstance(fields, dict) else {DAMAGED: f"the stored JSON is a {type(fields).__name__}, not a map"}
