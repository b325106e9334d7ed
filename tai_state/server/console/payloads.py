"""Forms of payloads: made of the type that a machine's functions say they take, and read back as JSON-like values.

A move's guard or apply is ``(data, payload)``; where the payload is annotated, its JSON schema tells the fields. What
has no such type, or fields that are lists and objects, is typed as JSON.
"""

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError

from tai_state import Machine
from tai_state.machine.payload_type import payload_type
from tai_state.server.http import refusals
from tai_state.values import from_json

_KINDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
_PREFIX = "payload."
WHOLE = "payload"
"""The field that is the payload itself."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Attributes:
        name: What the field of the form is called.
        label: What the payload calls it; "" is the payload itself.
        kind: text, integer, number, boolean, choice or json.
        choices: Of a choice, as JSON.
    """

    name: str
    label: str
    kind: str
    is_required: bool
    choices: tuple[str, ...] = ()
    told: str = ""


def fields_of(machine: Machine[Any], status: str, action: str) -> tuple[Field, ...]:
    """Return the fields of the form for *action*, one of those that *status* allows."""
    types = [
        found
        for candidate in machine.candidates(status, action)
        for function in (candidate.guard, candidate.apply)
        if function is not None and (found := payload_type(function)) is not None
    ]
    if not types or any(one != types[0] for one in types):
        return (Field(WHOLE, "", "json", is_required=False),)
    try:
        schema = _schema_of(types[0])
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError):
        return (Field(WHOLE, "", "json", is_required=False),)
    properties = schema.get("properties")
    if schema.get("type") != "object" or not properties:
        return (_field(WHOLE, "", schema, is_required=schema.get("type") != "null"),)
    required = schema.get("required", [])
    return tuple(_field(_PREFIX + name, name, one, is_required=name in required) for name, one in properties.items())


def payload_of(fields: tuple[Field, ...], form: Mapping[str, str]) -> Any:
    """Return the payload that a form says; a field that was left empty is left out.

    Raises:
        Refusal: A field is not as its kind has it.
        InvalidDataError: What was typed as JSON is none.
    """
    if [one.name for one in fields] == [WHOLE]:
        return _value(fields[0], form)
    told = {one.label: _value(one, form) for one in fields}
    return {one.label: told[one.label] for one in fields if form.get(one.name, "") or one.is_required}


def _schema_of(kind: Any) -> Mapping[str, Any]:
    """Return the JSON schema of a type."""
    # pydantic takes those of the standard library from Python 3.12 on alone.
    if typing.is_typeddict(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        properties = {name: TypeAdapter(hint).json_schema() for name, hint in hints.items()}
        return {"type": "object", "properties": properties, "required": sorted(kind.__required_keys__)}
    return TypeAdapter(kind).json_schema()


def _field(name: str, label: str, schema: Mapping[str, Any], *, is_required: bool) -> Field:
    told = str(schema.get("description", ""))
    enum = schema.get("enum")
    if isinstance(enum, list) and all(isinstance(one, str) for one in enum):
        return Field(name, label, "choice", is_required, tuple(enum), told)
    return Field(name, label, _KINDS.get(str(schema.get("type")), "json"), is_required, told=told)


def _value(field: Field, form: Mapping[str, str]) -> Any:
    said = form.get(field.name, "")
    if not said and field.kind != "text":
        if field.is_required:
            raise refusals.wrong(field.label or WHOLE, "is missing")
        return None
    match field.kind:
        case "text":
            return said
        case "choice":
            if said not in field.choices:
                raise refusals.wrong(field.label or WHOLE, "is none of those that may be chosen")
            return said
        case "boolean":
            return said == "true"
        case "integer" | "number":
            return _number(field, said)
        case _:
            return from_json(said)


def _number(field: Field, said: str) -> float:
    try:
        return int(said) if field.kind == "integer" else float(said)
    except ValueError:
        raise refusals.wrong(field.label or WHOLE, f"is no {field.kind}") from None
