"""OpenAPI 3.1, written from the table of routes: what is routed is what is described."""

import inspect
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from tai_state import VectorClock, __version__
from tai_state.adapters.problems import CONTENT_TYPE as PROBLEM_TYPE
from tai_state.server.http.routes import KINDS, Needs, Route, Said
from tai_state.server.http.shapes import ProblemDetails

REF = "#/components/schemas/"
PROBLEM: dict[str, str] = {"$ref": "#/components/responses/Problem"}

HEADERS: Mapping[str, str] = {
    "If-Match": 'The version that is expected, as an entity tag: "3". Another one is 412.',
    "If-None-Match": "A read: versions that one has; then 304. A change: *, there must be none yet; then 412.",
    "Idempotency-Key": "Makes the change once, however often it is asked for; another request under it is 422.",
    "Lock-Ticket": "Tickets of locks that guard the change, separated by commas.",
    "Job-Ticket": "The ticket of the claim of the job.",
    "Last-Event-ID": "The id of the last event that was seen: the stream goes on behind it.",
    "Prefer": "return=minimal: no body.",
    "ETag": "The version.",
    "Idempotency-Replayed": "Whether the change had been made before, under the same key.",
    "Preference-Applied": "return=minimal, where it was preferred.",
    "Location": "Where it is.",
    "Link": 'The next page, where there is one: rel="next".',
    "Retry-After": "After how many seconds to ask again.",
}

PARAMETERS: Mapping[str, str] = {
    "governor": "The id of a governor, percent-encoded.",
    "state": "The id of a state, percent-encoded.",
    "version": "A version of the state.",
    "machine": "The name of a machine.",
    "group": "The name of a group of keys, percent-encoded.",
    "key": "A key, percent-encoded.",
    "resource": "What is locked, percent-encoded.",
    "queue": "The name of a queue, percent-encoded.",
    "job": "The id of a job, percent-encoded.",
    "saga": "The id of a saga, percent-encoded.",
    "operation": "The id of an operation.",
}

ABOUT = """\
States, keys, locks, jobs and sagas of one store, with the guarantees of the library: see docs/server.md.

Stored values are plain JSON, in which bytes and times are objects of one tag: {"$bytes": "AAE="}, {"$time":
"2026-01-02T03:04:05.000006+00:00"}, and {"$map": {...}} around an object that only looks like one.
"""


class _Schemas(GenerateJsonSchema):
    """Schemas of the library's models, whose clocks are no models."""

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        if schema["cls"] is VectorClock:
            return {"type": "object", "additionalProperties": {"type": "integer"}}
        return super().is_instance_schema(schema)


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return what OpenAPI says of *routes*."""
    every = list(routes)
    schemas = _Collected(every)
    paths: dict[str, dict[str, Any]] = {}
    for route in every:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "tai_state", "version": __version__, "description": ABOUT, "license": {"name": "MIT"}},
        "security": [{"bearer": []}],
        "tags": [{"name": name} for name in dict.fromkeys(route.tag for route in every)],
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "responses": {"Problem": {"description": "A problem (RFC 9457).", "content": schemas.problem}},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token, or an identity token."}
            },
        },
    }


def text_of(routes: Iterable[Route]) -> str:
    """Return the document as the text that is committed."""
    return json.dumps(document(routes), indent=1, ensure_ascii=False) + "\n"


class _Collected:
    """The schemas of all types, those with a name once."""

    def __init__(self, routes: list[Route]) -> None:
        bodies = {route.body for route in routes if route.body is not None}
        shapes = [said.shape for route in routes for said in route.says if said.shape is not None]
        wanted: list[tuple[Any, Any, Any]] = []
        self._keys: dict[tuple[str, str], Any] = {}
        for mode, kinds in (("validation", bodies), ("serialization", [*shapes, ProblemDetails])):
            for kind in kinds:
                key = (mode, repr(kind))
                if key not in self._keys:
                    self._keys[key] = kind
                    wanted.append((key, mode, TypeAdapter(kind)))
        wanted.sort(key=lambda one: one[0])
        found, rest = TypeAdapter.json_schemas(wanted, ref_template=REF + "{model}", schema_generator=_Schemas)
        self._schemas = {key: _plain(schema) for (key, _), schema in found.items()}
        self.definitions = {_name(name): _plain(schema) for name, schema in sorted(rest.get("$defs", {}).items())}
        for name in self.definitions.keys() - {body.__name__ for body in bodies}:
            # A later release may tell more; what a request may say is what is known.
            self.definitions[name].pop("additionalProperties", None)
        self.problem = {PROBLEM_TYPE: {"schema": self.of("serialization", ProblemDetails)}}

    def of(self, mode: str, kind: Any) -> Any:
        """Return the schema of a type."""
        return self._schemas[mode, repr(kind)]


def _name(name: str) -> str:
    """Return how a type is called: Items[Event[Any]], which pydantic calls Items_Event_Any__, EventPage."""
    plain = name.replace("_Any_", "")
    return f"{plain.removeprefix('Items_').removesuffix('_')}Page" if plain.startswith("Items_") else plain


def _plain(schema: Any) -> Any:
    """Return a schema without titles, which repeat names, and with the first paragraph of each description."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    # A property may be called title.
    made = {name: _plain(one) for name, one in schema.items() if name != "title" or not isinstance(one, str)}
    if isinstance(made.get("$ref"), str):
        made["$ref"] = REF + _name(made["$ref"].removeprefix(REF))
    if isinstance(made.get("description"), str):
        made["description"] = " ".join(made["description"].split("\n\n", maxsplit=1)[0].split())
    return made


def _operation(route: Route, schemas: _Collected) -> dict[str, Any]:
    summary, _, rest = (inspect.getdoc(route.handler) or "").partition("\n\n")
    told: dict[str, Any] = {"operationId": route.name, "tags": [route.tag], "summary": summary}
    if rest:
        told["description"] = " ".join(rest.split())
    parameters = [*_in_path(route), *_in_query(route), *_in_headers(route)]
    if parameters:
        told["parameters"] = parameters
    if route.body is not None:
        content = {"application/json": {"schema": schemas.of("validation", route.body)}}
        told["requestBody"] = {"required": not route.is_body_optional, "content": content}
    if route.needs is Needs.NOTHING:
        told["security"] = []
    answers = {str(said.status): _answer(said, schemas) for said in route.says}
    answers |= {str(status): PROBLEM for status in sorted(problems_of(route))}
    return {**told, "responses": answers}


def problems_of(route: Route) -> set[int]:
    """Return the statuses of problems that a route may have: its own, and those that follow from what it takes."""
    found = set(route.problems)
    if route.needs is not Needs.NOTHING:
        # No token; no path that can be read; more than is taken; a store that is away, or damaged.
        found |= {400, 401, 429, 500, 501, 503}
        # An id that cannot be one.
        found |= {422} if route.parameters or route.query is not None else set()
    if route.needs is Needs.WRITE or not KINDS.keys().isdisjoint(route.parameters):
        found.add(403)
    if route.query is not None or route.body is not None:
        found |= {403, 422}
    if route.body is not None:
        found |= {408, 413, 415}
    return found


def _in_path(route: Route) -> list[dict[str, Any]]:
    schemas = {"version": {"type": "integer", "minimum": 1}}
    text = {"type": "string", "minLength": 1}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PARAMETERS[name],
            "schema": schemas.get(name, text),
        }
        for name in route.parameters
    ]


def _in_query(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = _plain(route.query.model_json_schema(schema_generator=_Schemas))
    required = schema.get("required", [])
    return [_parameter(name, one, is_required=name in required) for name, one in schema["properties"].items()]


def _parameter(name: str, schema: Mapping[str, Any], *, is_required: bool) -> dict[str, Any]:
    description = schema.get("description")
    # What is left out stands for null, which no query can say.
    rest = {key: one for key, one in schema.items() if key != "description" and (key, one) != ("default", None)}
    if "anyOf" in rest:
        kinds = [one for one in rest.pop("anyOf") if one != {"type": "null"}]
        rest |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    told: dict[str, Any] = {"name": name, "in": "query", "required": is_required, "schema": rest}
    return told if description is None else {**told, "description": description}


def _in_headers(route: Route) -> list[dict[str, Any]]:
    text = {"type": "string"}
    return [
        {
            "name": name,
            "in": "header",
            "required": name == "Job-Ticket",
            "description": HEADERS[name],
            "schema": text,
        }
        for name in route.headers
    ]


def _answer(said: Said, schemas: _Collected) -> dict[str, Any]:
    told: dict[str, Any] = {"description": said.text}
    if said.headers:
        told["headers"] = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in said.headers}
    if said.shape is not None:
        told["content"] = {said.media: {"schema": schemas.of("serialization", said.shape)}}
    return told
