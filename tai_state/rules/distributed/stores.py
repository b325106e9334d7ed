"""The names of those who take part, and what a part is made of."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from tai_state.config import check_ttl
from tai_state.documents import Document, DocumentPath, Write
from tai_state.errors import ConfigurationError, InvalidIdError
from tai_state.layout import check_id, state_layout, state_of
from tai_state.rules.distributed.parts import Concerned
from tai_state.rules.recovery.carried import is_state
from tai_state.rules.transactions.draft import Draft
from tai_state.rules.transactions.record import checks

PARTICIPANTS_MAX = 100
"""How many take part at most: each is one document of the coordinator's, which all go in one commit."""

LEASE = timedelta(seconds=30)
"""How long a transaction may take from its begin to its decision before anybody aborts it."""


def checked_names(stores: Iterable[object], participants: Iterable[object]) -> None:
    """Refuse names that cannot be, or that two have.

    Raises:
        ConfigurationError: There are none, too many, or some that cannot be.
    """
    names = [*stores, *participants]
    try:
        checked = {check_id(name, "the name of a store") for name in names}
    except InvalidIdError as error:
        raise ConfigurationError(str(error)) from error
    if len(checked) != len(names):
        message = "a store and a participant have the same name"
        raise ConfigurationError(message)
    if not 0 < len(names) <= PARTICIPANTS_MAX:
        message = f"a distributed transaction has 1 to {PARTICIPANTS_MAX} stores, not {len(names)}"
        raise ConfigurationError(message)


def checked_lease(lease: object) -> timedelta:
    """Return how long a transaction may take to decide.

    Raises:
        ConfigurationError: It is no positive timedelta.
    """
    return check_ttl(lease, "lease")


def concerned_by(
    draft: Draft, documents: Mapping[DocumentPath, Document | None], writes: Mapping[DocumentPath, Write]
) -> Concerned:
    """Return what a part rests on, of what a body read and is to write.

    Args:
        documents: What it read.

    Raises:
        CorruptLogError: A state that it read is damaged, and a mark in it would hide that, or its log does not tell it.
    """
    states = {}
    for path in documents:
        if is_state(path):
            paths = state_layout(*state_of(str(path)))
            states[path] = paths, draft.writable(paths)
    others = {path: document for path, document in documents.items() if path not in states}
    return Concerned(states, tuple(checks(others, writes)), writes)
