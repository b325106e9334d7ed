"""Tickets of claims: opaque text, with which another process goes on with a job."""

import base64
import json
from typing import NamedTuple

from tai_state.clock import seconds_of
from tai_state.errors import ConfigurationError, InvalidDataError

_FORMAT = 1


class Claim(NamedTuple):
    """A claim of a job.

    Attributes:
        id: Its own, by which it is told from all others of the job.
        lease_seconds: How long it lasts without a heartbeat.
    """

    queue: str
    job_id: str
    id: str
    lease_seconds: float


def ticket_of(claim: Claim) -> str:
    """Return the ticket of a claim: letters, digits, ``-`` and ``_``."""
    told = {"format": _FORMAT, **claim._asdict()}
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def claim_of(ticket: object, queue: str) -> Claim:
    """Return the claim of a ticket.

    Raises:
        InvalidDataError: It is no ticket, or a later release's, or of a job of another queue than *queue*.
    """
    try:
        if not isinstance(ticket, str):
            raise TypeError  # noqa: TRY301 - as what cannot be decoded
        told = json.loads(base64.b64decode(ticket + "=" * (-len(ticket) % 4), altchars=b"-_", validate=True))
        claim = Claim(told["queue"], told["job_id"], told["id"], told["lease_seconds"])
        if told["format"] != _FORMAT or not all(isinstance(text, str) for text in claim[:3]):
            raise TypeError  # noqa: TRY301 - as above
        seconds_of(claim.lease_seconds)
    except (TypeError, KeyError, ValueError, RecursionError, ConfigurationError) as error:
        message = "must be the text that job.ticket gave"
        raise InvalidDataError(message, path="ticket") from error
    if claim.queue != queue:
        message = f"is of a job of the queue {claim.queue!r}, not {queue!r}"
        raise InvalidDataError(message, path="ticket")
    return claim
