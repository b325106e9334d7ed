"""eventsourcing: what an application is given by its environment, and its subscriptions."""

import threading

import pytest
from eventsourcing.persistence import InfrastructureFactory, InterfaceError, Tracking
from eventsourcing.utils import Environment

from tai_state import ConfigurationError, MemoryStore
from tai_state.adapters import eventsourcing
from tai_state.adapters.eventsourcing import TaiStateApplicationRecorder, TaiStateProcessRecorder
from tests.unit.adapters.originators import saved
from tests.waits import eventually

MODULE = "tai_state.adapters.eventsourcing"


@pytest.fixture
def store():
    """A store in memory."""
    with MemoryStore() as store:
        yield store


def environment(url=None, name="", **more):
    said = {"PERSISTENCE_MODULE": MODULE, **more}
    return Environment(name, said if url is None else {**said, "TAI_STATE_STORE": url})


def test_the_module_has_one_factory():
    """By its name, as eventsourcing looks for it."""
    factory = InfrastructureFactory.construct(environment("memory://"))
    assert type(factory) is eventsourcing.Factory
    factory.close()


def test_an_application_has_a_store_and_a_governor_of_its_own(tmp_path):
    """What is said for it goes before what is said for all; its name is the governor."""
    others, own = f"sqlite:///{tmp_path}/others.db", f"sqlite:///{tmp_path}/shop.db"
    factory = eventsourcing.Factory(environment(others, "Shop", SHOP_TAI_STATE_STORE=own))
    factory.application_recorder().insert_events(saved("a", 0))
    assert list(factory.store.list_governors()) == ["Shop"]
    factory.close()
    assert [path.name for path in tmp_path.glob("*.db")] == ["shop.db"]


def test_without_a_store_nothing_is_opened():
    """There is no store that nobody named: the error says how to name one."""
    with pytest.raises(ConfigurationError, match="SHOP_TAI_STATE_STORE or TAI_STATE_STORE"):
        eventsourcing.Factory(environment(name="Shop"))


def test_a_file_of_settings_is_heeded(tmp_path):
    """It may name the store, and say who writes."""
    config = tmp_path / "shop.toml"
    config.write_text(f'store = "sqlite:///{tmp_path}/shop.db"\nactor = "till"\n')
    factory = eventsourcing.Factory(environment(TAI_STATE_CONFIG=str(config)))
    factory.application_recorder().insert_events(saved("a", 0))
    (event,) = factory.store.get_events("eventsourcing", "events-a")
    assert event.metadata.changed_by == "till"
    factory.close()


def test_a_recorder_of_ones_own_is_made_and_another_one_is_refused():
    """The environment names its class, which is to be one of ours."""
    topics = {"APPLICATION_RECORDER_TOPIC": f"{MODULE}:TaiStateProcessRecorder"}
    factory = eventsourcing.Factory(environment("memory://", **topics))
    assert type(factory.application_recorder()) is TaiStateProcessRecorder
    factory.close()
    wrong = {"PROCESS_RECORDER_TOPIC": f"{MODULE}:TaiStateTrackingRecorder"}
    factory = eventsourcing.Factory(environment("memory://", **wrong))
    with pytest.raises(ConfigurationError, match="PROCESS_RECORDER_TOPIC"):
        factory.process_recorder()
    factory.close()


def test_a_factory_that_is_closed_has_closed_its_store():
    """Calls that come later are refused."""
    factory = eventsourcing.Factory(environment("memory://"))
    recorder = factory.tracking_recorder()
    factory.close()
    with pytest.raises(InterfaceError):
        recorder.insert_tracking(Tracking("upstream", 1))


# Who is told as it comes


def test_a_subscription_tells_what_another_store_object_recorded(tmp_path):
    """As it does what its own did; each once, in order."""
    ours, theirs = (eventsourcing.Factory(environment(f"sqlite:///{tmp_path}/a.db")) for _ in range(2))
    with ours.application_recorder().subscribe() as subscription:
        ours.application_recorder().insert_events(saved("a", 0))
        assert next(subscription).id == 1
        theirs.application_recorder().insert_events(saved("b", 0))
        theirs.application_recorder().insert_events(saved("b", 1))
        assert [next(subscription).id, next(subscription).id] == [2, 3]
    ours.close()
    theirs.close()


def test_a_subscription_raises_what_stopped_it(store):
    """Whoever waits for the next one is told why there is none."""
    recorder = TaiStateApplicationRecorder(store)
    threads = set(threading.enumerate())
    with recorder.subscribe() as subscription:
        store.drain()
        with pytest.raises(InterfaceError):
            next(subscription)
    assert eventually(lambda: set(threading.enumerate()) <= threads)


def test_a_subscription_that_cannot_begin_ends_whole(store, monkeypatch):
    """Its first look fails before anybody iterates: that is what is raised, and its listener is closed."""
    listen, threads = store.on_change, set(threading.enumerate())

    def late(*args, **options):
        # A thread that has begun has all the time to fail.
        assert eventually(lambda: set(threading.enumerate()) <= threads)
        return listen(*args, **options)

    def failing(*_, **__):
        message = "no store"
        raise InterfaceError(message)

    monkeypatch.setattr(store, "on_change", late)
    recorder = TaiStateApplicationRecorder(store)
    monkeypatch.setattr(recorder, "select_notifications", failing)
    subscription = recorder.subscribe()
    assert eventually(lambda: set(threading.enumerate()) <= threads)
    with pytest.raises(InterfaceError, match="no store"):
        next(subscription)
    assert not store.runtime.writer.listeners
