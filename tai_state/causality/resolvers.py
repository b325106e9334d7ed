"""Resolvers: what becomes of two versions of a state of which neither knew the other.

Each is deterministic and takes its two versions in any order: whoever resolves the same two gets the same. None is
applied silently: they are for imports, replicas and caches, and a transition is never resolved.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from tai_state.causality.merging import merged_data
from tai_state.causality.vector_clock import VectorClock
from tai_state.codec import to_json
from tai_state.errors import ConflictResolutionError


class Version(Protocol):
    """What a resolver looks at of a version of a state; a ``StateSnapshot`` is one."""

    @property
    def governor_id(self) -> str:
        """The governor."""
        ...

    @property
    def state_id(self) -> str:
        """The state."""
        ...

    @property
    def version(self) -> int:
        """Its number in the line of its store."""
        ...

    @property
    def status(self) -> str:
        """The status."""
        ...

    @property
    def data(self) -> Any:
        """The data."""
        ...

    @property
    def deleted(self) -> bool:
        """Whether it is a tombstone."""
        ...

    @property
    def last_error(self) -> str | None:
        """The last error."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels."""
        ...

    @property
    def timestamp(self) -> datetime:
        """When it was made, by the writer's clock."""
        ...

    @property
    def causality(self) -> VectorClock:
        """What it knows."""
        ...


@dataclass(frozen=True, slots=True)
class Resolution:
    """What becomes of two versions.

    Attributes:
        source: The version whose status, machine, last error and deletion count.
        data: The data.
        labels: The labels.
        fields: The places in the data that both had changed, each in its own way, such as ``items.a.price``.
        siblings: The data of versions that are to be kept beside it: a merge event holds them.
    """

    source: Version
    data: Any
    labels: Mapping[str, str]
    fields: tuple[str, ...] = ()
    siblings: tuple[Any, ...] = field(default=())

    @property
    def status(self) -> str:
        """The status."""
        return self.source.status

    @property
    def deleted(self) -> bool:
        """Whether the state is deleted."""
        return self.source.deleted


def taken(version: Version) -> Resolution:
    """Return that a version counts as it is."""
    return Resolution(version, version.data, version.labels)


class Resolver(ABC):
    """Decides between two versions of a state."""

    name: ClassVar[str]
    """What conflicts are reported under."""

    @abstractmethod
    def resolve(self, one: Version, other: Version, base: Version | None = None) -> Resolution:
        """Return what becomes of two versions.

        Args:
            base: The nearest version that both come from; None: it is not known.

        Raises:
            ConflictResolutionError: It gives up; somebody has to decide.
        """


class LastWriteWins(Resolver):
    """The version whose writer's clock was later; of two of one time, the one that knows more changes."""

    name = "last_write_wins"

    def resolve(self, one: Version, other: Version, base: Version | None = None) -> Resolution:  # noqa: ARG002
        """Return the later one."""
        return taken(in_order(one, other)[1])


class Causal(Resolver):
    """The version that knew of the other one; where neither did, the one that knows more changes, then the later one.

    No clock of a host decides, unless all else is the same.
    """

    name = "causal"

    def resolve(self, one: Version, other: Version, base: Version | None = None) -> Resolution:  # noqa: ARG002
        """Return the one behind, or else the one that every replica picks."""
        # Who knew of the other one knows all that it knows, and more.
        return taken(max(one, other, key=lambda version: (_known(version), _rank(version))))


class HighestVersion(Resolver):
    """The version with the higher number in its store's line: the one that was changed more often; then the later."""

    name = "highest_version"

    def resolve(self, one: Version, other: Version, base: Version | None = None) -> Resolution:  # noqa: ARG002
        """Return the one with the higher number."""
        return taken(max(one, other, key=lambda version: (version.version, _rank(version))))


class Custom(Resolver):
    """What a function of the user's says.

    ``decide(earlier, later, base)`` is given the two versions in an order that is the same everywhere, and the nearest
    one that both come from, or None. It returns one of the two, the data of both as a dict (the status is the later
    one's then), or a ``Resolution``; None gives up. It must say the same everywhere: no clock, no randomness.
    """

    def __init__(self, decide: Callable[[Any, Any, Any], object], *, name: str = "custom") -> None:
        """Ask *decide*; *name* is what conflicts are reported under."""
        self._decide = decide
        self.name = name  # type: ignore[misc]  # one of its own for each function

    def resolve(self, one: Version, other: Version, base: Version | None = None) -> Resolution:
        """Return what the function says."""
        earlier, later = in_order(one, other)
        try:
            said = self._decide(earlier, later, base)
        except ConflictResolutionError:
            raise
        except Exception as error:
            why = f"resolver {self.name!r} raised {type(error).__name__}: {error}"
            raise ConflictResolutionError(one.governor_id, one.state_id, why) from error
        if said is earlier or said is later:
            return taken(earlier if said is earlier else later)
        if isinstance(said, Resolution):
            return said
        if isinstance(said, dict):
            return Resolution(later, said, later.labels)
        why = f"resolver {self.name!r} gave up" if said is None else f"resolver {self.name!r} returned {said!r}"
        raise ConflictResolutionError(one.governor_id, one.state_id, why)


class MergeFields(Resolver):
    """The data of both, field by field: what one of them changed since their base counts, as with three-way merges.

    What both changed, each in its own way, is the later version's, and is reported; so is all that differs where no
    base is known, but for fields that one of them alone has: these are kept. Maps are merged key by key, lists and all
    else count as a whole, and values of ``tai_state.crdt`` are merged as such. A change counts more than a removal, of
    a field as of a whole state.
    """

    name = "merge_fields"

    def resolve(self, one: Version, other: Version, base: Version | None = None) -> Resolution:
        """Return the data of both."""
        earlier, later = in_order(one, other)
        if earlier.deleted or later.deleted:
            return taken(later if earlier.deleted else earlier)
        known = None if base is None or base.deleted else base
        found: list[str] = []
        data = merged_data(None if known is None else known.data, earlier.data, later.data, found)
        labels = merged_data(
            None if known is None else dict(known.labels), dict(earlier.labels), dict(later.labels), []
        )
        # As with a field: who left the status as it was says nothing of it.
        source = earlier if known is not None and later.status == known.status else later
        return Resolution(source, data, labels, tuple(found))


def in_order(one: Version, other: Version) -> tuple[Version, Version]:
    """Return two versions, the later one last: the same on every replica, whoever gives them."""
    return (other, one) if _rank(one) > _rank(other) else (one, other)


def _rank(version: Version) -> tuple[datetime, int, str]:
    # Equal contents have equal digests, of which it does not matter which one is taken.
    return version.timestamp, _known(version), content_digest(version)


def _known(version: Version) -> int:
    return sum(version.causality.root.values())


def content_digest(version: Version) -> str:
    """Return the SHA-256, in hexadecimal, of what a version says: two stores that say the same have the same."""
    content = [version.status, version.data, version.deleted, version.last_error, dict(version.labels)]
    return hashlib.sha256(to_json(content)).hexdigest()
