"""The seam for machines that are not ours: any library may say where a move leads, and all else stays as it is.

A ``Mover`` is asked where a ``Machine`` would be. What is asked of it stands in ``ForeignMachine``, which is to the
rest of the package what a machine is: its answers are checked, its refusals told as ours, and its failures named.
"""

import inspect
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, Protocol, runtime_checkable

from tai_state.errors import ConfigurationError, InvalidDataError, InvalidMachineError, TransitionNotAllowedError
from tai_state.errors.machines import MoverError
from tai_state.machine.answering import Answering
from tai_state.machine.answers import returned_defect
from tai_state.machine.definition import Machine
from tai_state.machine.problems import MachineProblem
from tai_state.machine.reactions import reaction_problems
from tai_state.machine.readable import status_defect, text_defect
from tai_state.machine.timeouts import timeout_problems
from tai_state.machine.transition import Choice, plain
from tai_state.machine.validation import call_defect


@runtime_checkable
class Mover(Protocol):
    """A machine of any library, as a persister asks it; it is given in the place of a ``Machine``.

    ``start`` and ``move`` are to be pure: they run before the commit, again on fresh data where another writer was
    faster, and once more for each event of a replay. What they do beside returning is done as often, and is done even
    where nothing comes to be written. Each call gets copies of its own. Where an earlier call under the same
    idempotency key was made, they are not called at all.

    They return the status and the data that the state has then: a text of 1 to 480 bytes that is not "*", and a dict
    that a store takes. A configuration of several statuses is one text by ``tai_state.machine.status_of``. To refuse,
    they raise ``TransitionNotAllowedError``, or one of ``refusals``, which is told as one, with its cause. Whatever
    else they raise, or return, is a ``MoverError``; our own ``InvalidDataError``, of a payload, say, passes through.

    Where a mover has these attributes, too, they count; each may be left out:

    * ``refusals``: a tuple of exception classes by which it says that a move is not allowed;
    * ``statuses``: all it has; another one is refused as its failure, and told of a state that has it;
    * ``terminal``: those that nothing leaves: nothing can be scheduled there, or logged past it;
    * ``actions``: all it has; another one is not scheduled;
    * ``on_dependency``, ``timeouts``: as of a ``Machine``.
    """

    @property
    def name(self) -> str:
        """What it is called; with the version stored on each change that it makes."""
        ...

    @property
    def version(self) -> int:
        """1 or more; to be raised when the definition changes."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest of the definition: one that changed under the same version is told."""
        ...

    def start(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the status that a new state begins in, and its data, made of the *data* given."""
        ...

    def move(self, status: str, data: dict[str, Any], action: str, payload: Any) -> tuple[str, dict[str, Any]]:
        """Return the status that *action* leads to from *status*, and the data that the state has then."""
        ...


class EveryStatus:
    """The statuses of a machine that does not tell them: any may be one of them."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        """Any may."""
        return True

    def __iter__(self) -> Iterator[str]:
        """None is known."""
        return iter(())

    def __len__(self) -> int:
        """None is known."""
        return 0


class ForeignMachine(Answering):
    """A mover in the place of a machine.

    Attributes:
        mover: Whom it asks.
        name, version, fingerprint: The mover's, as they were when it was given.
        statuses, actions: What it says that it has; anything where it does not tell.
        terminal: The statuses that nothing leaves, as far as it tells.
    """

    data_type: Final = None

    def __init__(self, mover: Mover) -> None:
        """Take *mover*.

        Raises:
            InvalidMachineError: It cannot be one; lists every problem.
        """
        problems = [*_problems(mover)]
        if problems:
            raise InvalidMachineError(problems)
        self.mover: Final = mover
        self.name: Final = str.__str__(mover.name)
        self.version: Final = int(mover.version)
        self.fingerprint: Final = str.__str__(mover.fingerprint)
        self.statuses: Final[Collection[str]] = _told(mover, "statuses") or EveryStatus()
        self.actions: Final[Collection[str]] = _told(mover, "actions") or EveryStatus()
        self.terminal: Final = _told(mover, "terminal") or ()
        self._refusals: Final[tuple[type[Exception], ...]] = tuple(getattr(mover, "refusals", ()))
        super().__init__(getattr(mover, "on_dependency", None), getattr(mover, "timeouts", None))

    def enter(self, data: dict[str, Any]) -> Choice[dict[str, Any]]:
        """Return where a new state begins.

        Raises:
            TransitionNotAllowedError, MoverError, InvalidDataError: As for ``choose``.
        """
        return self._choice("", "start", lambda: self.mover.start(data))

    def choose(
        self, status: str, action: str, data: Callable[[], dict[str, Any]], payload: Callable[[], Any]
    ) -> Choice[dict[str, Any]]:
        """Return the move that *action* makes from *status*.

        Raises:
            TransitionNotAllowedError: The mover refuses it.
            MoverError: The mover failed, or returned what cannot be.
            InvalidDataError: As the mover raised it.
        """
        return self._choice(status, action, lambda: self.mover.move(status, data(), action, payload()))

    def _choice(self, status: str, action: str, ask: Callable[[], object]) -> Choice[dict[str, Any]]:
        try:
            answer = ask()
        except (TransitionNotAllowedError, InvalidDataError):
            raise
        except self._refusals as error:
            reason = f"machine {self.name!r} refuses it with {type(error).__name__}"
            raise TransitionNotAllowedError(status, action, None, reason) from error
        except Exception as error:
            # Its type alone: what the error says may be of the state's data.
            raise MoverError(self.name, status, action, f"it raised {type(error).__name__}") from error
        if defect := self._defect(answer):
            raise MoverError(self.name, status, action, defect)
        assert isinstance(answer, tuple)
        return Choice(str.__str__(answer[0]), answer[1], None)

    def _defect(self, answer: object) -> str | None:
        if not (isinstance(answer, tuple) and len(answer) == 2):  # noqa: PLR2004 - a status and data
            told = returned_defect(answer) or f"returned a {type(answer).__name__}"
            return f"it {told}; it must return a tuple of a status and data"
        status, data = answer
        if defect := status_defect(plain(status)):
            return f"the status that it returned {defect}"
        if status not in self.statuses:
            return f"it returned status {status!r}, which is none of its statuses"
        if not isinstance(data, dict):
            told = returned_defect(data) or f"returned a {type(data).__name__}"
            return f"it {told} in the place of the data, which must be a dict"
        return None

    def allowed(self, _status: str) -> list[str]:
        """Return the actions that are known to be open: none, since guards are the mover's own."""
        return []

    def action_to(self, status: str, target: str) -> str:
        """Refuse: which actions lead to *target* is the mover's own.

        Raises:
            TransitionNotAllowedError: Always.
        """
        reason = f"which action of machine {self.name!r} leads to {target!r} is not known here; name the action"
        raise TransitionNotAllowedError(status, "update_status", None, reason)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same definition, by what they say of themselves."""
        return self._key() == other._key() if isinstance(other, ForeignMachine) else NotImplemented

    def __hash__(self) -> int:
        """Hash by definition."""
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return type(self.mover), self.name, self.version, self.fingerprint

    def __repr__(self) -> str:
        """Show the mover's class, name and version."""
        return f"ForeignMachine({type(self.mover).__name__}, {self.name!r}, version={self.version})"


def driver_of(machine: object, option: str = "machine") -> Machine[Any] | ForeignMachine:
    """Return what moves states by *machine*: itself, or, of a mover, what stands for it.

    Raises:
        ConfigurationError: It is neither a machine nor a mover.
        InvalidMachineError: It is a mover that cannot be one.
    """
    if isinstance(machine, Machine | ForeignMachine):
        return machine
    # Of a class instance checks tell the same as of its instances.
    if isinstance(machine, type) or not isinstance(machine, Mover):
        message = f"{option} must be a Machine or a Mover, not {machine!r}"
        raise ConfigurationError(message)
    return ForeignMachine(machine)


def _told(mover: Mover, attribute: str) -> tuple[str, ...]:
    return tuple(str.__str__(one) for one in getattr(mover, attribute, None) or ())


def _problems(mover: Mover) -> Iterator[MachineProblem]:
    if defect := text_defect(mover.name):
        yield MachineProblem("invalid_name", f"name {defect}", "name")
    version: object = mover.version
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        yield MachineProblem("invalid_version", f"version must be an int of 1 or more, not {version!r}", "version")
    if defect := text_defect(mover.fingerprint):
        yield MachineProblem("invalid_fingerprint", f"fingerprint {defect}", "fingerprint")
    for called, arguments in (("start", ("data",)), ("move", ("status", "data", "action", "payload"))):
        if defect := call_defect(getattr(mover, called), called, *arguments):
            yield MachineProblem("invalid_function", defect, called)
    yield from _list_problems(mover)
    # Of its statuses and actions nobody knows whether they are all.
    yield from reaction_problems(getattr(mover, "on_dependency", None), None, None, None)
    yield from timeout_problems(getattr(mover, "timeouts", None), None, None, None)


def _list_problems(mover: Mover) -> Iterator[MachineProblem]:
    refusals = getattr(mover, "refusals", ())
    if not isinstance(refusals, tuple | list) or not all(map(_is_refusal, refusals)):
        yield MachineProblem("shape", "refusals must be a tuple of exception classes", "refusals")
    for attribute in ("statuses", "terminal", "actions"):
        told = getattr(mover, attribute, None) or ()
        if isinstance(told, str) or not isinstance(told, Collection):
            message = f"{attribute} must be a collection of texts, not {type(told).__name__}"
            yield MachineProblem("shape", message, attribute)
            continue
        for one in told:
            if defect := status_defect(plain(one)):
                yield MachineProblem("shape", f"{attribute} has one that {defect}", attribute)


def _is_refusal(kind: object) -> bool:
    return inspect.isclass(kind) and issubclass(kind, Exception)
