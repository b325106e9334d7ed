"""Amazon States Language (https://states-language.net/spec.html): its states, and what leads from one to the next.

It has no events: a state is left when its work is done. So a task has the actions "complete" and "fail", a choice has
"choose", and a wait is completed by its timeout. Where an execution ends without a state of its own, that is one of the
statuses SUCCEEDED and FAILED, as Step Functions calls them.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from tai_state.machine.formats.draft import Converted, Draft, LeftKind, unreadable
from tai_state.machine.readable import TEXT_BYTES_MAX

SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"

_ROOT_KNOWN: Final = {"StartAt", "States"}
_KNOWN: Final = {
    "Task": {"Type", "Next", "End", "Catch"},
    "Pass": {"Type", "Next", "End"},
    "Wait": {"Type", "Next", "End", "Seconds"},
    "Choice": {"Type", "Choices", "Default"},
    "Succeed": {"Type"},
    "Fail": {"Type"},
}
_SORTS: Final[dict[str, LeftKind]] = {
    "Comment": "comment",
    "Version": "comment",
    "QueryLanguage": "comment",
    "Resource": "effect",
    "Retry": "effect",
    "Credentials": "effect",
    "TimeoutSeconds": "event",
    "TimeoutSecondsPath": "event",
    "HeartbeatSeconds": "event",
    "HeartbeatSecondsPath": "event",
    "Timestamp": "event",
    "TimestampPath": "event",
    "SecondsPath": "event",
    "Error": "data",
    "ErrorPath": "data",
    "Cause": "data",
    "CausePath": "data",
    "InputPath": "data",
    "OutputPath": "data",
    "ResultPath": "data",
    "ResultSelector": "data",
    "Result": "data",
    "Parameters": "data",
    "Arguments": "data",
    "Output": "data",
    "Assign": "data",
    "Next": "structure",
    "End": "structure",
}


def converted(value: dict[str, Any], name: str) -> Converted:
    """Return what a state machine comes to.

    Raises:
        InvalidMachineError: It is none.
    """
    states = value.get("States")
    if not isinstance(states, dict) or not all(isinstance(one, dict) for one in states.values()):
        message = '"States" must be an object of objects'
        raise unreadable(message, "States")
    taken = sorted({SUCCEEDED, FAILED}.intersection(states))
    if taken:
        message = f"a state is called {taken[0]!r}, which is how an execution ends"
        raise unreadable(message, f"States.{taken[0]}")
    draft = Draft("asl", name)
    draft.initial = value.get("StartAt")
    draft.keys_left("", value, _ROOT_KNOWN, _SORTS)
    for status, state in states.items():
        _add_state(draft, status, state)
    reached = [row["target"] for row in draft.transitions]
    draft.terminal += [one for one in (SUCCEEDED, FAILED) if one in reached]
    return draft.converted()


def _add_state(draft: Draft, status: str, state: dict[str, Any]) -> None:
    place, kind = f"States.{status}", state.get("Type")
    known = _KNOWN.get(kind) if isinstance(kind, str) else None
    if known is None:
        draft.leave(
            "structure", f"{place}.Type", f"state {status!r} is of type {kind!r}, and what it does inside is left out"
        )
        known = {"Type", "Next", "End", "Catch"}
    draft.keys_left(place, state, known, _SORTS)
    if kind in ("Succeed", "Fail"):
        draft.terminal.append(status)
    elif kind == "Choice":
        _add_choices(draft, status, state, place)
    else:
        _add_completion(draft, status, state, place)


def _add_completion(draft: Draft, status: str, state: dict[str, Any], place: str) -> None:
    target = SUCCEEDED if state.get("End") is True else state.get("Next")
    draft.move("complete", status, target)
    kind = state.get("Type")
    seconds = state.get("Seconds")
    if kind == "Wait" and isinstance(seconds, int | float) and not isinstance(seconds, bool):
        draft.later(status, seconds, "complete", f"{place}.Seconds")
    elif kind == "Wait" and seconds is not None:
        draft.leave("event", f"{place}.Seconds", f"{seconds!r} is worked out when it runs")
    if kind in ("Pass", "Wait"):
        return
    for index, row in enumerate(_objects(draft, state.get("Catch"), f"{place}.Catch")):
        here = f"{place}.Catch[{index}]"
        draft.keys_left(here, row, {"ErrorEquals", "Next"}, _SORTS)
        errors = [str(one) for one in row.get("ErrorEquals") or ()]
        draft.move("fail", status, row.get("Next"), None if "States.ALL" in errors else " or ".join(errors))
        if "States.ALL" in errors:
            return
    # What nobody catches ends the execution.
    draft.move("fail", status, FAILED)


def _add_choices(draft: Draft, status: str, state: dict[str, Any], place: str) -> None:
    for index, row in enumerate(_objects(draft, state.get("Choices"), f"{place}.Choices")):
        here = f"{place}.Choices[{index}]"
        for key, kind in (("Assign", "data"), ("Output", "data"), ("Comment", "comment")):
            if key in row:
                draft.keys_left(here, {key: row[key]}, (), {key: kind})  # type: ignore[dict-item]
        rule = {key: part for key, part in row.items() if key not in {"Next", "Assign", "Output", "Comment"}}
        guard = rule.get("Condition") if rule.keys() == {"Condition"} else json.dumps(rule, ensure_ascii=False)
        if not isinstance(guard, str) or len(guard.encode()) > TEXT_BYTES_MAX:
            draft.leave("guard", here, f"the rule is longer than a guard's name: it is called 'choice {index + 1}'")
            guard = f"choice {index + 1}"
        draft.move("choose", status, row.get("Next"), guard)
    default = state.get("Default")
    draft.move("choose", status, FAILED if default is None else default)


def _objects(draft: Draft, given: object, place: str) -> list[Mapping[str, Any]]:
    if given is None:
        return []
    if isinstance(given, list) and all(isinstance(one, Mapping) for one in given):
        return given
    draft.leave("unknown", place, "is no list of objects")
    return []
