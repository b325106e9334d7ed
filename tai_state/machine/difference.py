"""What two definitions of a machine differ in, and what that means for the states that are stored.

Told are the moves, as both machines make them: a transition from "*" is one for each status, and the order of the
transitions in a file tells nothing where no guard decides.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from tai_state.machine.definition import Machine
from tai_state.machine.timeouts import Timeout
from tai_state.machine.transition import Transition

Part: TypeAlias = Literal[
    "name", "version", "initial", "status", "action", "terminal", "transition", "reaction", "timeout"
]


class Branch(NamedTuple):
    """Where a move may lead: the first branch whose guard holds wins."""

    target: str
    guard: str | None
    apply: str | None

    def __str__(self) -> str:
        """Return the target, and the names of the functions in brackets."""
        functions = [f"{what} {name}" for what, name in (("guard", self.guard), ("apply", self.apply)) if name]
        return f"{self.target} [{', '.join(functions)}]" if functions else self.target


Value: TypeAlias = str | int | tuple[Branch, ...] | None


class PartChange(NamedTuple):
    """One difference.

    Attributes:
        part: What sort of thing it is about. A terminal status is one that nothing leaves; a reaction is an entry of
            ``on_dependency``, a timeout one of ``timeouts``.
        subject: Which one of them; "" for a part that a machine has once.
        before: What it was; None: it was not there.
        after: What it is; None: it is gone.
        status: Of a transition, the status that it leaves; its subject is the action.
    """

    part: Part
    subject: str
    before: Value
    after: Value
    status: str | None = None

    def __str__(self) -> str:
        """Return it as a line: + what is new, - what is gone, ~ what is another."""
        sign = "+" if self.before is None else "-" if self.after is None else "~"
        named = f"{self.part} {self.subject!r}" if self.subject else self.part
        if self.status is not None:
            named += f" from {self.status!r}"
        values = [_text(one) for one in (self.before, self.after) if one not in {None, self.subject}]
        return f"{sign} {named}: {' -> '.join(values)}" if values else f"{sign} {named}"


class Concern(NamedTuple):
    """What a difference means for states that are stored: a stable kind, and a sentence."""

    kind: Literal["status_removed", "renamed", "version_lowered", "version_kept", "way_out_lost"]
    message: str


class Difference(NamedTuple):
    """What is different, and what of it is not safe for stored states or at least to be known.

    Attributes:
        is_same: Whether both have one fingerprint, so that no process can tell them apart.
        changes: Empty also where the same moves are written otherwise.
        hazards: Why states that the old definition moved would be refused by the new one.
        notes: What else is to be known.
    """

    is_same: bool
    changes: list[PartChange]
    hazards: list[Concern]
    notes: list[Concern]

    @property
    def is_safe(self) -> bool:
        """Whether the new definition can move every state that the old one can have left."""
        return not self.hazards


def difference(old: Machine[Any], new: Machine[Any]) -> Difference:
    """Return what is different between two definitions; functions are known by their names."""
    changes = [*_single(old, new), *_listed(old, new), *_moves(old, new), *_reactions(old, new), *_timeouts(old, new)]
    is_same = old.fingerprint == new.fingerprint
    return Difference(is_same, changes, list(_hazards(old, new)), [] if is_same else list(_notes(old, new)))


def _text(value: Value) -> str:
    return " or ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _single(old: Machine[Any], new: Machine[Any]) -> Iterator[PartChange]:
    pairs: tuple[tuple[Part, str | int, str | int], ...] = (
        ("name", old.name, new.name),
        ("version", old.version, new.version),
        ("initial", old.initial, new.initial),
    )
    yield from (PartChange(part, "", before, after) for part, before, after in pairs if before != after)


def _listed(old: Machine[Any], new: Machine[Any]) -> Iterator[PartChange]:
    lists: tuple[tuple[Part, tuple[str, ...], tuple[str, ...]], ...] = (
        ("status", old.statuses, new.statuses),
        ("action", old.actions, new.actions),
        ("terminal", old.terminal, new.terminal),
    )
    for part, before, after in lists:
        yield from (PartChange(part, one, one, None) for one in before if one not in after)
        yield from (PartChange(part, one, None, one) for one in after if one not in before)


def _moves(old: Machine[Any], new: Machine[Any]) -> Iterator[PartChange]:
    for (status, action), before, after in _compared(_branches(old), _branches(new)):
        yield PartChange("transition", action, before, after, status)


def _reactions(old: Machine[Any], new: Machine[Any]) -> Iterator[PartChange]:
    for status, before, after in _compared(old.on_dependency, new.on_dependency):
        yield PartChange("reaction", status, before, after)


def _timeouts(old: Machine[Any], new: Machine[Any]) -> Iterator[PartChange]:
    for status, before, after in _compared(old.timeouts, new.timeouts):
        yield PartChange("timeout", status, _shown(before), _shown(after))


def _shown(timeout: Timeout | None) -> str | None:
    return None if timeout is None else str(timeout)


def _compared(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Yield each key under which the two have different values, with both; None where there is none."""
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            yield key, before.get(key), after.get(key)


def _branches(machine: Machine[Any]) -> dict[tuple[str, str], tuple[Branch, ...]]:
    return {
        (status, action): tuple(map(_branch, machine.candidates(status, action)))
        for status in machine.statuses
        for action in machine.allowed(status)
    }


def _branch(transition: Transition[Any]) -> Branch:
    return Branch(transition.target, transition.guard_name, transition.apply_name)


def _hazards(old: Machine[Any], new: Machine[Any]) -> Iterator[Concern]:
    for status in _gone(old.statuses, new.statuses):
        message = f"states in status {status!r} are in none that the new definition has: it cannot move them"
        yield Concern("status_removed", message)
    if old.name != new.name:
        message = f"states of machine {old.name!r} are not moved by one that is called {new.name!r}"
        yield Concern("renamed", message)
    elif new.version < old.version:
        message = f"states that version {old.version} moved are not moved by version {new.version}"
        yield Concern("version_lowered", message)


def _notes(old: Machine[Any], new: Machine[Any]) -> Iterator[Concern]:
    if (old.name, old.version) == (new.name, new.version):
        message = (
            f"both are version {new.version}: raise it, so that nothing moves states by the old definition any more"
        )
        yield Concern("version_kept", message)
    for status in _gone(new.terminal, old.terminal):
        if status in old.statuses:
            yield Concern("way_out_lost", f"states in status {status!r} stay there: nothing leaves it any more")


def _gone(before: Iterable[str], after: tuple[str, ...]) -> Iterator[str]:
    return (one for one in before if one not in after)
