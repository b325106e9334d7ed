"""Tickets: a grant as opaque text, with which another process goes on with it."""

import base64
import binascii
import json

from tai_state.errors import InvalidDataError, InvalidIdError
from tai_state.rules.locking.leases import Lease, lease_path

_FORMAT = 1
_FIELDS = ("resource", "holder", "nonce", "fencing_token", "ttl_seconds", "owner_id")
_KINDS = {"fencing_token": (int,), "ttl_seconds": (int, float), "owner_id": (str, type(None))}


def ticket_of(lease: Lease) -> str:
    """Return the ticket of a grant: letters, digits, ``-`` and ``_``."""
    told = {"format": _FORMAT, **{name: getattr(lease, name) for name in _FIELDS}}
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def lease_of(ticket: object) -> Lease:
    """Return the grant of a ticket, as it was when the ticket was made.

    Raises:
        InvalidDataError: It is no ticket, or a later release's.
    """
    try:
        if not isinstance(ticket, str):
            raise TypeError  # noqa: TRY301 - as what cannot be decoded
        told = json.loads(base64.b64decode(ticket + "=" * (-len(ticket) % 4), altchars=b"-_", validate=True))
        fields = {name: told[name] for name in _FIELDS}
        wrong = [name for name in _FIELDS if type(fields[name]) not in _KINDS.get(name, (str,))]
        if told["format"] != _FORMAT or wrong:
            raise TypeError  # noqa: TRY301 - as above
        lease = Lease(**fields, renewals=0, update_time=None)
        lease_path(lease.resource)
    except (TypeError, KeyError, ValueError, binascii.Error, InvalidIdError) as error:
        message = "must be the text that lock.ticket gave"
        raise InvalidDataError(message, path="ticket") from error
    return lease
