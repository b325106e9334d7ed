"""XState's JSON (https://stately.ai/docs/machines), versions 4 and 5: the states at its top, and their transitions."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tai_state.machine.formats.draft import Converted, Draft, LeftKind, unreadable
from tai_state.machine.transition import ANY

_ROOT_KNOWN: Final = {"id", "key", "initial", "states", "on"}
_STATE_KNOWN: Final = {"on", "after", "type", "id", "key"}
# Where nothing is done on the way in or out, a state that is entered anew is as it was.
_TRANSITION_KNOWN: Final = {"target", "cond", "guard", "internal", "reenter"}
_SORTS: Final[dict[str, LeftKind]] = {
    "actions": "effect",
    "entry": "effect",
    "exit": "effect",
    "invoke": "effect",
    "activities": "effect",
    "context": "data",
    "data": "data",
    "output": "data",
    "input": "data",
    "always": "event",
    "onDone": "event",
    "onError": "event",
    "states": "structure",
    "initial": "structure",
    "history": "structure",
    "description": "comment",
    "meta": "comment",
    "tags": "comment",
    "version": "comment",
    "$schema": "comment",
}


def converted(value: dict[str, Any], name: str) -> Converted:
    """Return what a machine comes to.

    Raises:
        InvalidMachineError: It is none.
    """
    states = value.get("states")
    if not isinstance(states, dict) or not all(isinstance(one, dict) for one in states.values()):
        message = '"states" must be an object of objects'
        raise unreadable(message, "states")
    own = value.get("id")
    draft = Draft("xstate", own if isinstance(own, str) and own else name)
    draft.initial = value.get("initial")
    draft.keys_left("", value, _ROOT_KNOWN | ({"type"} if value.get("type") != "parallel" else set()), _SORTS)
    reader = _Reader(draft, own, {one.get("id"): key for key, one in states.items() if isinstance(one.get("id"), str)})
    for status, state in states.items():
        reader.state(status, state)
    reader.moves(ANY, value.get("on"), "on")
    return draft.converted()


class _Reader:
    """Adds states to a draft, with the ids by which targets may name them."""

    def __init__(self, draft: Draft, own: object, ids: dict[object, str]) -> None:
        self._draft = draft
        self._own = own
        self._ids = ids

    def state(self, status: str, state: dict[str, Any]) -> None:
        place = f"states.{status}"
        kind = state.get("type", "atomic")
        if kind == "final":
            self._draft.terminal.append(status)
        elif kind != "atomic":
            self._draft.leave("structure", f"{place}.type", f"state {status!r} is of type {kind!r}")
        self._draft.keys_left(place, state, _STATE_KNOWN, _SORTS)
        self.moves(status, state.get("on"), f"{place}.on")
        self._delays(status, state.get("after"), f"{place}.after")

    def moves(self, source: str, on: object, place: str) -> None:
        if on is None:
            return
        if not isinstance(on, Mapping):
            self._draft.leave("unknown", place, "is no object of events")
            return
        for event, given in on.items():
            if event in {"", "*"}:
                what = "any event" if event else "none at all"
                self._draft.leave("event", f"{place}.{event}", f"a transition of {source!r} waits for {what}")
                continue
            for row_place, row in _listed(given, f"{place}.{event}"):
                self._move(event, source, row, row_place)

    def _delays(self, status: str, after: object, place: str) -> None:
        if after is None:
            return
        for delay, given in after.items() if isinstance(after, Mapping) else [("", after)]:
            here = f"{place}.{delay}"
            if not (delay.isascii() and delay.isdigit() and int(delay)):
                self._draft.leave("event", here, f"the delay {delay!r} of {status!r} is no number of milliseconds")
                continue
            action = f"after {delay} ms"
            before = len(self._draft.transitions)
            for row_place, row in _listed(given, here):
                self._move(action, status, row, row_place)
            if len(self._draft.transitions) > before:
                self._draft.later(status, int(delay) / 1000, action, here)

    def _move(self, action: str, source: str, row: object, place: str) -> None:
        if isinstance(row, str) or row is None:
            row = {"target": row}
        if not isinstance(row, Mapping):
            self._draft.leave("unknown", place, f"is no transition but a {type(row).__name__}")
            return
        self._draft.keys_left(place, row, _TRANSITION_KNOWN, _SORTS)
        target = self._target(source, row.get("target"), place)
        if target is None:
            return
        conditions = [row[key] for key in ("cond", "guard") if row.get(key) is not None]
        guard = self._guard(conditions[0], place) if conditions else None
        if conditions and guard is None:
            return
        self._draft.move(action, source, target, guard)

    def _target(self, source: str, given: object, place: str) -> str | None:
        targets = given if isinstance(given, list) else [given]
        if len(targets) != 1:
            self._draft.leave("structure", f"{place}.target", f"leads to {len(targets)} states at once")
            return None
        target = targets[0]
        if target is None:
            if source != ANY:
                return source
            self._draft.leave("effect", place, "stays where it is, from wherever: it does nothing but its actions")
            return None
        if not isinstance(target, str):
            self._draft.leave("unknown", f"{place}.target", f"is no text but a {type(target).__name__}")
            return None
        if target.startswith("#"):
            known = self._ids.get(target[1:])
            if known is None and isinstance(self._own, str):
                known = target.removeprefix(f"#{self._own}.")
            target = known or target
        elif target.startswith(".") and source == ANY:
            target = target[1:]
        if target.startswith((".", "#")) or "." in target:
            self._draft.leave("structure", f"{place}.target", f"leads to {target!r}, which is no state at the top")
            return None
        return target

    def _guard(self, given: object, place: str) -> str | None:
        if isinstance(given, Mapping):
            named = given.get("type")
            for key in given:
                if key != "type":
                    self._draft.leave("guard", f"{place}.guard.{key}", f"{key!r} of a guard has no place in a machine")
            given = named
        if isinstance(given, str) and given:
            return given
        # Without its guard the transition would be open to all.
        self._draft.leave("guard", f"{place}.guard", "a transition whose guard has no name is left out with it")
        return None


def _listed(given: object, place: str) -> Iterator[tuple[str, object]]:
    if isinstance(given, list):
        yield from ((f"{place}[{index}]", row) for index, row in enumerate(given))
    else:
        yield place, given
