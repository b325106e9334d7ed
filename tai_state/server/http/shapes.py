"""The shapes of answers that are no public model of the library's, for OpenAPI: their fields are what is sent."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from tai_state import StateSnapshot

T = TypeVar("T")


class Ok(BaseModel):
    """That all is well."""

    ok: bool


class Items(BaseModel, Generic[T]):
    """A page of a list; ``Link`` leads to the next one."""

    items: list[T]


class Governor(BaseModel):
    """A governor."""

    governor_id: str


class Counted(BaseModel):
    """How many states a governor has that are not deleted, as the engine counts them; in all, and of a status."""

    governor_id: str
    states: int


class Versioned(BaseModel):
    """What a change made that returns no state."""

    version: int = Field(description="The version that it made; the ETag, too.")


class Moved(BaseModel):
    """What a transition did, and the state that it made."""

    version: int
    from_status: str | None
    to_status: str
    replayed: bool = Field(description="Whether it had been made before, under the same Idempotency-Key.")
    snapshot: StateSnapshot[Any]


class FoundStates(BaseModel):
    """Several states of a governor as of one moment."""

    found: dict[str, StateSnapshot[Any]]
    missing: list[str]
    damaged: list[str]


class MachineShape(BaseModel):
    """A machine: its definition, and what follows from it."""

    name: str
    version: int
    initial: str
    statuses: list[str]
    terminal: list[str]
    transitions: list[dict[str, Any]]
    data_schema: dict[str, Any] | None = Field(None, description="The JSON schema of its data, where it has a type.")


class MachineName(BaseModel):
    """A machine by its name."""

    name: str
    version: int


class ProblemShape(BaseModel):
    """A problem (RFC 9457); some have more members, which docs/errors.md and docs/server.md tell."""

    type: str
    title: str
    status: int
    code: str = Field(description="Stable: what programs compare.")
    detail: str | None = None
    retry_after: float | None = Field(None, description="After how many seconds the same request may succeed.")
