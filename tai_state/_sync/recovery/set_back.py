# Generated from tai_state/_async/recovery/set_back.py by .ci/generate_sync.py; do not edit.
"""A copy of a store whose clock was set back: what is due in it, and where its subscriptions look, is set back, too."""
from collections.abc import Iterator
from datetime import datetime

from tai_state._sync.recovery.governors import governors
from tai_state._sync.runtime import Runtime
from tai_state.documents import Document, Put, UpdatedAt
from tai_state.errors import InvalidIdError, ReplayError
from tai_state.layout import SUBSCRIPTIONS, state_layout, state_of
from tai_state.rules.records.documents import read_state, state_put
from tai_state.rules.recovery.carried import is_due
from tai_state.rules.recovery.set_back import due_again, looks_again


def set_back(runtime: Runtime, floor: datetime) -> None:
    """Bring back what documents say of times to come, in a copy that nobody else uses yet.

    What is damaged, or somebody else's, is passed over: the check tells of it.

    Args:
        floor: Before all times of changes that were brought back.
    """
    access = runtime.access
    now = access.server_time(access.begin(None))
    for governor in governors(access):
        for document in access.scan(governor.states):
            if is_due(document.path, document.fields):
                _due(runtime, document, now)
    for document in _of_subscriptions(runtime):
        fields = looks_again(document.fields, floor, now)
        if fields is not None:
            _put(runtime, Put(document.path, fields, UpdatedAt(document.update_time)))


def _due(runtime: Runtime, document: Document, now: datetime) -> None:
    try:
        paths = state_layout(*state_of(str(document.path)))
        wanted = due_again(read_state(document, paths.governor_id, paths.state_id), now)
    except (InvalidIdError, ReplayError):
        return
    if wanted is not None:
        encoding = runtime.settings.encoding
        _put(runtime, state_put(paths, wanted, encoding, document.update_time, keeps_mark=True))


def _put(runtime: Runtime, put: Put) -> None:
    access = runtime.access
    access.backend.commit([put], timeout=access.attempt_seconds(access.begin(None)))


def _of_subscriptions(runtime: Runtime) -> Iterator[Document]:
    """Iterate over all that subscriptions keep of where they are."""
    for own in runtime.access.scan(SUBSCRIPTIONS):
        yield own
        for part in ("shards", "positions"):
            for document in runtime.access.scan(f"{own.path}/{part}"):
                yield document
