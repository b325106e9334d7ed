"""A moment of Redis in `make test`: a real server, both colours, each kind of request; the rest is in `test-more`."""

from tai_state import AsyncLockManager, AsyncRedisStore, AsyncStateMachinePersister, Machine, Transition, connect

MACHINE = Machine("m", "on", [Transition("go", "on", "off"), Transition("go", "off", "on")])


async def test_a_store_works_in_both_colours(redis_url):
    """Moves under keys and locks, lists, labels and events by one, read by the other; and what outlives the server."""
    async with AsyncRedisStore(redis_url, actor="a") as store:
        persister = AsyncStateMachinePersister(store, MACHINE)
        await persister.start("g", "s", {"n": 1}, labels={"of": "a"})
        async with AsyncLockManager(store).hold("r") as lock:
            keys = ("k", "l", "k")
            told = [await persister.transition("g", "s", "go", idempotency_key=key, lock=lock) for key in keys]
        assert [(one.version, one.replayed) for one in told] == [(2, False), (3, False), (2, True)]
        assert "appendfsync always" in (await store.health()).message
    with connect(redis_url) as store:
        assert [(one.state_id, one.version) for one in store.list_states("g", status="on")] == [("s", 3)]
        assert [one.state_id for one in store.find(labels={"of": "a"})] == ["s"]
        assert [event.action for event in store.get_events("g", "s")] == ["start", "go", "go"]
        assert list(store.list_governors()) == ["g"]
