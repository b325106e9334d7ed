"""The states of a machine of transitions as a tree: where it rests, and which transition it tries first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transitions.extensions import HierarchicalMachine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transitions import Machine

Path = tuple[str, ...]


class Nested:
    """The states of a machine; of a flat one each is a path of its own."""

    def __init__(self, machine: Machine) -> None:
        """Take the states of *machine*."""
        self.machine = machine
        self._separator = machine.state_cls.separator if isinstance(machine, HierarchicalMachine) else None
        self._states = dict(self._within(machine.states, ()))

    def _within(self, states: Any, prefix: Path) -> Iterator[tuple[Path, Any]]:
        for name, state in states.items():
            path = (*prefix, name)
            yield path, state
            yield from self._within(getattr(state, "states", {}), path)

    @property
    def paths(self) -> list[Path]:
        """All states, each before those in it."""
        return list(self._states)

    def state(self, path: Path) -> Any:
        """Return the library's state."""
        return self._states[path]

    def path(self, name: str) -> Path:
        """Return the path of a full name."""
        return (name,) if self._separator is None else tuple(name.split(self._separator))

    def name(self, path: Path) -> str:
        """Return the full name of a path."""
        return (self._separator or "").join(path)

    def initial(self, path: Path) -> list[str]:
        """Return the states that are entered with one."""
        initial = getattr(self._states[path], "initial", None)
        listed = initial if isinstance(initial, list | tuple) else [] if initial is None else [initial]
        return [str(getattr(one, "name", one)) for one in listed]

    def entered(self, path: Path) -> Path:
        """Return where the library rests when it enters a state."""
        while names := self.initial(path):
            path = (*path, *self.path(names[0]))
        return path

    def rests(self) -> list[Path]:
        """Return the states where it can rest: those that nothing is entered with."""
        return [path for path in self._states if not self.initial(path)]

    def transitions(self, path: Path) -> Iterator[tuple[str, Any, Path]]:
        """Yield what the library tries where it rests in *path*, first things first: trigger, transition, and target.

        The events of an inner scope come before those of an outer one, and in each the inner source first.
        """
        for depth in range(len(path) - 1, -1, -1):
            scope = path[:depth]
            events = self._states[scope].events if scope else self.machine.events
            for end in range(len(path), depth, -1):
                source = self.name(path[depth:end])
                for trigger, event in events.items():
                    for transition in event.transitions.get(source, ()):
                        yield trigger, transition, self._target(path, scope, transition.dest)

    def _target(self, path: Path, scope: Path, name: str | None) -> Path:
        if name is None:
            return path
        inner = (*scope, *self.path(name))
        return self.entered(inner if inner in self._states else self.path(name))
