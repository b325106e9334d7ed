"""Who owns a lock: names that are the package's own, and processes that can be told dead."""

import pytest

from tai_state.errors import InvalidIdError
from tai_state.rules.locking.owners import ProcessStamp, check_users, read_stamp, stamp_field
from tai_state.rules.records.fields import FieldError
from tests.unit.copies import copied

HERE = ProcessStamp(boot_id="boot-5", pid_namespace="ns-5", pid=7, started=100)


@pytest.mark.parametrize(
    ("boot_id", "pid_namespace", "seen"),
    [
        (copied("boot-5"), copied("ns-5"), True),
        ("boot-4", "ns-5", False),
        ("boot-6", "ns-5", False),
        ("boot-5", "ns-4", False),
        ("boot-5", "ns-6", False),
    ],
)
def test_a_process_is_told_dead_by_those_of_its_boot_and_namespace(boot_id, pid_namespace, seen):
    """Its number means something else everywhere else."""
    there = ProcessStamp(boot_id=boot_id, pid_namespace=pid_namespace, pid=9, started=1)
    assert there.is_seen_from(HERE) is seen


def test_a_stamp_comes_back_as_it_was_stored():
    """Every field of it."""
    assert read_stamp(stamp_field(HERE)) == HERE


@pytest.mark.parametrize(("pid", "is_one"), [(-1, False), (0, False), (1, True)])
def test_a_process_has_a_number_from_1(pid, is_one):
    """With another one it was not written by us."""
    fields = {**stamp_field(HERE), "pid": pid}
    if is_one:
        assert read_stamp(fields).pid == pid
    else:
        with pytest.raises(FieldError, match=f"its process has the number {pid}"):
            read_stamp(fields)


def test_a_name_of_the_package_s_own_is_refused():
    """It says which; a long one is cut. One that only holds such a name is a user's."""
    assert check_users("my tai_state:lock", "resource") == "my tai_state:lock"
    name = "tai_state:" + "x" * 30 + "yz"
    with pytest.raises(InvalidIdError, match=f"^resource 'tai_state:{'x' * 30}' begins with 'tai_state:'"):
        check_users(name, "resource")
