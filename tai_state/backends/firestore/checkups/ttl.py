"""Whether TTL policies remove what has expired: nothing of ours depends on it, but without it that stays for ever."""

from tai_state.backends.firestore.checkups.asking import Asking
from tai_state.indexes import EXPIRING
from tai_state.lifetimes import EXPIRES_AT
from tai_state.models import Checkup


def look(asking: Asking) -> Checkup:
    """Ask for the policies of the collection groups whose documents expire."""
    states = {group: _state(asking, group) for group in EXPIRING}
    missing = [group for group in EXPIRING if not states[group]]
    broken = [group for group in EXPIRING if states[group] == "NEEDS_REPAIR"]
    if missing or broken:
        message = f"no TTL policy on {EXPIRES_AT} of {', '.join(missing)}: what has expired stays, unless gc is run"
        if not missing:
            message = f"the TTL policy of {', '.join(broken)} could not be built"
        group = [*missing, *broken][0]
        mend = f"gcloud firestore fields ttls update {EXPIRES_AT} --collection-group={group} --enable-ttl {asking.flag}"
        return Checkup(check="ttl", status="warning", message=message, mend=mend)
    return Checkup(check="ttl", status="ok", message=f"policies on {EXPIRES_AT} of {', '.join(EXPIRING)}")


def _state(asking: Asking, group: str) -> str:
    found = {one.name: one.ttl for one in asking.fields(group) if one.group == group}
    return found.get(EXPIRES_AT, "")
