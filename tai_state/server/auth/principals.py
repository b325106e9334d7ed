"""Who asks, as far as the server is concerned: his name, and what he may do."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from tai_state import ConfigurationError
from tai_state.values import check_id


class Access(StrEnum):
    """Whether somebody may change what he may see."""

    READ_ONLY = "read-only"
    READ_WRITE = "read-write"


class Kind(StrEnum):
    """What a path names that is somebody's: the names of the fields of ``Allowed``."""

    GOVERNORS = "governors"
    KEYS = "keys"
    LOCKS = "locks"


EVERYTHING = ("*",)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What somebody may reach: patterns of names, in which ``*`` is any text, also none.

    Where nothing is said, that is everything; where one of them is, the others are nothing.

    Attributes:
        governors: Of governors, with their sagas; the jobs of a queue ``mail`` are the governor's ``jobs:mail``.
        keys: Of groups of keys.
        locks: Of resources that are locked.
    """

    governors: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None
    locks: tuple[str, ...] | None = None
    _patterns: dict[Kind, re.Pattern[str] | None] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        """Make them ready to be asked.

        Raises:
            ConfigurationError: They are no texts.
        """
        made: dict[Kind, re.Pattern[str] | None] = {}
        rest = EVERYTHING if all(getattr(self, kind) is None for kind in Kind) else ()
        for kind in Kind:
            given = rest if getattr(self, kind) is None else getattr(self, kind)
            if isinstance(given, str) or not all(isinstance(one, str) for one in given):
                message = f"{kind} must be several patterns, such as 'shop-*', not {given!r}"
                raise ConfigurationError(message)
            object.__setattr__(self, kind, tuple(given))
            alternatives = "|".join(".*".join(map(re.escape, one.split("*"))) for one in given)
            # Nothing to look at where everything is allowed, which is the common case.
            made[kind] = None if "*" in given else re.compile(alternatives or r"(?!)", re.DOTALL)
        object.__setattr__(self, "_patterns", made)

    def covers(self, kind: Kind, name: str) -> bool:
        """Whether what is called *name* may be reached."""
        pattern = self._patterns[kind]
        return pattern is None or pattern.fullmatch(name) is not None

    def covers_all(self, kind: Kind) -> bool:
        """Whether all there is of a kind may be reached."""
        return self._patterns[kind] is None


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was authenticated.

    Attributes:
        name: Who he is: the author of each change that he makes.
        access: Whether he may make changes.
        allowed: What he may reach.
        rate: How often he may ask, such as "100/second"; None: as often as he likes.
    """

    name: str
    access: Access = Access.READ_WRITE
    allowed: Allowed = field(default_factory=Allowed)
    rate: str | None = None

    def __post_init__(self) -> None:
        """Refuse a name that no change can be signed with.

        Raises:
            ConfigurationError: It is no text, or empty.
        """
        try:
            check_id(self.name, "name")
            object.__setattr__(self, "access", Access(self.access))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        check_rate(self.rate)

    @property
    def may_write(self) -> bool:
        """Whether he may make changes."""
        return self.access is Access.READ_WRITE


def check_rate(rate: str | None) -> None:
    """Refuse what says no rate.

    Raises:
        ConfigurationError: It is no text such as "100/second".
    """
    if rate is None:
        return
    from limits import parse  # noqa: PLC0415 - most have none

    try:
        parse(rate)
    except (ValueError, TypeError) as error:
        message = f"{rate!r} is no rate, such as '100/second' or '5000/hour'"
        raise ConfigurationError(message) from error
