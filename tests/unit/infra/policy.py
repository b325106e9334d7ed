"""What infra/ must never say: each rule names what breaks it."""

import re
from collections.abc import Iterator
from typing import Any

from tests.unit.infra.terraform import kinds, resources

ALLOWED_ROLES = frozenset({"roles/datastore.user", "roles/run.invoker"})
"""Documents, and the start of a job or a request; whatever administers, edits or owns is not among them."""

ONE_DATABASE = 'resource.name == "projects/${var.project_id}/databases/${var.database_id}"'
"""What bounds a grant on the project, as an expression of IAM's."""

EVERYBODY = re.compile(r"\ball(Authenticated)?Users\b")
_GRANTS = re.compile(r"_iam_(member|binding|policy|audit_config)$")


def granted(text: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield every grant with its place."""
    for kind in sorted(kinds(text)):
        if _GRANTS.search(kind):
            for name, body in resources(kind, text).items():
                yield f"{kind}.{name}", body


def _is_bounded(body: Any) -> bool:
    return [one["expression"] for one in body.get("condition", [])] == [ONE_DATABASE]


def broken_grants(text: str | None = None) -> list[str]:
    """Return the grants of more than documents and starts, to everybody, or of a whole project without a bound."""
    found = []
    for place, body in granted(text):
        if not place.partition(".")[0].endswith("_iam_member"):
            found.append(f"{place} takes away what others were granted, or grants all at once")
        elif body["role"] not in ALLOWED_ROLES:
            found.append(f"{place} grants {body['role']}")
        elif EVERYBODY.search(body["member"]):
            found.append(f"{place} lets everybody in")
        elif place.startswith("google_project_") and not _is_bounded(body):
            found.append(f"{place} reaches every database of the project")
    if "google_service_account_key" in kinds(text):
        found.append("a key of an account can be stolen")
    return found


def unprotected(text: str | None = None) -> list[str]:
    """Return what a slip could destroy, or nobody could bring back."""
    found = []
    databases = resources("google_firestore_database", text)
    for name, body in databases.items():
        wanted = {
            "delete_protection_state": "DELETE_PROTECTION_ENABLED",
            "point_in_time_recovery_enablement": "POINT_IN_TIME_RECOVERY_ENABLED",
            "deletion_policy": "ABANDON",
            "lifecycle": [{"prevent_destroy": True}],
            "type": "FIRESTORE_NATIVE",
        }
        found += [f"{name}: {key} is {body.get(key)}" for key, value in wanted.items() if body.get(key) != value]
    schedules = resources("google_firestore_backup_schedule", text).values()
    if databases:
        rhythms = ("daily_recurrence", "weekly_recurrence")
        found += [f"no {rhythm}" for rhythm in rhythms if not any(rhythm in one for one in schedules)]
    for kind in ("google_cloud_run_v2_service", "google_cloud_run_v2_job"):
        every = resources(kind, text).items()
        found += [f"{name}: can be destroyed" for name, one in every if one.get("deletion_protection") is not True]
    return found
