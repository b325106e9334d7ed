"""Ctrl-C and SIGTERM in the main thread: where a call lets them in, and that its handlers come back."""

import os
import signal
import threading

import pytest

from tai_state._platform import interrupts
from tai_state._platform.interrupts import Deferral, Interruptible, shield
from tai_state._platform.tasks import sleep
from tai_state._platform.waits import Mutex

BOTH = (signal.SIGINT, signal.SIGTERM)


class TermError(Exception):
    """What the tests' handler of SIGTERM raises."""


@pytest.fixture
def noted(nothing_is_left):
    """The signals that the tests' handler of SIGTERM has got; it raises nothing."""
    got: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    yield got
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Behind each test the handlers are what they were, and nothing is pending."""
    # A process that a shell started in the background ignores Ctrl-C.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert (interrupts._door.is_guarded, interrupts._door.pending) == (False, [])
    signal.signal(signal.SIGINT, ours)


def test_an_interrupt_waits_for_the_end_of_the_shielded_call():
    """The call ends first, then KeyboardInterrupt comes."""
    done = []

    def call():
        signal.raise_signal(signal.SIGINT)
        done.append(True)

    with pytest.raises(KeyboardInterrupt):
        shield(call)
    assert done == [True]


def test_an_uninterrupted_call_returns_its_result():
    """And nothing else happens."""
    assert shield(divmod, 7, 2) == (3, 1)


def test_the_handlers_are_ours_inside_alone(noted):
    """Behind the call they are the very same objects."""
    before = [signal.getsignal(number) for number in BOTH]
    inside = shield(lambda: [signal.getsignal(number) for number in BOTH])
    assert all(mine is not theirs for mine, theirs in zip(inside, before, strict=True))
    assert all(now is then for now, then in zip(map(signal.getsignal, BOTH), before, strict=True))


def test_a_handler_of_the_system_is_left_alone():
    """SIGTERM without a handler of Python's kills the process, as before."""
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert shield(lambda: signal.getsignal(signal.SIGTERM)) is signal.SIG_DFL


def test_a_handler_that_raises_nothing_is_called_behind_the_call(noted):
    """Once for its signal, and the result is returned."""

    def call():
        signal.raise_signal(signal.SIGTERM)
        return list(noted)

    assert shield(call) == []
    assert noted == [signal.SIGTERM]


def test_both_signals_are_delivered(noted):
    """Though the first of them raises."""

    def call():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        shield(call)
    assert noted == [signal.SIGTERM]


def test_a_second_signal_of_its_kind_is_not_held_up():
    """Who presses Ctrl-C twice is not made to wait."""
    after = []

    def call():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        after.append(True)

    with pytest.raises(KeyboardInterrupt):
        shield(call)
    assert after == []


def test_both_of_two_signals_of_a_kind_reach_a_handler_that_raises_nothing(noted):
    """At the second one; one more is held up again."""

    def call():
        counts = []
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
            counts.append(len(noted))
        return counts

    assert shield(call) == [0, 2, 2]
    assert len(noted) == 3


def test_nested_shields_are_one():
    """The interrupt comes behind the outermost."""
    steps = []

    def inner():
        signal.raise_signal(signal.SIGINT)
        steps.append("inner")

    def outer():
        shield(inner)
        steps.append("outer")

    with pytest.raises(KeyboardInterrupt):
        shield(outer)
    assert steps == ["inner", "outer"]


def test_the_error_of_the_call_is_the_context_of_the_interrupt():
    """Nothing that the call said is lost."""

    def call():
        signal.raise_signal(signal.SIGINT)
        raise TermError("what became of it")

    with pytest.raises(KeyboardInterrupt) as caught:
        shield(call)
    assert isinstance(caught.value.__context__, TermError)


def test_a_wait_lets_an_interrupt_in_at_once():
    """A sleep between two steps of a call is cut short."""
    timer = threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGINT])
    with Deferral():
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            sleep(60)
    timer.join()


def test_what_came_before_a_wait_is_let_in_with_it():
    """It does not wait for the end of the call."""
    with Deferral():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            sleep(60)


def test_a_wait_inside_a_shield_lets_nothing_in():
    """A commit whose reply was lost is settled first, retries and all."""
    slept = []

    def call():
        signal.raise_signal(signal.SIGINT)
        sleep(0.01)
        slept.append(True)

    with pytest.raises(KeyboardInterrupt):
        shield(call)
    assert slept == [True]


def test_a_wait_for_a_mutex_can_be_interrupted():
    """And whoever was interrupted does not hold it."""
    mutex = Mutex()
    assert mutex.acquire(0)
    timer = threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGINT])
    with Deferral():
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            mutex.acquire(60)
    timer.join()
    mutex.release()
    assert mutex.acquire(0)


def test_bookkeeping_inside_a_wait_lets_nothing_in():
    """What a backend must not leave half done is kept together, also in a read."""
    steps = []

    def read():
        with Interruptible():
            with Deferral():
                signal.raise_signal(signal.SIGINT)
                steps.append("together")
            steps.append("never")

    with Deferral(), pytest.raises(KeyboardInterrupt):
        read()
    assert steps == ["together"]


def test_another_thread_touches_no_handler():
    """Signals are the main thread's."""
    seen = []
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: seen.append(shield(signal.getsignal, signal.SIGINT)))
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_handler_that_was_set_inside_stays(noted):
    """Whoever sets one meanwhile wants it."""

    def mine(number, frame):
        """Do nothing."""

    before = signal.getsignal(signal.SIGINT)
    try:
        shield(signal.signal, signal.SIGINT, mine)
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_between_two_handlers_keeps_neither_from_coming_back(noted, monkeypatch):
    """The first one is back, and raises before the second one is."""
    before, get = signal.getsignal(signal.SIGTERM), interrupts._get_handler
    struck: list[int] = []

    def getting(number):
        handler = get(number)
        if number == signal.SIGTERM and handler is interrupts._on_signal and not struck:
            struck.append(number)
            signal.raise_signal(signal.SIGINT)
        return handler

    monkeypatch.setattr(interrupts, "_get_handler", getting)
    with pytest.raises(KeyboardInterrupt):
        shield(divmod, 7, 2)
    assert struck == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_where_handlers_cannot_be_set_calls_go_on_without(monkeypatch):
    """In an interpreter inside another program Python refuses to set any."""

    def refuse(number, handler):
        message = "signal only works in main thread of the main interpreter"
        raise ValueError(message)

    monkeypatch.setattr(interrupts, "_set_handler", refuse)
    monkeypatch.setattr(interrupts, "_door", interrupts._Door())
    assert [shield(lambda: 1), shield(lambda: 2)] == [1, 2]
