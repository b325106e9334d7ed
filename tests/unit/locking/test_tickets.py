"""Tickets: opaque text that every release reads as it was meant."""

import base64
import json

import pytest

from tai_state.errors import InvalidDataError
from tai_state.rules.locking.tickets import lease_of, ticket_of
from tests.unit.locking.leases import lease

FIELDS = {
    "format": 1,
    "resource": "r",
    "holder": "a",
    "nonce": "n1",
    "fencing_token": 3,
    "ttl_seconds": 10.0,
    "owner_id": None,
}


def text_of(**changes) -> str:
    """Return the ticket of these fields, with changes."""
    return base64.urlsafe_b64encode(json.dumps({**FIELDS, **changes}).encode()).decode().rstrip("=")


def test_a_ticket_of_the_first_format_is_read():
    """As it was written when there was no other."""
    assert ticket_of(lease()) == text_of()
    assert lease_of(text_of()) == lease(update_time=None)


@pytest.mark.parametrize("resource", ["r", "rr", "rrr", "rrrr"])
def test_a_ticket_gives_the_grant_whatever_its_length(resource):
    """Renewed or not when it was made: of that it says nothing."""
    granted = lease(resource=resource, renewals=7)
    ticket = ticket_of(granted)
    assert "=" not in ticket
    assert lease_of(ticket) == lease(resource=resource, renewals=0, update_time=None)


def test_both_letters_that_are_safe_in_a_url_are_read():
    """``-`` and ``_`` stand for what base 64 writes as ``+`` and ``/``."""
    for resource, letter in (("~~~", "-"), ("???", "_")):
        ticket = ticket_of(lease(resource=resource))
        assert letter in ticket
        assert lease_of(ticket).resource == resource


@pytest.mark.parametrize(
    "ticket",
    [
        None,
        b"e30",
        "",
        text_of()[:8] + "!!!!" + text_of()[8:],
        text_of() + "\n",
        text_of(format=0),
        text_of(format=2),
        text_of(fencing_token=True),
        text_of(fencing_token="3"),
        text_of(ttl_seconds="10"),
        text_of(resource=1),
        text_of(resource=""),
        text_of(holder=None),
        text_of(owner_id=1),
        base64.urlsafe_b64encode(b"[]").decode(),
    ],
)
def test_what_is_no_ticket_is_refused(ticket):
    """A letter too many, another format, a field of another kind."""
    with pytest.raises(InvalidDataError, match=r"must be the text that lock\.ticket gave"):
        lease_of(ticket)
