"""The answer that tells of a move."""

from typing import Any

from tai_state import TransitionResult
from tai_state.server.http.answers import Answer
from tai_state.server.http.calls import Call


def moved(call: Call, result: TransitionResult[Any], *, status: int = 200) -> Answer:
    """Return the answer that tells of *result*; one that had been made before is told the same, and that it was."""
    headers = {"Idempotency-Replayed": "true" if result.replayed else "false"}
    if status == 201:  # noqa: PLR2004 - Created
        headers["Location"] = call.link("v1", "governors", call.path["governor"], "states", call.path["state"])
    if call.prefers_minimal():
        # The state is made for who wants to see it.
        return call.changed(None, result.version, headers=headers)
    content = {
        "version": result.version,
        "from_status": result.from_status,
        "to_status": result.to_status,
        "replayed": result.replayed,
        "snapshot": result.snapshot,
    }
    return call.changed(content, result.version, status=status, headers=headers)
