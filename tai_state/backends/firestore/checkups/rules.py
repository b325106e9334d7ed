"""Whether the security rules let apps at a store's documents. Services pass rules by; whoever has an app does not."""

from collections.abc import Iterator
from typing import Any

from tai_state.backends.firestore.checkups.asking import Asking
from tai_state.layout import state_layout
from tai_state.models import Checkup

_METHODS = ("get", "create", "update", "delete")
_NOBODY: None = None
_SIGNED_IN = {"uid": "tai-state-doctor", "token": {}}
_MEND = "firebase deploy --only firestore:rules, with rules that deny what is below {where}"


def look(asking: Asking) -> Checkup:
    """Have Google evaluate the rules in force for a state's document: for nobody, and for somebody who signed in."""
    ruleset = asking.ruleset()
    if ruleset is None:
        return Checkup(check="rules", status="ok", message="none are in force: servers alone get in")
    cases = list(_cases(asking))
    denied = asking.denied(ruleset, [request for _, _, request in cases])
    allowed = [(who, method) for (who, method, _), is_denied in zip(cases, denied, strict=True) if not is_denied]
    where = f"{asking.root}/governors" if asking.root else "governors"
    for who, status in (("anybody", "problem"), ("whoever is signed in", "warning")):
        methods = [method for one, method in allowed if one == who]
        if methods:
            message = f"the security rules let {who} {', '.join(methods)} states"
            return Checkup(check="rules", status=status, message=message, mend=_MEND.format(where=where))  # type: ignore[arg-type]  # one of the two
    return Checkup(check="rules", status="ok", message="neither strangers nor those who signed in get at states")


def _cases(asking: Asking) -> Iterator[tuple[str, str, dict[str, Any]]]:
    below = f"/{asking.root}" if asking.root else ""
    path = f"/databases/{asking.database_id}/documents{below}/{state_layout('doctor', 'doctor').state}"
    for who, auth in (("anybody", _NOBODY), ("whoever is signed in", _SIGNED_IN)):
        for method in _METHODS:
            yield who, method, {"auth": auth, "path": path, "method": method, "resource": {"data": {}}}
