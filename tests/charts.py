"""Machines of python-statemachine, as people write them."""

from typing import Any

from statemachine import HistoryState, State, StateChart, StateMachine


class Order(StateMachine):
    """Its data stands on the machine itself; it mails behind each payment."""

    draft = State(initial=True)
    paid = State()
    shipped = State(final=True)

    pay = draft.to(paid, cond="is_enough", on="book")
    ship = paid.to(shipped, before="label")

    mailed: list[str] = []  # noqa: RUF012 - shared on purpose: what was done outside the store

    def __init__(self, *args, **kwargs):
        self.total = 0
        super().__init__(*args, **kwargs)

    def is_enough(self, amount):
        return amount > 5

    def book(self, amount):
        self.total += amount

    def label(self):
        self.parcel = f"to {self.total}"

    def on_enter_draft(self):
        self.mailed.append("drafted")

    def on_enter_paid(self, amount):
        self.mailed.append(f"paid {amount}")

    def after_pay(self):
        self.mailed.append("thanks")


class Basket:
    """A domain model: what the machine works on."""

    def __init__(self, shop="corner"):
        self.items = []
        self._shop = shop


class Shopping(StateMachine):
    """Its data stands on a model; a full basket closes itself, by an event that a callback sends behind the commit."""

    empty = State(initial=True)
    full = State()
    closed = State(final=True)

    put = empty.to(empty, unless="is_last", on="add") | empty.to(full, on="add")
    close = full.to(closed) | empty.to(closed)

    def is_last(self, item):
        return len(self.model.items) == 2

    def add(self, item):
        self.model.items.append(item)

    def on_enter_full(self):
        self.close()


class Delivery(StateChart[Any]):
    """Two regions at once, one of them nested, and a history to come back to."""

    validate_disconnected_states = False
    allow_event_without_transition = False

    class work(State.Parallel):  # noqa: D106, N801 - the state's id
        class packing(State.Compound):  # noqa: D106, N801 - the state's id
            picking = State(initial=True)
            boxed = State(final=True)
            box = picking.to(boxed)

        class billing(State.Compound):  # noqa: D106, N801 - the state's id
            due = State(initial=True)
            settled = State(final=True)
            settle = due.to(settled)

        back = HistoryState(type="deep")

    halted = State()
    halt = work.to(halted)
    resume = halted.to(work.back)


class WaitingGuard(StateMachine):
    """Asks somebody else before it moves."""

    a = State(initial=True)
    b = State()
    go = a.to(b, cond="is_open") | b.to(a)

    async def is_open(self):
        return True
