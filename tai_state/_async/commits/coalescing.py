"""Coalescing: callers of one process that want to change the same state make one commit of it.

Whoever has the turn looks back before it commits, and carries along what those want who stand right behind it: one
write of the state, and the event, the receipt and the result of each its own. When nobody waits nothing is in the way.

1. In the order of arrival, up to the first who has to go alone: a change with a lock, with a time of its own, or with
   dependencies; and behind a key that is among them already, whose second caller waits for the receipt of the first.
2. Each is decided upon what the one before it makes. Who is refused there, since that is not in the store yet, is left
   out as if it had not come, and decided again in its own turn, on what is read then.
3. A snapshot ends a commit, and so do the number of changes, their bytes, and half of the time that the first one has
   left, which deciding them takes.
4. Applied: each has its own result.
5. Refused, or too large: nothing was written. The first one goes alone, at once; each of the others in its turn.
6. No verdict by the deadline of the first one, or an error of somebody else's: each of the others goes on with the
   IDENTICAL request until its own.

A caller whose time is over, or who is cancelled, while its change is carried along hears what became of it first: that
ends by the deadline of who carries it.
"""

from collections.abc import Callable, Sequence
from typing import cast

from tai_state._async.access.turns import AsyncLines, AsyncTurn
from tai_state.clock import Deadline
from tai_state.documents import Write
from tai_state.frozen import quick_dataclass
from tai_state.rules.commits.change import Change, Head, Plan, Replay, Settings, View
from tai_state.rules.commits.coalescing import ends_here, weight
from tai_state.rules.commits.decide import writes_of

CHANGES_MAX = 100
"""How many changes one commit makes at most."""

BYTES_MAX = 1024 * 1024
"""How large they are together at most, about: a tenth of what Firestore takes, a quarter of what its emulator does."""


@quick_dataclass(frozen=True, slots=True)
class Wish:
    """What a caller in line wants."""

    change: Change
    settings: Settings


@quick_dataclass(frozen=True, slots=True)
class Unsettled:
    """In the place of a result: nobody knows yet whether *writes*, with this *plan* in them, are applied."""

    plan: Plan
    writes: Sequence[Write]


@quick_dataclass(frozen=True, slots=True)
class AsyncCarried:
    """Changes that go with another one's commit: who wants them, the plan of each, and the writes of them all."""

    lines: AsyncLines
    turns: Sequence[AsyncTurn]
    plans: Sequence[Plan]
    writes: Sequence[Write]

    def give_back(self) -> None:
        """Let each wait for its own turn: nothing was written."""
        self.lines.give_back(self.turns)

    def leave_unsettled(self) -> None:
        """Let each find out by itself."""
        self.lines.answer(
            [(turn, Unsettled(plan, self.writes)) for turn, plan in zip(self.turns, self.plans, strict=True)]
        )

    def answer(self, results: Sequence[object]) -> None:
        """Give each its result."""
        self.lines.answer(list(zip(self.turns, results, strict=True)))


def async_carry(
    lines: AsyncLines,
    turn: AsyncTurn,
    first: Plan,
    plan_on: Callable[[View, Change, Settings], Plan | Replay],
    deadline: Deadline,
) -> AsyncCarried | None:
    """Return what goes with the commit of *first*, whose caller has its *turn*; None where nothing does.

    Until it is given back or answered, those whose changes they are wait.

    Args:
        plan_on: Decides a change on what is given to it.
        deadline: Of the caller who has the turn.
    """
    if ends_here(first):
        return None
    # A guard or reducer of theirs may be slow: the commit itself takes time, too.
    kept = deadline.remaining() / 2
    taken = lines.take(turn, CHANGES_MAX)
    turns: list[AsyncTurn] = []
    plans: list[Plan] = []
    try:
        keys, size, before = {first.event.idempotency_key}, weight(first), first
        for one in taken:
            # As ``AsyncChangeWriter.write`` has put it.
            wish = Wish(*cast("tuple[Change, Settings]", one.wish))
            key = wish.change.idempotency_key
            if (key is not None and key in keys) or deadline.remaining() < kept:
                break
            if one.is_too_late:
                continue
            plan = _planned(wish, before, plan_on)
            if plan is None:
                continue
            size += weight(plan)
            if size > BYTES_MAX:
                break
            turns.append(one)
            plans.append(plan)
            keys.add(key)
            before = plan
            if ends_here(plan):
                break
    except BaseException:
        lines.give_back(taken)
        raise
    lines.give_back([one for one in taken if one not in turns])
    return AsyncCarried(lines, turns, plans, writes_of(first, *plans)) if turns else None


def _planned(wish: Wish, before: Plan, plan_on: Callable[[View, Change, Settings], Plan | Replay]) -> Plan | None:
    """Return the plan of a wish upon what the plan *before* it makes; None where that refuses it."""
    found = before.base.update_time if before.base is not None else None
    try:
        plan = plan_on(View(Head(before.record, found), before.event.origin), wish.change, wish.settings)
    except Exception:  # noqa: BLE001 - a user's guard may raise anything, and is asked again
        return None
    return plan if isinstance(plan, Plan) else None
