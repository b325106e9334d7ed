"""The package's log records as JSON that Cloud Logging takes apart, each with the trace that it belongs to.

    handler = logging.StreamHandler()
    handler.setFormatter(CloudLoggingFormatter(project="my-project"))
    logging.getLogger("tai_state").addHandler(handler)

The names of the special fields are Google's ("Structured logging", Cloud Logging documentation).
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tai_state.errors import TaiStateError

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = (
    "event",
    "what",
    "attempt",
    "cause",
    "seconds",
    "governor_id",
    "state_id",
    "version",
    "action",
    "transition_id",
    "resource",
    "fencing_token",
    "machine",
    "fingerprint",
    "stored_fingerprint",
    "path",
    "code",
    "status",
)
"""What the package's records carry beside their message, and all of what is written: nobody else's fields are."""

LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}


class CloudLoggingFormatter(logging.Formatter):
    """A line of JSON for each record, for the standard output or error of what runs on Google Cloud.

    A record of the package holds ids and codes, and no data, payload or key. Of an exception that goes with a record
    the frames are written, and its text where it is one of the package's errors: what others say of theirs may hold
    anything.
    """

    def __init__(self, project: str | None = None) -> None:
        """Name traces as *project*'s, the form that links them in the console; None: by their id alone."""
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        told: dict[str, Any] = {
            "severity": record.levelname if record.levelname in LEVELS else "DEFAULT",
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
        # False where a caller said exc_info=False.
        if record.exc_info and record.exc_info[1] is not None:
            told["stack_trace"] = "".join(_traced(record.exc_info[1]))
        told |= self._trace()
        return json.dumps(told, ensure_ascii=False, default=str)

    def _trace(self) -> dict[str, Any]:
        """Return the trace that is under way, where OpenTelemetry is in use at all."""
        api = sys.modules.get("opentelemetry.trace")
        context = api.get_current_span().get_span_context() if api is not None else None
        if context is None or not context.is_valid:
            return {}
        trace = f"{context.trace_id:032x}"
        return {
            "logging.googleapis.com/trace": trace
            if self._project is None
            else f"projects/{self._project}/traces/{trace}",
            "logging.googleapis.com/spanId": f"{context.span_id:016x}",
            "logging.googleapis.com/trace_sampled": bool(context.trace_flags.sampled),
        }


def _traced(error: BaseException) -> Iterator[str]:
    """Yield the lines of a traceback, its causes first; one that is met twice is told once, as Python does."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and not any(one is met for met in chain):
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    for place, met in enumerate(reversed(chain)):
        if place:
            yield "\nThe above led to:\n\n"
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(met.__traceback__)
        name = f"{type(met).__module__}.{type(met).__qualname__}"
        yield f"{name}: {met}\n" if isinstance(met, TaiStateError) else f"{name}\n"
