"""The restore drill says what it would do, writes beside the database only, and keeps a copy that is not sound."""

import os
import re
import subprocess

import pytest

from tai_state.urls import parse_url
from tests.unit.infra.terraform import INFRA

SCRIPT = INFRA / "restore-drill.sh"
OF_ONE = ("--project", "my-project", "--database", "tai-state")
AT = "2026-03-31T19:04:00Z"
BACKUP = "projects/my-project/locations/eur3/backups/b1"
FAKE = """#!/usr/bin/env bash
echo "${0##*/} $*" >> "$CALLS"
case "$*" in
    *"backups list"*) echo "$BACKUP" ;;
    *" governors") printf '%s' "$GOVERNORS" ;;
    *" verify") exit "$VERDICT" ;;
esac
"""


@pytest.fixture
def drill(tmp_path):
    """Run the script with programs that only note how they are called."""
    for name in ("gcloud", "tai-state"):
        (tmp_path / name).write_text(FAKE, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    calls = tmp_path / "calls"
    calls.touch()

    def run(*words, verdict=0, backup=BACKUP, governors="orders"):
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        said = {"CALLS": str(calls), "VERDICT": str(verdict), "BACKUP": backup, "GOVERNORS": governors}
        env = {**os.environ, "PATH": path, **said}
        result = subprocess.run(
            ["bash", SCRIPT, *words], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        return result, calls.read_text(encoding="utf-8").splitlines()

    return run


CLONE = f"clone --project=my-project --source-database=projects/my-project/databases/tai-state --snapshot-time={AT}"
RESTORE = f"restore --project=my-project --source-backup={BACKUP}"


@pytest.mark.parametrize(
    ("words", "first"),
    [(("pitr", "--at", AT), CLONE), (("backup", "--backup", BACKUP), RESTORE)],
    ids=["pitr", "backup"],
)
def test_the_commands_are_printed_and_not_run(drill, words, first):
    """In their order, as they would be typed."""
    result, calls = drill(*words, *OF_ONE, "--into", "copy", "--dry-run")
    assert (result.returncode, calls) == (0, [])
    lines = result.stdout.splitlines()
    assert lines[0] == f"gcloud firestore databases {first} --destination-database=copy"
    assert lines[1].startswith("gcloud firestore operations list --project=my-project --database=copy ")
    assert lines[2:] == [
        "tai-state --store firestore://my-project/copy governors",
        "tai-state --store firestore://my-project/copy verify",
        "gcloud firestore databases delete --project=my-project --database=copy --quiet",
    ]
    assert parse_url("firestore://my-project/copy").text == "firestore://my-project/copy"


def test_the_newest_backup_is_looked_for(drill):
    """Where none is named; nothing is restored when there is none."""
    result, calls = drill("backup", *OF_ONE, "--into", "copy")
    assert result.returncode == 0
    assert "backups list" in calls[0]
    assert f"--source-backup={BACKUP}" in calls[1]
    result, calls = drill("backup", *OF_ONE, "--into", "copy", backup="")
    assert (result.returncode, "backups list" in calls[-1]) == (2, True)


def test_the_backups_of_the_default_database_are_found(drill):
    """Its name has parentheses, which are a part of the language of filters: unquoted they match nothing."""
    _, calls = drill("backup", "--project", "my-project", "--database", "(default)", "--into", "copy")
    assert '--filter=database="projects/my-project/databases/(default)" AND state=READY' in calls[0]


def test_a_copy_that_holds_nothing_proves_nothing(drill):
    """It has no chain that could be wrong: the drill has failed, and the copy stays."""
    result, calls = drill("pitr", *OF_ONE, "--into", "copy", governors="")
    assert result.returncode == 1
    assert "no governor" in result.stderr
    assert not any("databases delete" in call for call in calls)


@pytest.mark.parametrize(
    ("words", "verdict", "code", "is_gone"), [((), 0, 0, True), (("--keep",), 0, 0, False), ((), 1, 1, False)]
)
def test_a_copy_goes_when_it_is_sound_and_nobody_wants_it(drill, words, verdict, code, is_gone):
    """One that is not is kept, to be looked at, and the drill has failed."""
    result, calls = drill("pitr", *OF_ONE, "--into", "copy", *words, verdict=verdict)
    assert result.returncode == code
    assert ("databases delete" in calls[-1]) is is_gone
    assert is_gone or "stays as copy" in result.stderr


def test_what_is_not_said_is_a_moment_of_before_and_a_name_of_its_own(drill):
    """A whole minute, the only moments that can be read for seven days."""
    result, _ = drill("pitr", *OF_ONE, "--dry-run")
    assert re.search(r"--snapshot-time=\d{4}-\d\d-\d\dT\d\d:\d\d:00Z ", result.stdout)
    assert re.search(r"--destination-database=restore-drill-\d{8}-\d{6}$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("all", *OF_ONE),
        ("pitr", "--project", "my-project"),
        ("pitr", *OF_ONE, "--at"),
        ("pitr", *OF_ONE, "--at", "2026-03-31T19:04:30Z"),
        ("pitr", *OF_ONE, "--backup", BACKUP),
        ("backup", *OF_ONE, "--at", AT),
        ("pitr", *OF_ONE, "--into", "tai-state"),
        ("pitr", *OF_ONE, "--into", "(default)"),
        ("pitr", *OF_ONE, "--overwrite"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_refused(drill, words):
    """Before anything is run."""
    result, calls = drill(*words)
    assert (result.returncode, calls) == (2, [])
    assert result.stderr
