"""Nobody administers, nothing is public, and what holds the data is protected."""

import re

import pytest

from tests.unit.infra.policy import ONE_DATABASE, broken_grants, granted, unprotected
from tests.unit.infra.terraform import TERRAFORM, resources

DATABASE = (TERRAFORM / "database.tf").read_text(encoding="utf-8")
BACKUPS = (TERRAFORM / "backups.tf").read_text(encoding="utf-8")
IDENTITIES = (TERRAFORM / "identities.tf").read_text(encoding="utf-8")


def test_nobody_may_do_more_than_work():
    """The service and the jobs work on documents of one database, the clock starts jobs."""
    assert broken_grants() == []
    assert {place for place, _ in granted()} == {
        "google_project_iam_member.data",
        "google_cloud_run_v2_job_iam_member.start",
        "google_cloud_run_v2_service_iam_member.invoke",
    }


@pytest.mark.parametrize(
    ("line", "planted"),
    [
        ("roles/datastore.user", "roles/datastore.owner"),
        ("roles/datastore.user", "roles/editor"),
        ("roles/run.invoker", "roles/run.admin"),
        ("roles/run.invoker", "roles/owner"),
        ('"serviceAccount:${google_service_account.scheduler.email}"', '"allUsers"'),
        ('"serviceAccount:${google_service_account.scheduler.email}"', '"allAuthenticatedUsers"'),
        ("google_project_iam_member", "google_project_iam_binding"),
        ('"google_service_account" "scheduler"', '"google_service_account_key" "scheduler"'),
    ],
)
def test_a_grant_of_more_is_found(line, planted):
    """Whichever way it comes in."""
    assert broken_grants(IDENTITIES) == []
    assert broken_grants(IDENTITIES.replace(line, planted)) != []


def test_a_grant_on_the_whole_project_is_found():
    """Without its condition the accounts would reach every database of the project."""
    without = re.sub(r"  condition \{.*?\n  \}\n", "", IDENTITIES, flags=re.DOTALL)
    assert broken_grants(without) == ["google_project_iam_member.data reaches every database of the project"]


@pytest.mark.parametrize("planted", ["true", ONE_DATABASE.replace("==", "!="), 'resource.name.startsWith("projects/")'])
def test_a_grant_whose_condition_bounds_nothing_is_found(planted):
    """It holds everywhere, or everywhere else."""
    bound, planted = (text.replace('"', '\\"') for text in (ONE_DATABASE, planted))
    assert bound in IDENTITIES
    assert broken_grants(IDENTITIES.replace(bound, planted)) != []


def test_what_holds_the_data_is_protected():
    """The database, and what works on it."""
    assert unprotected() == []


@pytest.mark.parametrize(
    ("line", "planted"),
    [
        ("DELETE_PROTECTION_ENABLED", "DELETE_PROTECTION_DISABLED"),
        ("POINT_IN_TIME_RECOVERY_ENABLED", "POINT_IN_TIME_RECOVERY_DISABLED"),
        ('"ABANDON"', '"DELETE"'),
        ("prevent_destroy = true", "prevent_destroy = false"),
        ("FIRESTORE_NATIVE", "DATASTORE_MODE"),
        ("daily_recurrence {}", ""),
        ("weekly_recurrence {", "other_recurrence {"),
        ('  delete_protection_state = "DELETE_PROTECTION_ENABLED"\n', ""),
    ],
)
def test_a_database_without_protection_is_found(line, planted):
    """Also one of which nothing is said: nothing of it is the default."""
    assert unprotected(DATABASE + BACKUPS) == []
    assert len(unprotected((DATABASE + BACKUPS).replace(line, planted))) == 1


@pytest.mark.parametrize("planted", ["deletion_protection = false", ""])
@pytest.mark.parametrize("file", ["jobs.tf", "service.tf"])
def test_what_works_on_the_data_without_protection_is_found(file, planted):
    """Whether it is said, or nothing is."""
    text = (TERRAFORM / file).read_text(encoding="utf-8")
    assert unprotected(text) == []
    assert len(unprotected(re.sub(r"deletion_protection += true", planted, text))) == 1


def test_the_rules_that_are_released_are_those_that_are_shipped():
    """For this database, whose release has its name."""
    ruleset = resources("google_firebaserules_ruleset")["deny"]
    (source,) = ruleset["source"]
    assert source["files"][0]["content"] == '${file("${path.module}/../firestore/firestore.rules")}'
    release = resources("google_firebaserules_release")["deny"]
    assert '"cloud.firestore/${var.database_id}"' in release["name"]
