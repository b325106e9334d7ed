"""The machine: a checked, immutable table of moves."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, cast, overload

from typing_extensions import TypeVar  # defaults of type variables came to typing with Python 3.13

from tai_state.errors import InvalidDataError, InvalidMachineError, TransitionNotAllowedError
from tai_state.machine import diagram, json_form
from tai_state.machine.answering import Answering
from tai_state.machine.answers import check_applied, verdict
from tai_state.machine.moves import Moves, has_way_out, moves_of, statuses_of, targets_of
from tai_state.machine.problems import MachineProblem
from tai_state.machine.readable import listed
from tai_state.machine.timeouts import Timeout, due_after
from tai_state.machine.transition import Choice, DataT, Transition
from tai_state.machine.validation import find_problems

# What from_json reads; type checkers would give the class's own variable its default there.
ReadT = TypeVar("ReadT", default=dict[str, Any])


class Machine(Answering, Generic[DataT]):
    """A state machine: statuses, and the actions that lead from one to another.

    It is sound once made, and never changes. Several transitions may share an action and a
    source when all but the last have a guard: the first whose guard holds wins. Transitions that
    name a status win over those from "*", which are tried after them. A machine without transitions
    is allowed: it has its initial status only.

    ``data_type`` is the type of the data that functions take and of what is read: ``Machine[Order]`` with
    ``data_type=Order``, ``Machine[dict[str, Any]]`` without. A type checker that cannot tell what a
    lambda takes is told by ``Machine[Order](...)``; a TypedDict by ``Machine[Fields](..., data_type=None)``.

    Equal machines have equal definitions, down to the functions; the ``fingerprint`` is that of the
    file form and knows functions by name only.

    Attributes:
        name: What the machine is called; with ``version`` stored on each change that it makes.
        version: 1 or more; raise it when the definition changes.
        initial: The status in which a state starts.
        transitions: The moves, in order of definition.
        statuses: Every status in the order of its first mention, the initial one first.
        actions: Every action in the order of its first mention.
        terminal: The statuses declared final, or else those that no transition leaves for another status.
        data_type: The pydantic model of the data; None where it is a dict.
        on_dependency: By a status of a dependency, the action that its dependents take when it enters that status.
        timeouts: By status, the action that is due some time after a state entered it.
        fingerprint: The SHA-256 of the canonical file form, in hexadecimal.
    """

    @overload
    def __init__(
        self: "Machine[dict[str, Any]]",
        name: str,
        initial: str,
        transitions: Iterable[Transition[dict[str, Any]]],
        *,
        version: int = 1,
        data_type: None = None,
        terminal: Iterable[str] | None = None,
        on_dependency: Mapping[str, str] | None = None,
        timeouts: Mapping[str, Timeout] | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        name: str,
        initial: str,
        transitions: Iterable[Transition[DataT]],
        *,
        version: int = 1,
        data_type: type[DataT],
        terminal: Iterable[str] | None = None,
        on_dependency: Mapping[str, str] | None = None,
        timeouts: Mapping[str, Timeout] | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        name: str,
        initial: str,
        transitions: Iterable[Transition[DataT]],
        *,
        version: int = 1,
        data_type: type[DataT] | None,
        terminal: Iterable[str] | None = None,
        on_dependency: Mapping[str, str] | None = None,
        timeouts: Mapping[str, Timeout] | None = None,
    ) -> None: ...

    def __init__(
        self,
        name: str,
        initial: str,
        transitions: Iterable[Transition[Any]],
        *,
        version: int = 1,
        data_type: type[DataT] | None = None,
        terminal: Iterable[str] | None = None,
        on_dependency: Mapping[str, str] | None = None,
        timeouts: Mapping[str, Timeout] | None = None,
    ) -> None:
        """Check the definition and build its table.

        Args:
            on_dependency: What a state of this machine does about those that it depends on: by the status that one of
                them enters, the action that it takes. The statuses are those of their machines, not of this one.
            timeouts: What becomes of a state that stays in a status: by status, how long after it entered it which
                action is due. The action must be one that the status allows.
            terminal: The statuses that are meant to be final. "*" does not stand for them, and any
                other status without a way out is a problem. Without it, ends are taken as meant.

        Raises:
            InvalidMachineError: The definition has problems; lists all of them.
        """
        # Both may be iterators, or nothing of the kind: then the check reports them.
        items: Any = listed(transitions) if isinstance(transitions, Iterable) else transitions
        ends: Any = listed(terminal) if isinstance(terminal, Iterable) else terminal
        problems = find_problems(
            name,
            initial,
            items,
            version=version,
            data_type=data_type,
            terminal=ends,
            on_dependency=on_dependency,
            timeouts=timeouts,
        )
        if problems:
            raise InvalidMachineError(problems)
        self.name: Final = str.__str__(name)
        self.initial: Final = str.__str__(initial)
        self.transitions: Final[tuple[Transition[DataT], ...]] = items
        self.version: Final = int(version)
        self.data_type: Final = data_type
        self.statuses: Final = statuses_of(self.initial, self.transitions)
        self.actions: Final = tuple(dict.fromkeys(item.action for item in self.transitions))
        super().__init__(on_dependency, timeouts)
        self._declared: Final[frozenset[str] | None] = None if ends is None else frozenset(ends)
        self._moves: Final[Moves[DataT]] = moves_of(self.statuses, self.transitions, self._declared or ())
        # The last candidate has no guard, or is the last that is tried; its target is the
        # common one too, where the candidates have one.
        self._next: Final = {key: candidates[-1].target for key, candidates in self._moves.items()}
        self._allowed: Final = {
            status: [action for action in self.actions if (status, action) in self._moves] for status in self.statuses
        }
        targets = targets_of(self.statuses, self._moves)
        self.terminal: Final = tuple(status for status in self.statuses if not has_way_out(status, targets))
        self.fingerprint: Final = json_form.fingerprint(self)

    @staticmethod
    def find_problems(
        name: object,
        initial: object,
        transitions: object,
        *,
        version: object = 1,
        data_type: object = None,
        terminal: object = None,
        on_dependency: object = None,
        timeouts: object = None,
    ) -> list[MachineProblem]:
        """Return every problem that a machine made of these would be refused for."""
        return find_problems(
            name,
            initial,
            transitions,
            version=version,
            data_type=data_type,
            terminal=terminal,
            on_dependency=on_dependency,
            timeouts=timeouts,
        )

    def problems(self) -> list[MachineProblem]:
        """Return the problems of this machine: none, as one with problems cannot be made."""
        return []

    def next(self, status: str, action: str) -> str:
        """Return the status that *action* leads to from *status*.

        Where guards decide between several targets, that is the target of the last candidate, the
        one tried when every guard before it refused; ``choose`` decides with the data.

        Raises:
            TransitionNotAllowedError: There is no such move.
        """
        target = self._next.get((status, action))
        if target is None:
            raise self._refusal(status, action)
        return target

    def choose(self, status: str, action: str, data: Callable[[], DataT], payload: Callable[[], Any]) -> Choice[DataT]:
        """Return the move that *action* makes from *status*: the first whose guard holds, applied.

        *data* and *payload* are called for each guard and each apply, and must return a fresh copy each
        time, so that none sees what another did to its own. What a guard or apply raises passes through.

        Raises:
            TransitionNotAllowedError: There is no such move, or every guard refused.
            InvalidMachineError: A guard returned anything but a bool.
            InvalidDataError: An apply returned None, a coroutine or the like in place of the data.
            ConfigurationError: The machine was read from a file without the function that is needed.
        """
        candidates = self._moves.get((status, action))
        if candidates is None:
            raise self._refusal(status, action)
        for candidate in candidates:
            if candidate.guard is None or self._is_open(candidate, candidate.guard(data(), payload())):
                if candidate.apply is None:
                    return Choice(candidate.target, data(), candidate)
                applied = candidate.apply(data(), payload())
                if type(applied) is not dict:
                    check_applied(candidate, applied)
                return Choice(candidate.target, applied, candidate)
        names = ", ".join(repr(candidate.guard_name) for candidate in candidates)
        reason = f"guard {names} refused" if len(candidates) == 1 else f"every guard refused: {names}"
        raise self._refusal(status, action, reason)

    def _is_open(self, transition: Transition[DataT], answer: object) -> bool:
        try:
            return verdict(answer)
        except TypeError as error:
            place = f"transitions[{self.transitions.index(transition)}].guard"
            message = f"{place} {transition.guard_name!r} {error}"
            raise InvalidMachineError([MachineProblem("invalid_function", message, place)]) from error

    def allowed(self, status: str) -> list[str]:
        """Return the actions that lead from *status*, guarded ones included, in order of definition.

        Raises:
            InvalidDataError: The machine has no such status.
        """
        self._check_status(status)
        return list(self._allowed[status])

    def targets(self, status: str, action: str) -> list[str]:
        """Return the statuses that *action* may lead to from *status*: one for each guard, in the order they are asked.

        Raises:
            TransitionNotAllowedError: There is no such move.
        """
        return list(dict.fromkeys(candidate.target for candidate in self.candidates(status, action)))

    def candidates(self, status: str, action: str) -> tuple[Transition[DataT], ...]:
        """Return the transitions that *action* may make from *status*, in the order in which they are tried.

        Raises:
            TransitionNotAllowedError: There is no such move.
        """
        found = self._moves.get((status, action))
        if found is None:
            raise self._refusal(status, action)
        return found

    def action_to(self, status: str, target: str) -> str:
        """Return the one action that may lead from *status* to *target*.

        Raises:
            TransitionNotAllowedError: There is no such action, or more than one.
        """
        found: list[str] = [
            action for action in self._allowed.get(status, ()) if target in self.targets(status, action)
        ]
        if len(found) == 1:
            return found[0]
        reason = f"no action leads to {target!r}"
        if target not in self._allowed:
            reason = f"machine {self.name!r} has no status {target!r}"
        elif found:
            reason = f"several actions lead to {target!r}, name one of {', '.join(map(repr, found))}"
        raise TransitionNotAllowedError(str.__str__(status), "update_status", self._allowed.get(status, ()), reason)

    def to_mermaid(self, current: str | None = None) -> str:
        """Return the machine as a Mermaid ``stateDiagram-v2``, the *current* status marked.

        Raises:
            InvalidDataError: The machine has no status *current*.
        """
        if current is not None:
            self._check_status(current)
        edges = [
            diagram.Edge(
                status, candidate.target, action, candidate.guard_name, after=due_after(self._timeouts, status, action)
            )
            for status in self.statuses
            for action in self._allowed[status]
            for candidate in self._moves[status, action]
        ]
        return diagram.render(self.statuses, self.initial, edges, self.terminal, current)

    def to_json(self) -> str:
        """Return the machine as the text of a machine file; equal machines give equal texts.

        Raises:
            ConfigurationError: Two different functions have one name; ``guard_name`` and ``apply_name``
                tell them apart.
        """
        return json_form.text_of(self)

    @classmethod
    def from_json(
        cls,
        text: str,
        *,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        data_type: type[ReadT] | None = None,
    ) -> "Machine[ReadT]":
        """Read a machine from the text of a machine file.

        Args:
            functions: The guards and applies by the names that the file gives them. With None the
                machine can be checked, drawn and written again, but a move that needs one of its
                functions raises ConfigurationError.

        Raises:
            InvalidMachineError: The text is no sound machine; lists every problem and its place.
        """
        form = json_form.parse(text, functions)
        made = cast("type[Machine[ReadT]]", cls)
        return made(
            form.name,
            form.initial,
            form.transitions,
            version=form.version,
            data_type=data_type,
            terminal=form.terminal,
            on_dependency=form.on_dependency,
            timeouts=form.timeouts,
        )

    @property
    def declared_terminal(self) -> tuple[str, ...] | None:
        """The statuses declared final, in order; None where none were declared, not even as an empty list."""
        return None if self._declared is None else self.terminal

    def _check_status(self, status: str) -> None:
        if status not in self._allowed:
            known = ", ".join(repr(name) for name in self.statuses)
            message = f"{status!r} is not a status of machine {self.name!r}; it has {known}"
            raise InvalidDataError(message, path="status")

    def _refusal(self, status: str, action: str, reason: str = "no such transition") -> TransitionNotAllowedError:
        if status not in self._allowed:
            reason = f"machine {self.name!r} has no such status"
        elif action not in self.actions:
            reason = f"machine {self.name!r} has no such action"
        allowed = self._allowed.get(status, [])
        return TransitionNotAllowedError(str.__str__(status), str.__str__(action), allowed, reason)

    def _key(self) -> tuple[object, ...]:
        head = (self.name, self.version, self.initial, self.transitions)
        return *head, self._declared, self.data_type, self._reactions, self._timeouts

    def __eq__(self, other: object) -> bool:
        """Whether both have the same definition."""
        return self._key() == other._key() if isinstance(other, Machine) else NotImplemented

    def __hash__(self) -> int:
        """Hash by definition."""
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        """Show the name, the version and the size."""
        size = f"{len(self.statuses)} statuses, {len(self.transitions)} transitions"
        return f"Machine({self.name!r}, version={self.version}, {size})"
