"""The data of a saga: what each move makes of it, which status follows from it, and what comes next."""

from typing import Any, Final, NamedTuple

Data = dict[str, Any]

RUNNING: Final = "running"
COMPLETED: Final = "completed"
COMPENSATING: Final = "compensating"
COMPENSATED: Final = "compensated"
COMPENSATION_FAILED: Final = "compensation_failed"

STATUSES: Final = (RUNNING, COMPLETED, COMPENSATING, COMPENSATED, COMPENSATION_FAILED)
ENDS: Final = frozenset({COMPLETED, COMPENSATED, COMPENSATION_FAILED})

WAITING: Final = "waiting"  # its action is to be run, for the first time or once more
BEGUN: Final = "begun"  # its action runs, or did when its worker died
ENDED: Final = "ended"  # its action runs no more
UNDOING: Final = "compensating"
UNDONE: Final = "compensated"
PASSED_OVER: Final = "compensation_failed"

FINISHED: Final = "finished"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"

ACTION: Final = "action"
COMPENSATION: Final = "compensation"

BEGIN: Final = "begin"
FAIL: Final = "fail"
COMPENSATE: Final = "compensate"
GIVE_UP: Final = "give_up"

CRASHES_MAX: Final = 20
"""After so many beginnings of a step that no outcome followed, it is not begun again."""

ERRORS_MAX: Final = 100
"""So many errors a saga tells; of more, the oldest of those that were tried again are left to its events."""


class Next(NamedTuple):
    """What comes next of a saga.

    Attributes:
        verb: BEGIN or COMPENSATE a step; or FAIL it, or GIVE it UP, since it is not begun again.
        step: Its name.
        outcome: What is known of its action: FINISHED, FAILED, UNKNOWN; None: nothing.
        attempts: How often it was begun, its action or its compensation, without an end.
    """

    verb: str
    step: str
    outcome: str | None
    attempts: int


def first_data(saga: str, key: str, given: object, steps: list[tuple[str, bool]]) -> Data:
    """Return the data of a saga that begins.

    Args:
        key: What the keys of its steps begin with: its own, and no other's.
        steps: Their names, and whether they can be compensated.
    """
    return {
        "saga": saga,
        "key": key,
        "input": given,
        "steps": [
            {"name": name, "compensates": compensates, "stage": WAITING, "outcome": None, "result": None} | _UNTRIED
            for name, compensates in steps
        ],
        "goes_back": False,
        "asked": None,
        "claim": None,
        "lease_seconds": None,
        "errors": [],
    }


_UNTRIED: Final[Data] = {"attempts": 0, "failures": 0, "since": None}


def step_of(data: Data, name: str) -> Data:
    """Return what is kept of a step."""
    found: Data = next(step for step in data["steps"] if step["name"] == name)
    return found


def results_of(data: Data) -> Data:
    """Return what the steps that finished have returned, by their names."""
    return {step["name"]: step["result"] for step in data["steps"] if step["outcome"] == FINISHED}


def is_under_way(data: Data) -> bool:
    """Whether a step is begun of which nobody knows the outcome yet."""
    return any(step["stage"] in {BEGUN, UNDOING} for step in data["steps"])


def _is_to_undo(step: Data) -> bool:
    return step["compensates"] and step["outcome"] in {FINISHED, UNKNOWN} and step["stage"] in {ENDED, UNDOING}


def status_of(data: Data) -> str:
    """Return the status that follows from the data."""
    steps = data["steps"]
    if not data["goes_back"]:
        return COMPLETED if all(step["outcome"] == FINISHED for step in steps) else RUNNING
    if any(map(_is_to_undo, steps)):
        return COMPENSATING
    return COMPENSATION_FAILED if any(step["stage"] == PASSED_OVER for step in steps) else COMPENSATED


def next_of(data: Data) -> Next | None:
    """Return what comes next where nobody has the saga in hand; None: it has ended."""
    steps = data["steps"]
    if data["goes_back"]:
        step = next((step for step in reversed(steps) if _is_to_undo(step)), None)
        is_given_up = step is not None and _has_crashed(step)
        return None if step is None else _next(GIVE_UP if is_given_up else COMPENSATE, step)
    step = next((step for step in steps if step["stage"] in {WAITING, BEGUN}), None)
    if step is None:
        return None
    # One that was asked to turn back begins nothing again; what was begun has no outcome, now that nobody has it.
    is_given_up = step["stage"] == BEGUN and (data["asked"] is not None or _has_crashed(step))
    return _next(FAIL if is_given_up else BEGIN, step)


def _next(verb: str, step: Data) -> Next:
    return Next(verb, step["name"], step["outcome"], step["attempts"] - step["failures"])


def _has_crashed(step: Data) -> bool:
    return bool(step["attempts"] - step["failures"] >= CRASHES_MAX)


# What the moves make of the data. Each is given a copy of its own, and the payload of its event.


def begun(data: Data, payload: Data) -> Data:
    """Begin the action of a step."""
    return _claimed(data, payload, BEGUN)


def finished(data: Data, payload: Data) -> Data:
    """End the action of a step well."""
    step_of(data, payload["step"]).update(_UNTRIED, stage=ENDED, outcome=FINISHED, result=payload["result"])
    return data if data["asked"] is None else _turned(data)


def put_off(data: Data, payload: Data) -> Data:
    """Let the action of a step be run once more."""
    step = step_of(data, payload["step"])
    step.update(stage=WAITING, outcome=_worse(step, payload), failures=step["failures"] + 1)
    _add_error(data, payload, ACTION, is_final=False)
    data["claim"] = None
    return data if data["asked"] is None else _turned(data)


def failed(data: Data, payload: Data) -> Data:
    """End the action of a step badly."""
    step = step_of(data, payload["step"])
    _add_error(data, payload, ACTION, is_final=True)
    step.update(_UNTRIED, stage=ENDED, outcome=_worse(step, payload))
    return _turned(data)


def undoing(data: Data, payload: Data) -> Data:
    """Begin the compensation of a step."""
    return _claimed(data, payload, UNDOING)


def undone(data: Data, payload: Data) -> Data:
    """End the compensation of a step well."""
    step_of(data, payload["step"]).update(_UNTRIED, stage=UNDONE)
    return data


def undo_put_off(data: Data, payload: Data) -> Data:
    """Let the compensation of a step be run once more."""
    step = step_of(data, payload["step"])
    step.update(stage=ENDED, failures=step["failures"] + 1)
    _add_error(data, payload, COMPENSATION, is_final=False)
    data["claim"] = None
    return data


def passed_over(data: Data, payload: Data) -> Data:
    """End the compensation of a step badly."""
    _add_error(data, payload, COMPENSATION, is_final=True)
    step_of(data, payload["step"]).update(_UNTRIED, stage=PASSED_OVER)
    return data


def turned_back(data: Data, payload: Data) -> Data:
    """Turn back by hand: at once, or where a step is under way, behind it."""
    data["asked"] = payload["reason"]
    if any(step["stage"] == BEGUN for step in data["steps"]):
        return data
    data["claim"] = None
    return _turned(data)


def resumed(data: Data, _: Data) -> Data:
    """Go on by hand: what waits need wait no longer, and what was passed over is compensated after all."""
    data["claim"] = None
    for step in data["steps"]:
        if step["stage"] == PASSED_OVER:
            step.update(_UNTRIED, stage=ENDED)
    return data


def _claimed(data: Data, payload: Data, stage: str) -> Data:
    step = step_of(data, payload["step"])
    step.update(stage=stage, attempts=step["attempts"] + 1, since=step["since"] or payload["at"])
    return data | {"claim": payload["claim"], "lease_seconds": payload["lease_seconds"]}


def _worse(step: Data, payload: Data) -> str:
    # An attempt that ran out of its time may yet do something, whatever became of a later one.
    return UNKNOWN if payload["unknown"] or step["outcome"] == UNKNOWN else FAILED


def _turned(data: Data) -> Data:
    for step in data["steps"]:
        if step["stage"] == WAITING and step["outcome"] is not None:
            step.update(_UNTRIED, stage=ENDED)
    return data | {"goes_back": True}


def _add_error(data: Data, payload: Data, phase: str, *, is_final: bool) -> None:
    step, errors = step_of(data, payload["step"]), data["errors"]
    told = {"step": step["name"], "phase": phase, "attempt": step["attempts"]}
    errors.append(told | {"error": payload["error"], "is_final": is_final})
    if len(errors) > ERRORS_MAX:
        oldest = next((error for error in errors if not error["is_final"]), None)
        if oldest is not None:
            errors.remove(oldest)
