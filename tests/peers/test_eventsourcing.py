"""eventsourcing's own test cases, as it ships them for whoever writes a persistence module: all of them, whole.

On SQLite they run in `make test-more`, too. What is left out: the cases of dynamic consistency boundaries (``dcb``),
which are another kind of recorder that this adapter does not offer.
"""

from typing import Any, ClassVar

import pytest
from eventsourcing.persistence import Tracking
from eventsourcing.tests import application, persistence, projection
from eventsourcing.utils import Environment

from tai_state import TransactionManager, connect
from tai_state.adapters.eventsourcing import (
    TaiStateAggregateRecorder,
    TaiStateApplicationRecorder,
    TaiStateFactory,
    TaiStateProcessRecorder,
    TaiStateTrackingRecorder,
)

MODULE = "tai_state.adapters.eventsourcing"
THEIR_WARNINGS = pytest.mark.filterwarnings("default")
"""They call what they warn of, and leave applications open."""


class Placed:
    """What a place gives a test."""

    store: Any
    env: Any


class OnSqlite(Placed):
    """Each test gets a file of its own."""

    pytestmark: ClassVar = [pytest.mark.peers, pytest.mark.more, THEIR_WARNINGS]

    @pytest.fixture(autouse=True)
    def place(self, tmp_path, monkeypatch):
        """Say it as a deployment does."""
        say(self, monkeypatch, f"sqlite:///{tmp_path}/events.db")
        yield
        self.store.close()


class OnEmulator(Placed):
    """Each test gets a project of its own."""

    pytestmark: ClassVar = [pytest.mark.peers, pytest.mark.emulator, THEIR_WARNINGS]

    @pytest.fixture(autouse=True)
    def place(self, tai_state_project, monkeypatch):
        """As above."""
        say(self, monkeypatch, f"firestore://{tai_state_project}")
        yield
        self.store.close()


def say(case, monkeypatch, url):
    environment = {"PERSISTENCE_MODULE": MODULE, "TAI_STATE_STORE": url}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    case.env = Environment("TestCase", environment)
    case.store = connect(url)


class Aggregates(Placed, persistence.AggregateRecorderTestCase):
    """Events without numbers."""

    def create_recorder(self):
        return TaiStateAggregateRecorder(self.store)


class Applications(Placed, persistence.ApplicationRecorderTestCase):
    """Events with numbers, ten who write and two who read, and a subscription."""

    def create_recorder(self):
        return TaiStateApplicationRecorder(self.store)

    def test_insert_subscribe(self):
        self.optional_test_insert_subscribe()


class Numbers(Placed, persistence.NonInterleavingNotificationIDsBaseCase):
    """What is saved together has numbers in a row."""

    def create_recorder(self):
        return TaiStateApplicationRecorder(self.store)


class Trackings(Placed, persistence.TrackingRecorderTestCase):
    """Positions."""

    def create_recorder(self):
        return TaiStateTrackingRecorder(self.store)


class Processes(Placed, persistence.ProcessRecorderTestCase):
    """Both in one commit."""

    def create_recorder(self):
        return TaiStateProcessRecorder(self.store)


class OtherTrackingRecorder(TaiStateTrackingRecorder):
    """One of a user's own."""


class Factories(persistence.InfrastructureFactoryTestCase[TaiStateFactory]):
    """What the environment opens."""

    def expected_factory_class(self):
        return TaiStateFactory

    def expected_aggregate_recorder_class(self):
        return TaiStateAggregateRecorder

    def expected_application_recorder_class(self):
        return TaiStateApplicationRecorder

    def expected_tracking_recorder_class(self):
        return TaiStateTrackingRecorder

    def tracking_recorder_subclass(self):
        return OtherTrackingRecorder

    def expected_process_recorder_class(self):
        return TaiStateProcessRecorder


class Counts(TaiStateTrackingRecorder, projection.EventCountersView):
    """A view in the same store, which moves on with its position in one commit."""

    def _count(self, name, tracking):
        def body(tx):
            before = tx.find_state("counts", name)
            tx.save_state("counts", name, {"count": 1 if before is None else before.data["count"] + 1})
            self.track(tx, tracking)

        TransactionManager(self.store).run(body)

    def _counted(self, name):
        found = self.store.find_state("counts", name)
        return 0 if found is None else found.data["count"]

    def get_created_event_counter(self):
        return self._counted("created")

    def get_subsequent_event_counter(self):
        return self._counted("subsequent")

    def incr_created_event_counter(self, tracking: Tracking):
        self._count("created", tracking)

    def incr_subsequent_event_counter(self, tracking: Tracking):
        self._count("subsequent", tracking)


class Views(Placed, projection.EventCountersViewTestCase):
    """A view by itself."""

    def construct_event_counters_view(self):
        return Counts(self.store)


class Projections(projection.AggregateEventCountersProjectionTestCase):
    """A view that follows an application, by its subscription."""

    view_class = Counts


class EventSourcedProjections(projection.EventSourcedProjectionTestCase):
    """An application that follows another one."""


class ExampleApplications(application.ExampleApplicationTestCase):
    """The application of their documentation, with snapshots."""

    expected_factory_topic = f"{MODULE}.factory:TaiStateFactory"


class ApplicationsOfAllKinds(application.ApplicationTestCase):
    """Caches, fast-forwarding under contention, the log."""


CASES: list[type] = [
    Aggregates,
    Applications,
    Numbers,
    Trackings,
    Processes,
    Factories,
    Views,
    Projections,
    EventSourcedProjections,
    ExampleApplications,
    ApplicationsOfAllKinds,
]


for case in CASES:
    # A class of unittest's is found whatever it is called; these are for the two engines alone.
    case.__test__ = False  # type: ignore[attr-defined]
    for engine in (OnSqlite, OnEmulator):
        name = f"Test{case.__name__}{engine.__name__}"
        globals()[name] = type(name, (engine, case), {"__module__": __name__, "__test__": True})
