"""Moves that happened elsewhere are logged as they were."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    ConfigurationError,
    InvalidDataError,
    VersionConflictError,
)
from tests._async.stores import async_contents, in_memory


async def test_without_a_machine_only_the_machine_is_missing(store):
    """A persister without one records, and refuses to move."""
    persister = AsyncStateMachinePersister(store)
    await persister.log_transition("g", "s", "made", to_status="new", data={})
    for call in (lambda: persister.start("g", "t"), lambda: persister.transition("g", "s", "add")):
        with pytest.raises(ConfigurationError, match="machine"):
            await call()


async def test_a_logged_move_is_recorded_as_it_was(store):
    """Its action, status, data and time; an absent state is created."""
    persister = AsyncStateMachinePersister(store)
    at = datetime(2020, 1, 1, tzinfo=UTC)
    first = await persister.log_transition("g", "s", "made", to_status="new", data={"n": 1}, timestamp=at)
    second = await persister.log_transition(
        "g", "s", "paid", to_status="paid", data={"n": 2}, timestamp=at + timedelta(seconds=1)
    )
    assert (first.version, first.from_status, first.to_status) == (1, None, "new")
    assert (second.version, second.from_status, second.to_status) == (2, "new", "paid")
    assert (second.event.action, second.event.kind) == ("paid", "log")
    assert (second.snapshot.data, second.snapshot.timestamp) == ({"n": 2}, at + timedelta(seconds=1))
    assert first.snapshot.created_at == second.snapshot.created_at == at


async def test_a_logged_time_may_repeat_and_never_falls(store):
    """An earlier time than the last change's is refused, and nothing is written."""
    persister = AsyncStateMachinePersister(store)
    at = datetime(2020, 1, 1, tzinfo=UTC)
    for _ in range(2):
        await persister.log_transition("g", "s", "a", to_status="b", data={}, timestamp=at)
    before = await async_contents(store)
    with pytest.raises(InvalidDataError) as caught:
        await persister.log_transition("g", "s", "a", to_status="b", data={}, timestamp=at - timedelta(microseconds=1))
    assert caught.value.path == "timestamp"
    assert await async_contents(store) == before


@in_memory
@pytest.mark.parametrize("wrong", [datetime(2020, 1, 1), "2020-01-01", 5], ids=str)  # noqa: DTZ001 - refused
async def test_a_logged_time_needs_a_zone(place, wrong):
    """A naive one is refused, and nothing is sent."""
    store, backend = place.counting()
    with pytest.raises(InvalidDataError) as caught:
        await AsyncStateMachinePersister(store).log_transition("g", "s", "a", to_status="b", data={}, timestamp=wrong)
    assert caught.value.path == "timestamp"
    assert backend.calls == []


async def test_a_logged_move_may_name_a_version_and_a_key(store):
    """As every change may."""
    persister = AsyncStateMachinePersister(store)

    async def log(**options):
        return await persister.log_transition("g", "s", "a", to_status="b", data={}, **options)

    assert (await log(expected_version=0)).version == 1
    with pytest.raises(VersionConflictError):
        await log(expected_version=0)
    assert not (await log(idempotency_key="k")).replayed
    repeated = await log(idempotency_key="k")
    assert (repeated.version, repeated.replayed) == (2, True)
