"""The cascade: from one change to the states that it concerns, and on from those, within one commit."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from tai_state.errors import TransitionNotAllowedError
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Change, Plan, Settings
from tai_state.rules.records.record import EventRecord, StateRecord
from tai_state.rules.transactions.dependents.ancestry import Ancestry, check_dependency
from tai_state.rules.transactions.dependents.marks import depends, driver, marked, unmarked
from tai_state.rules.transactions.dependents.reactions import (
    Machines,
    attaches,
    concerned,
    enters,
    reactions,
    signals_of,
)
from tai_state.rules.transactions.draft import Draft, Marked


class AsyncCascade:
    """What follows from one change, in the draft that holds the change itself.

    Breadth first. A state moves once at most; one that does not move, because its machine does not react or does
    not allow it, ends the cascade there.
    """

    def __init__(
        self,
        draft: Draft,
        cause: Change,
        settings: Settings,
        machines: Machines,
        *,
        read: Callable[[Sequence[StateLayout]], Awaitable[None]],
        add: Callable[[Change], Plan],
    ) -> None:
        """Follow *cause*.

        Args:
            read: Lets the draft hold states.
            add: Decides one more change, and adds it to the draft.
        """
        self._draft = draft
        self._cause = cause
        self._settings = settings
        self._machines = machines
        self._read = read
        self._add = add
        self._governor = cause.paths.governor

    async def follow(self, before: StateRecord | None, event: EventRecord) -> None:
        """Mark the state with those that it depends on, and let its dependents react.

        Args:
            before: The state before the change; None where there was none.

        Raises:
            StateNotFoundError: A dependency is not there.
            DependencyCycleError: The state would depend on itself.
            DependentMachineError: A dependent that may react is driven by a machine that is not known.
            CorruptLogError: A dependent is lost, and its log does not tell it.
        """
        if attaches(before, event):
            await self._attach(before, event)
        record = self._draft.record(self._cause.paths)
        if record is not None and enters(before, event):
            await self._spread(record)

    async def _attach(self, before: StateRecord | None, event: EventRecord) -> None:
        paths, dependencies = self._cause.paths, [self._governor.state(one) for one in event.depends_on]
        await self._read(dependencies)
        starts = event.kind == "start"
        # A rollback brings a state back with the dependencies that it had, whatever became of them.
        found = [check_dependency(self._draft.record(one), one, may_be_deleted=not starts) for one in dependencies]
        if before is not None:
            # Nobody can depend on a state that never was; on one that is made again, somebody may.
            await self._refuse_cycle(paths.state_id, event.depends_on)
        mark = partial(marked, dependent_id=paths.state_id, machine=driver(event))
        for one in dependencies:
            self._draft.mark(Marked(one, mark, self._settings))
        if starts:
            self._react(paths, found)

    async def _refuse_cycle(self, state_id: str, depends_on: Sequence[str]) -> None:
        ancestry = Ancestry(state_id, depends_on)
        while ancestry.level:
            level = [self._governor.state(one) for one in ancestry.level]
            await self._read(level)
            ancestry.climb([self._draft.record(one) for one in level])

    async def _spread(self, first: StateRecord) -> None:
        moved = {first.state_id}
        level = [first]
        while level:
            reached: dict[str, list[StateRecord]] = {}
            for source in level:
                for one in concerned(source.marks.dependents, self._machines, signals_of(source)):
                    reached.setdefault(one, []).append(source)
            await self._read([self._governor.state(one) for one in reached])
            level = []
            for state_id, sources in reached.items():
                paths = self._governor.state(state_id)
                real = self._real(paths, sources)
                record = None if state_id in moved else self._react(paths, real)
                if record is not None:
                    moved.add(state_id)
                    level.append(record)

    def _real(self, paths: StateLayout, sources: Sequence[StateRecord]) -> list[StateRecord]:
        """Return those that the state does depend on; the others, all written in this commit, lose their mark of it."""
        record = self._draft.record(paths)
        real = [source for source in sources if depends(record, paths, source.state_id)]
        for source in sources:
            if source not in real:
                forget = partial(unmarked, gone=[paths.state_id])
                self._draft.mark(Marked(self._governor.state(source.state_id), forget, self._settings))
        return real

    def _react(self, paths: StateLayout, sources: Sequence[StateRecord]) -> StateRecord | None:
        """Let a state react to *sources*; None where it stays as it is."""
        dependent = self._draft.record(paths)
        assert dependent is not None
        for change in reactions(dependent, paths, sources, self._machines, self._cause):
            try:
                return self._add(change).record
            except TransitionNotAllowedError:
                continue
        return None
