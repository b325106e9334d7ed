"""Labels that come with a change: what they make of those that a state has."""

from collections.abc import Mapping
from dataclasses import replace

from tai_state.codec import Payload
from tai_state.errors import InvalidDataError
from tai_state.rules.commits.change import Change, Target
from tai_state.rules.records.labels import checked_labels, term
from tai_state.rules.records.record import StateRecord

LABELS_MAX = 32
"""How many a state may have: each is an entry in an index, or two, that its changes write."""


def labelled(change: Change, labels: object) -> Change:
    """Return *change* as one that also sets the state's *labels*, and takes those away whose value is None.

    The others stay as they are. They are part of what the change's key stands for.

    Raises:
        InvalidDataError: They cannot be looked for; so it is, when the change is decided, where they become too many.
    """
    given = checked_labels(labels, removing=True)
    target_of = change.target_of

    def with_labels(state: StateRecord | None) -> Target:
        target = target_of(state)
        kept = state.labels if target.labels is None and state is not None else target.labels or ()
        return replace(target, labels=_merged(kept, given))

    request = Payload.of({"request": change.request.digest, "labels": dict(sorted(given.items()))})
    return replace(change, target_of=with_labels, request=request)


def _merged(kept: tuple[str, ...], given: Mapping[str, str | None]) -> tuple[str, ...]:
    others = [one for one in kept if one.partition("=")[0] not in given]
    merged = others + [term(key, value) for key, value in given.items() if value is not None]
    if len(merged) > LABELS_MAX:
        message = f"a state has at most {LABELS_MAX} labels, these would be {len(merged)}"
        raise InvalidDataError(message, path="labels")
    return tuple(sorted(merged))
