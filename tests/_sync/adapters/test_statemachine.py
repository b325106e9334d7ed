# Generated from tests/_async/adapters/test_statemachine.py by .ci/generate_sync.py; do not edit.
"""python-statemachine: machines that people already have, in a store."""
from typing import Any

import pytest
from statemachine import State, StateChart, StateMachine
from statemachine.exceptions import TransitionNotAllowed

from tai_state import (
    StateMachinePersister,
    TransactionManager,
    ConfigurationError,
    EffectsFailedError,
    InvalidDataError,
    MoverError,
    StateExistsError,
    StateNotFoundError,
    TransitionNotAllowedError,
    VersionConflictError,
)
from tai_state.adapters.statemachine import PersistedMachines, StatechartDefinition, persisted
from tests._sync.stores import contents, in_memory
from tests.charts import Basket, Delivery, Order, Shopping, WaitingGuard


@pytest.fixture
def mailed(monkeypatch):
    """What orders did outside the store."""
    sent: list[str] = []
    monkeypatch.setattr(Order, "mailed", sent)
    return sent


@pytest.fixture
def orders(store):
    machines = persisted(Order, store)
    assert isinstance(machines, PersistedMachines)
    return machines


def test_a_machine_is_loaded_and_fired_by_name(orders):
    """One commit for an event: statuses, data and payload before and after."""
    orders.start("shop", "o1", {"total": 1})
    order = orders.load("shop", "o1")
    assert (order.status, order.version, order.data) == ("draft", 1, {"total": 1})
    result = order.fire("pay", {"amount": 7})
    assert (result.from_status, result.to_status, result.version) == ("draft", "paid", 2)
    assert (result.event.payload, result.event.from_state, result.event.to_state) == (
        {"amount": 7},
        {"total": 1},
        {"total": 8},
    )
    assert (order.status, order.data, order.machine.total) == ("paid", {"total": 8}, 8)
    assert order.machine.paid.is_active
    order.fire("ship")
    again = orders.load("shop", "o1")
    assert (again.status, again.data, again.machine.parcel) == ("shipped", {"total": 8, "parcel": "to 8"}, "to 8")


def test_guards_refuse_before_the_commit(orders, store, mailed):
    """And so does a status; what the library raised is the cause, and nothing is written or called."""
    order = orders.start("shop", "o1")
    mailed.clear()
    before = contents(store)
    for action, payload in (("pay", {"amount": 5}), ("ship", None)):
        with pytest.raises(TransitionNotAllowedError) as caught:
            order.fire(action, payload)
        assert isinstance(caught.value.__cause__, TransitionNotAllowed)
    with pytest.raises(TransitionNotAllowedError, match="no such event"):
        order.fire("refund")
    assert contents(store) == before
    assert mailed == []


def test_a_callback_that_fails_before_the_commit_writes_nothing(orders, store):
    """It is told as the machine's failure, with its cause."""
    order = orders.start("shop", "o1")
    before = contents(store)
    with pytest.raises(MoverError, match="it raised TypeError") as caught:
        order.fire("pay", {"amount": "seven"})
    assert isinstance(caught.value.__cause__, TypeError)
    assert contents(store) == before


def test_effects_are_called_behind_the_commit_once(orders, mailed):
    """Not for a repetition under the key, which runs nothing; in the library's order."""
    order = orders.start("shop", "o1", idempotency_key="begin")
    assert mailed == ["drafted"]
    assert (orders.start("shop", "o1", idempotency_key="begin")).version == 1
    order.fire("pay", {"amount": 7}, idempotency_key="k")
    again = order.fire("pay", {"amount": 7}, idempotency_key="k")
    assert (again.replayed, again.version) == (True, 2)
    assert mailed == ["drafted", "paid 7", "thanks"]
    with pytest.raises(StateExistsError):
        orders.start("shop", "o1")


def test_an_effect_finds_the_move_durable(place):
    """Another process that looks while it runs sees the move; an async callback is waited for in this colour."""
    other = StateMachinePersister(place.store())
    seen: list[object] = []

    class Looking(StateMachine):
        draft = State(initial=True)
        sold = State(final=True)
        sell = draft.to(sold)

        def on_enter_sold(self):
            seen.append((other.load_state("shop", "o1")).snapshot.status)

    machines = persisted(Looking, place.store())
    (machines.start("shop", "o1")).fire("sell")
    assert seen == ["sold"]


def test_a_conflict_runs_the_machine_again_on_fresh_data(place, mailed):
    """No payment is lost, and the effects are those of the run that was committed."""

    class Till(StateMachine):
        ready = State(initial=True)
        take = ready.to(ready, on="count")

        def __init__(self, *args, **kwargs):
            self.total = 0
            super().__init__(*args, **kwargs)

        def count(self, amount):
            self.total += amount

        def after_take(self):
            mailed.append(self.total)

    mine, theirs = persisted(Till, place.store()), persisted(Till, place.store())
    mine.start("shop", "till")
    one, two = mine.load("shop", "till"), theirs.load("shop", "till")
    one.fire("take", {"amount": 1})
    two.fire("take", {"amount": 10})
    result = one.fire("take", {"amount": 100})
    assert (result.version, one.data, mailed) == (4, {"total": 111}, [1, 11, 111])
    with pytest.raises(VersionConflictError):
        two.fire("take", {"amount": 1}, expected_version=3)
    two.reload()
    assert (two.version, two.machine.total) == (4, 111)


def test_an_effect_that_fails_is_told_behind_the_commit(orders, monkeypatch):
    """The move stands, and the error says so: asking again would move once more."""
    monkeypatch.setattr(Order, "mailed", None)
    with pytest.raises(EffectsFailedError) as caught:
        orders.start("shop", "o1")
    assert (caught.value.state_id, caught.value.version, caught.value.action) == ("o1", 1, "start")
    assert isinstance(caught.value.__cause__, AttributeError)
    assert (orders.load("shop", "o1")).version == 1


def test_what_an_effect_sends_is_fired_next(store):
    """Each in a commit of its own."""
    baskets = persisted(Shopping, store, model=Basket)
    basket = baskets.start("shop", "b1")
    for item in ("tea", "bread"):
        basket.fire("put", {"item": item})
    result = basket.fire("put", {"item": "milk"})
    assert (result.to_status, basket.status, basket.version) == ("full", "closed", 5)
    assert (basket.data, basket.model.items) == ({"items": ["tea", "bread", "milk"]}, ["tea", "bread", "milk"])
    assert [event.action for event in baskets.persister.history("shop", "b1")][-2:] == ["put", "close"]


@in_memory
def test_a_model_keeps_what_is_not_data(store):
    """Attributes that begin with an underscore come from who makes the model."""
    baskets = persisted(Shopping, store, model=lambda: Basket("mall"))
    baskets.start("shop", "b1", {"items": ["tea"]})
    basket = baskets.load("shop", "b1")
    assert (basket.data, basket.model.items, basket.model._shop) == ({"items": ["tea"]}, ["tea"], "mall")


def test_nested_and_parallel_states_are_stored_whole(store):
    """All states at once, by one status; and a history state leads back to where it was."""
    deliveries = persisted(Delivery, store)
    delivery = deliveries.start("shop", "d1")
    assert delivery.names == ("billing", "due", "packing", "picking", "work")
    delivery.fire("box")
    delivery = deliveries.load("shop", "d1")
    assert delivery.status == "billing+boxed+due+packing+work"
    delivery.fire("halt")
    assert delivery.names == ("halted",)
    delivery = deliveries.load("shop", "d1")
    delivery.fire("resume")
    assert delivery.status == "billing+boxed+due+packing+work"
    assert (deliveries.persister.validate_consistency("shop")).is_consistent


def test_a_definition_that_changed_is_told(orders, store, caplog):
    """By its fingerprint; and a state that it has lost is no status to go on from."""
    orders.start("shop", "o1")

    class Changed(StateMachine):
        draft = State(initial=True)
        sold = State(final=True)
        pay = draft.to(sold)

    changed = persisted(Changed, store, name="Order")
    order = changed.load("shop", "o1")
    assert changed.definition.fingerprint != orders.definition.fingerprint
    order.fire("pay")
    assert [record.event for record in caplog.records if hasattr(record, "event")] == ["machine_redefined"]
    with pytest.raises(MoverError, match="it has no state 'sold' any more"):
        orders.load("shop", "o1")


def test_its_states_are_moved_by_whatever_moves_states(orders, store, mailed):
    """The definition is a mover: transactions, other persisters and checks take it; nobody calls the effects then."""
    orders.start("shop", "a")
    orders.start("shop", "b")
    mailed.clear()

    def both(tx):
        tx.transition(orders.persister, "shop", "a", "pay", {"amount": 7})
        tx.transition(orders.persister, "shop", "b", "pay", {"amount": 8})

    TransactionManager(store).run(both)
    assert [(orders.load("shop", one)).data for one in ("a", "b")] == [{"total": 7}, {"total": 8}]
    assert mailed == []
    assert (orders.persister.replay("shop", "a")).status == "paid"
    with pytest.raises(StateNotFoundError):
        orders.load("shop", "c")


@in_memory
def test_a_copy_in_memory_is_moved_by_nobody(orders):
    """Sending to the machine itself would be lost: it is refused, and says what to do."""
    order = orders.start("shop", "o1")
    with pytest.raises(ConfigurationError, match="is moved by fire"):
        order.machine.send("pay", amount=7)
    loaded = orders.load("shop", "o1")
    with pytest.raises(ConfigurationError, match="is moved by fire"):
        loaded.machine.pay(amount=7)


@in_memory
def test_other_machines_of_the_class_stay_as_they_are(orders, mailed):
    """Who uses the class beside the store has the library's own behaviour."""
    own = Order()
    own.pay(amount=7)
    assert (own.paid.is_active, own.total, mailed) == (True, 7, ["drafted", "paid 7", "thanks"])


@in_memory
def test_which_callbacks_wait_for_the_commit_can_be_chosen(store):
    """Where entering a state changes its data, that belongs before the commit."""

    class Counting(StateMachine):
        ready = State(initial=True)
        again = ready.to(ready)

        def __init__(self, *args, **kwargs):
            self.entered = 0
            self.ended = 0
            super().__init__(*args, **kwargs)

        def on_enter_ready(self):
            self.entered += 1

        def after_again(self):
            self.ended += 1

    both = persisted(Counting, store, name="both")
    after = persisted(Counting, store, name="after", effects=("after",))
    assert (both.start("g", "both")).data == {"entered": 0, "ended": 0}
    machine = after.start("g", "after")
    machine.fire("again")
    assert machine.data["ended"] == 0
    assert machine.data["entered"] >= 1
    with pytest.raises(ConfigurationError, match="effects must be among enter, after"):
        persisted(Counting, store, effects=("before",))


NoChart: Any = object


class Delayed(StateChart[Any]):
    a = State(initial=True)
    b = State()
    go = a.to(b)
    back = b.to(a)

    def on_go(self):
        self.send("back", delay=1000)


class Invoking(StateChart[Any]):
    a = State(initial=True, invoke=lambda: 1)
    b = State()
    go = a.to(b) | b.to(a)


@in_memory
def test_what_cannot_be_done_before_a_commit_is_refused(store):
    """What runs beside it, later, or waits: when it is given where that can be told, else when it is sent."""
    with pytest.raises(ConfigurationError, match="is invoked"):
        persisted(Invoking, store)
    with pytest.raises(ConfigurationError, match="is async, and is called before the commit"):
        persisted(WaitingGuard, store)
    with pytest.raises(ConfigurationError, match="must be a class of python-statemachine"):
        persisted(NoChart, store)
    delayed = persisted(Delayed, store).start("g", "s")
    with pytest.raises(MoverError) as caught:
        delayed.fire("go")
    assert "is delayed" in str(caught.value.__cause__)
    assert delayed.version == 1


@in_memory
@pytest.mark.parametrize("data", [{"pay": 1}, {"_callbacks": 1}, {"__class__": 1}, {"send": 1}, {"no name": 1}])
def test_data_takes_the_place_of_no_method(orders, data):
    """Whoever gives data gives no code."""
    with pytest.raises(InvalidDataError, match="cannot be an attribute"):
        orders.start("shop", "o1", data)


@in_memory
def test_a_payload_takes_the_place_of_nothing_of_the_librarys(orders):
    """Names that the library gives to callbacks are refused and not lost."""
    order = orders.start("shop", "o1")
    with pytest.raises(InvalidDataError, match="a name that python-statemachine gives"):
        order.fire("pay", {"amount": 7, "event": "ship"})


def test_the_fingerprint_knows_what_a_machine_is_made_of():
    """The same for the same class, another one for another guard, target or flag."""

    def made(**changed):
        class Changing(StateMachine):
            a = State(initial=True)
            b = State(final=changed.get("final", False))
            go = a.to(b, cond=changed.get("cond", "one"))
            if not changed.get("final"):
                back = b.to(a)
            allow_event_without_transition = changed.get("allow", False)

            def one(self):
                return True

            def two(self):
                return True

        return StatechartDefinition(Changing).fingerprint

    prints = [made(), made(cond="two"), made(final=True), made(allow=True)]
    assert made() == prints[0]
    assert len(set(prints)) == 4
