"""What an operator does to a state: a move of its machine, the way back, a snapshot.

Each form says the version that its page showed, so that nothing is done to a state that has changed meanwhile, and
brings a key of its own: sent twice, it is done once.
"""

from collections.abc import Mapping

from starlette.responses import Response

from tai_state import ChangeMetadata
from tai_state.server.console.moves import machine_of
from tai_state.server.console.payloads import fields_of, payload_of
from tai_state.server.console.rendering import brought
from tai_state.server.console.routes import Pages
from tai_state.server.console.visit import Visit
from tai_state.server.http import refusals

pages = Pages()
_STATE = "governors/{governor}/states/{state}"


@pages.action(_STATE + "/transition")
async def transition(visit: Visit) -> Response:
    """Move a state, where it is still at the version that the form was made for."""
    governor, state, form = visit.path["governor"], visit.path["state"], await visit.form()
    version, metadata = _version(visit, form), reason_of(visit, form)
    snapshot, _ = await visit.store.get_state(governor, state, timeout=visit.seconds)
    machine = machine_of(visit, snapshot)
    if machine is None:
        raise refusals.wrong("action", "this server does not know the machine of this state")
    # By the status that the page showed: sent again, the form says the same though the state has moved on.
    action, status = brought(form.get("action", "")), brought(form.get("status", ""))
    is_known = status in machine.statuses and action in machine.allowed(status)
    payload = payload_of(fields_of(machine, status, action), form) if is_known else None
    await visit.service.persisters[machine.name].transition(
        governor,
        state,
        action,
        payload,
        expected_version=version,
        idempotency_key=key_of(form),
        metadata=metadata,
        timeout=visit.seconds,
    )
    return visit.redirect("governors", governor, "states", state, done="transition")


@pages.action(_STATE + "/rollback")
async def rollback(visit: Visit) -> Response:
    """Make a new version of a state with what an earlier one held."""
    governor, state, form = visit.path["governor"], visit.path["state"], await visit.form()
    to_version = visit.number("to_version", form.get("to_version", ""))
    assert to_version is not None
    await visit.service.plain.rollback(
        governor,
        state,
        to_version,
        reason_of(visit, form),
        expected_version=_version(visit, form),
        idempotency_key=key_of(form),
        timeout=visit.seconds,
    )
    return visit.redirect("governors", governor, "states", state, done="rollback")


@pages.action(_STATE + "/snapshot")
async def snapshot(visit: Visit) -> Response:
    """Keep a snapshot of a state as it is now."""
    governor, state = visit.path["governor"], visit.path["state"]
    await visit.service.plain.create_snapshot(governor, state, timeout=visit.seconds)
    return visit.redirect("governors", governor, "states", state, done="snapshot")


def reason_of(visit: Visit, form: Mapping[str, str]) -> ChangeMetadata:
    """Return who makes a change, and why.

    Raises:
        Refusal: No reason is given.
    """
    reason = form.get("reason", "").strip()
    if not reason:
        raise refusals.wrong("reason", "say why: it stands in the history")
    return ChangeMetadata(changed_by=visit.principal.name, reason=reason)


def key_of(form: Mapping[str, str]) -> str:
    """Return the key under which what a form says is done once.

    Raises:
        Refusal: It has none.
    """
    key = form.get("key", "")
    if not key:
        raise refusals.wrong("key", "is missing: load the page again")
    return key


def _version(visit: Visit, form: Mapping[str, str]) -> int:
    version = visit.number("version", form.get("version", ""))
    assert version is not None
    return version
