"""The change that an operation on a key is, and what its event tells the caller."""

from collections.abc import Sequence
from typing import Any, Final

from tai_state.codec import EMPTY, NULL, Payload
from tai_state.errors import KeyMismatchError
from tai_state.layout import OwnGovernor
from tai_state.models.keys import ABSENT
from tai_state.rules.commits.change import Change, Needs, Target
from tai_state.rules.commits.kinds import Call
from tai_state.rules.keys.op import KeyOp
from tai_state.rules.keys.plain_ops import CompareAndSwap, Set, Update
from tai_state.rules.records.record import EventRecord, StateRecord

KIND: Final = "key"


def group_of(name: object) -> OwnGovernor:
    """Return the governor of the group of keys called *name*.

    Raises:
        InvalidIdError: It cannot be part of an id.
    """
    return OwnGovernor("keys", name)  # type: ignore[arg-type]  # it checks


class UnchangedError(Exception):
    """An operation has nothing to write.

    Attributes:
        answer: What its caller is told.
    """

    def __init__(self, answer: object) -> None:
        """Keep the answer."""
        super().__init__()
        self.answer = answer


def value_in(payload: Payload) -> Any:
    """Return the value of a key in its state's data, a fresh copy; ABSENT where there is none."""
    data = payload.value()
    return data.get("value", ABSENT) if isinstance(data, dict) else ABSENT


def value_of(record: StateRecord | None) -> Any:
    """Return the value of a key, a fresh copy; ABSENT where it is not there."""
    return ABSENT if record is None or record.deleted else value_in(record.data)


def key_change(call: Call, op: KeyOp) -> Change:
    """Do *op* with the key of *call*.

    Its target raises UnchangedError where there is nothing to write.
    """
    request = NULL if isinstance(op, Update) else Payload.given(op.arguments(), op.NAME)

    def target_of(state: StateRecord | None) -> Target:
        outcome = op.apply(value_of(state))
        if not outcome.is_change:
            raise UnchangedError(outcome.answer)
        label = state.schema_version if state is not None else 1
        if outcome.value is ABSENT:
            return Target("", EMPTY, None, label, deleted=True)
        if isinstance(op, Set):
            # As it was given: its request is the state's data.
            return Target("", request, None, label)
        return Target("", Payload.given({"value": outcome.value}, f"key {op.key!r}"), None, label)

    # What a set was given stands in the state that its event holds.
    payload = NULL if isinstance(op, Set) else request
    return call.change(KIND, op.NAME, Needs.ANYTHING, target_of, request=request, payload=payload)


def previous_in(event: EventRecord) -> Any:
    """Return the value before a change; ABSENT where there was none."""
    return value_in(event.from_state)


def answer_in(op: KeyOp, event: EventRecord) -> Any:
    """Return what the caller of *op* is told, from the event of his own change."""
    if op.TELLS_VALUE:
        value = value_in(event.to_state)
        return None if value is ABSENT else value
    return op.apply(previous_in(event)).answer


def refused_in_transaction(op: KeyOp, answer: object) -> None:
    """Raise for an operation whose refusal ends its transaction: a comparison that does not hold.

    Raises:
        KeyMismatchError: It does not.
    """
    if isinstance(op, CompareAndSwap) and answer is False:
        raise KeyMismatchError(op.key)


def request_of(ops: Sequence[KeyOp]) -> str:
    """Return what the key of a transaction stands for: its operations, an Update's function by its name."""
    told = [op.NAME if isinstance(op, Update) else op.to_json() for op in ops]
    return Payload.of([[op.key, text] for op, text in zip(ops, told, strict=True)]).digest
