"""Leases for the tests of the rules: made, and as a store would hold them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tai_state.documents import Document
from tai_state.rules.locking.leases import Claim, Lease, lease_fields, lease_path
from tai_state.rules.locking.owners import Owner

START = datetime(2026, 1, 1, tzinfo=UTC)

PATH = lease_path("r")

TTL = 10.0


def at(seconds: float) -> datetime:
    """Return the moment so long after the start."""
    return START + timedelta(seconds=seconds)


def lease(**changes) -> Lease:
    """Return a lease of resource r, with changes."""
    return replace(
        Lease(resource="r", holder="a", nonce="n1", fencing_token=3, ttl_seconds=TTL, renewals=0, update_time=START),
        **changes,
    )


def stored(one: Lease) -> Document:
    """Return the document of a lease."""
    assert one.update_time is not None
    return Document(one.path, lease_fields(one), START, one.update_time)


def claim(owner: str, nonce: str, ttl_seconds: float = 5.0) -> Claim:
    """Return what an owner would have written."""
    return Claim(owner=Owner(owner, f"{owner}/1"), nonce=nonce, ttl_seconds=ttl_seconds)
