"""Machines whose states depend on each other, and what the tests of dependents ask of a store."""

from typing import Any

from tai_state import AsyncStateMachinePersister, Machine, Transition
from tai_state.layout import state_layout
from tai_state.rules.records.documents import read_state
from tests._async.stores import async_document_at


def noted(data: dict[str, Any], payload: Any) -> dict[str, Any]:
    return {**data, "because": payload}


JOB = Machine(
    "job",
    "new",
    [
        Transition("run", ("new", "failed", "blocked"), "running"),
        Transition("note", "running", "running"),
        Transition("finish", "running", "done"),
        Transition("fail", ("new", "running"), "failed"),
        Transition("block", ("new", "running"), "blocked", apply=noted),
    ],
    on_dependency={"failed": "block"},
)
"""A job is blocked when what it depends on fails, unless it is done."""

ALERT = Machine(
    "alert",
    "quiet",
    [Transition("raise", "quiet", "loud"), Transition("hush", "loud", "quiet")],
    on_dependency={"blocked": "raise", "failed": "raise"},
)
"""Another machine, which reacts to another status, too."""

PLAIN = Machine("plain", "open", [Transition("shut", "open", "shut")])
"""Reacts to nothing."""


def persister_of(store, machine=JOB, machines=(JOB, ALERT, PLAIN)):
    """Return a persister of *machine* that knows all the others."""
    return AsyncStateMachinePersister(store, machine, machines=machines)


async def async_statuses(store, *state_ids, governor_id="g"):
    """Return the statuses of the states, as of one moment."""
    found = (await store.batch_get_states(governor_id, state_ids)).found
    return [found[state_id].status for state_id in state_ids]


async def async_start_all(persister, governor_id="g", **states):
    """Start states by name, each with those that it depends on."""
    for state_id, depends_on in states.items():
        await persister.start(governor_id, state_id, depends_on=depends_on)


async def async_marks(store, state_id, governor_id="g"):
    """Return the marks of dependents on a state."""
    paths = state_layout(governor_id, state_id)
    document = await async_document_at(store, paths.state)
    return dict(read_state(document, governor_id, state_id).marks.dependents)


async def async_versions(store, *state_ids):
    """Return the versions of the states."""
    found = (await store.batch_get_states("g", state_ids)).found
    return [found[state_id].version for state_id in state_ids]


async def async_sound(persister):
    """Whether every log and every mark is as it should be, and every state the fold of its events."""
    report = await persister.validate_consistency("g")
    assert report.problems == []
    async for snapshot in persister.store.list_states("g"):
        assert await persister.replay("g", snapshot.state_id) == snapshot
    return True
