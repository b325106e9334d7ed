"""The table of routes: declared once, matched by the path as it was sent, written down as OpenAPI, walked by tests."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from tai_state.server.auth.principals import Kind

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from tai_state.server.http.calls import Call

Handler = Callable[["Call"], Awaitable["ASGIApp"]]

KINDS: Mapping[str, tuple[Kind, str]] = {
    "governor": (Kind.GOVERNORS, "{}"),
    "group": (Kind.KEYS, "{}"),
    "resource": (Kind.LOCKS, "{}"),
    # A queue's jobs are states of a governor that is called so.
    "queue": (Kind.GOVERNORS, "jobs:{}"),
}
"""What a part of a path names that is somebody's, and how it is called in patterns."""


class Needs(Enum):
    """What somebody needs to be served."""

    NOTHING = "nothing"
    READ = "read"
    WRITE = "write"


NUMBER_END = 10**18
"""Behind all versions and positions that there can be."""

Behind = Annotated[int, Field(ge=0, lt=NUMBER_END)]
"""A version or position behind which something is wanted; 0: from the first on."""

Version = Annotated[int, Field(ge=1, lt=NUMBER_END)]
"""A version that there may be."""


def _moment(given: object) -> datetime:
    """Return the time that was given; nobody guesses whose time it is, nor takes a number for one."""
    try:
        made = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        made = None
    if not isinstance(made, datetime) or made.utcoffset() is None:
        message = "is a time in ISO 8601 with an offset, such as 2026-03-31T15:00:00+00:00"
        raise PydanticCustomError("moment", message)
    return made


Moment = Annotated[datetime, PlainValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time with an offset."""

LeaseSeconds = Annotated[float, Field(ge=0.01, le=86_400.0)]
"""For how long something may be held without a renewal."""


class Body(BaseModel):
    """The base of what a request says in its body: strict, and nothing that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Change(Body):
    """The base of bodies that change something: why, and what helps to trace it. Who, is who was authenticated."""

    reason: str = ""
    context: dict[str, Any] | None = None


class Query(BaseModel):
    """The base of what a request says behind its path."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Said:
    """One of the answers of a route.

    Attributes:
        shape: The type whose schema its body has; None: it has none.
        headers: Those that go with it.
        media: What kind of body it is.
    """

    status: int
    text: str
    shape: Any = None
    headers: tuple[str, ...] = ()
    media: str = "application/json"


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One operation: a method of a path.

    Attributes:
        path: As OpenAPI has it, its parameters in braces.
        headers: The request's own headers that mean something to it, beside those that all have.
        problems: Statuses of problems that it has beside those that follow from the rest.
        tag: The resource that it is about.
    """

    method: str
    path: str
    handler: Handler
    needs: Needs
    tag: str
    says: tuple[Said, ...]
    body: type[BaseModel] | None = None
    is_body_optional: bool = False
    query: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()
    problems: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What it is called: the operation's id."""
        return self.handler.__name__

    @property
    def parameters(self) -> list[str]:
        """The names in its path, in their order."""
        return re.findall(r"{(\w+)}", self.path)


@dataclass(slots=True)
class Resource:
    """The routes of one resource, as its handlers are declared."""

    tag: str
    routes: list[Route] = field(default_factory=list)

    def route(self, method: str, path: str, *says: Said, **options: Any) -> Callable[[Handler], Handler]:
        """Return what declares a handler; *options* are a Route's. GET needs to read, all else to write."""
        options.setdefault("needs", Needs.READ if method == "GET" else Needs.WRITE)

        def declare(handler: Handler) -> Handler:
            self.routes.append(Route(method, path, handler, tag=self.tag, says=says, **options))
            return handler

        return declare


class Placed(Protocol):
    """What stands in a table: an operation, or a page."""

    @property
    def method(self) -> str: ...  # noqa: D102 - as a Route's own
    @property
    def path(self) -> str: ...  # noqa: D102


PlacedT = TypeVar("PlacedT", bound=Placed)


class _Node(Generic[PlacedT]):
    __slots__ = ("below", "methods", "parameter", "under")

    def __init__(self) -> None:
        self.below: dict[str, _Node[PlacedT]] = {}
        self.parameter = ""
        self.under: _Node[PlacedT] | None = None
        self.methods: dict[str, PlacedT] = {}


class BadPathError(ValueError):
    """A part of a path is not UTF-8 under its percent-encoding."""


class Table(Generic[PlacedT]):
    """All routes. At each place of a path stands a word or a parameter, never both: no id is taken for a word."""

    def __init__(self, routes: Iterable[PlacedT]) -> None:
        """Take *routes*."""
        self.routes = tuple(routes)
        self._root = _Node[PlacedT]()
        for route in self.routes:
            node = self._root
            for part in route.path.split("/")[1:]:
                if part.startswith("{"):
                    assert not node.below, route.path
                    assert node.under is None or node.parameter == part[1:-1], route.path
                    node.under, node.parameter = node.under or _Node(), part[1:-1]
                    node = node.under
                else:
                    assert node.under is None, route.path
                    node = node.below.setdefault(part, _Node())
            assert route.method not in node.methods, route.path
            node.methods[route.method] = route

    def find(self, path: str) -> tuple[Mapping[str, PlacedT], dict[str, str]]:
        """Return the routes of *path*, as it was sent, by method, and its parameters, decoded; none: it leads nowhere.

        Raises:
            BadPathError: A parameter is not UTF-8.
        """
        node, parameters = self._root, dict[str, str]()
        for part in path.split("/")[1:]:
            if node.under is None:
                following = node.below.get(part)
                if following is None:
                    return {}, {}
            elif part:
                following = node.under
                parameters[node.parameter] = _decoded(part)
            else:
                return {}, {}
            node = following
        return node.methods, parameters


def _decoded(part: str) -> str:
    if "%" not in part:
        return part
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError as error:
        raise BadPathError(part) from error
