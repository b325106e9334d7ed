"""Who owns a lock: an owner by a name for people and an id that decides, and the process that he lives in."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from tai_state.documents import Value
from tai_state.errors import InvalidIdError
from tai_state.layout import check_id
from tai_state.rules.records.fields import FieldError, take

RESERVED = "tai_state:"
"""How the name of every lock begins that the package takes for itself."""


_ID = re.compile(r"(?P<host>[^/]+)-(?P<pid>[0-9]{1,10})-[0-9a-f]{16}/.*", re.DOTALL | re.ASCII)


class Home(NamedTuple):
    """Where an owner lives, as his id tells it; None: it does not."""

    host: str | None = None
    pid: int | None = None


def process_name(host: str, pid: int, token: str) -> str:
    """Return how the ids of all owners of one process begin; *token* is 16 hexadecimal digits of its own."""
    return f"{host}-{pid}-{token}"


def home_of(owner_id: str | None) -> Home:
    """Return the host and the process in an owner's id, which is ``process_name(...)/...``."""
    found = _ID.fullmatch(owner_id or "")
    return Home() if found is None else Home(found["host"], int(found["pid"]))


def check_users(value: object, what: str) -> str:
    """Return the name that a user gives to a lock, an owner or a subscription, as plain text.

    Raises:
        InvalidIdError: It cannot be an id, or it begins as the package's own names do.
    """
    name = check_id(value, what)
    if name.startswith(RESERVED):
        message = f"{what} {name[:40]!r} begins with {RESERVED!r}, which is reserved for this package's own"
        raise InvalidIdError(message, value=value)
    return name


@dataclass(frozen=True, slots=True)
class Owner:
    """One who acquires locks.

    Attributes:
        label: What people call him; others may be called the same.
        id: Tells him from every other owner of every process.
    """

    label: str
    id: str


@dataclass(frozen=True, slots=True)
class ProcessStamp:
    """One process among all that there ever were on one host, and in one of its PID namespaces.

    Attributes:
        boot_id: Of the host's boot.
        pid_namespace: In which the number counts: a process of a container beside us has a number of another one.
        pid: Its number.
        started: When it started, in ticks since the boot: a number is given again, to a process that started later.
    """

    boot_id: str
    pid_namespace: str
    pid: int
    started: int

    def is_seen_from(self, here: "ProcessStamp") -> bool:
        """Whether process *here* can tell that it is dead: same boot, same namespace."""
        return (self.boot_id, self.pid_namespace) == (here.boot_id, here.pid_namespace)


def stamp_field(stamp: ProcessStamp) -> Value:
    """Return what is stored of *stamp*."""
    return dict(asdict(stamp))


def read_stamp(fields: Mapping[str, Value]) -> ProcessStamp:
    """Return the stamp that is stored in *fields*.

    Raises:
        FieldError: It is none.
    """
    stamp = ProcessStamp(
        boot_id=take(fields, "boot_id", str),
        pid_namespace=take(fields, "pid_namespace", str),
        pid=take(fields, "pid", int),
        started=take(fields, "started", int),
    )
    if stamp.pid < 1:
        message = f"its process has the number {stamp.pid}"
        raise FieldError(message)
    return stamp
