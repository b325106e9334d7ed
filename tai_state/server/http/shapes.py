"""The shapes of answers that are no public model of the library's, for OpenAPI: their fields are what is sent."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from tai_state import ConsistencyReport, RecoveryReport, StateSnapshot

T = TypeVar("T")


class Ok(BaseModel):
    """That all is well."""

    ok: bool


class Items(BaseModel, Generic[T]):
    """A page of a list; ``Link`` leads to the next one."""

    items: list[T]
    damaged: list[str] = Field(
        default_factory=list, description="What cannot be read: ids of states, or paths of documents."
    )


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


class MachineDefinition(BaseModel):
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


class ProblemDetails(BaseModel):
    """A problem (RFC 9457); some have more members, which docs/errors.md and docs/server.md tell."""

    type: str
    title: str
    status: int
    code: str = Field(description="Stable: what programs compare.")
    detail: str | None = None
    retry_after: float | None = Field(None, description="After how many seconds the same request may succeed.")


class KeyValue(BaseModel):
    """A key and its value."""

    key: str
    value: Any


class Done(BaseModel):
    """What an operation told."""

    value: Any
    version: int | None = Field(description="The version that it made; null: it had nothing to write.")


class Result(BaseModel):
    """What became of one operation of several."""

    id: str | None = Field(description="As its caller called it.")
    value: Any
    version: int | None = None
    error: ProblemDetails | None = None


class Results(BaseModel):
    """What became of several operations, in their order."""

    results: list[Result]


class Removed(BaseModel):
    """How many were removed."""

    removed: int


class LockHeld(BaseModel):
    """A lock that is held by whoever has its ticket."""

    resource: str
    owner: str
    fencing_token: int
    ticket: str = Field(description="Send it as Lock-Ticket: to guard changes, to renew, to release.")


class LocksHeld(BaseModel):
    """Locks that were acquired together."""

    locks: list[LockHeld]


class JobName(BaseModel):
    """A job by its id."""

    id: str


class JobCounts(BaseModel):
    """How many jobs of a queue are in each status."""

    counts: dict[str, int]


class Claimed(BaseModel):
    """A job that is its claimer's for a while."""

    id: str
    payload: Any
    attempts: int
    priority: int
    ticket: str = Field(description="Send it as Job-Ticket: heartbeat, complete, fail, release.")


class BackgroundOperation(BaseModel):
    """A check or a repair: how far it has come, and what it found."""

    id: str
    kind: str
    governor_id: str | None
    by: str
    status: str = Field(description="running, done, failed or stopped.")
    started_at: datetime
    ended_at: datetime | None
    states: int = Field(description="How many states were looked at so far.")
    governor: str | None = Field(description="Whose states are looked at now.")
    reports: list[ConsistencyReport | RecoveryReport] = Field(description="Of governors with findings.")
    sound: int = Field(description="How many governors had none.")
    omitted: int = Field(description="How many reports with findings are not told.")
    error: ProblemDetails | None
