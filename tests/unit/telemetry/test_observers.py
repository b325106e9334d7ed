"""What goes on in a context is of the operation that it is in, for as long as that stretch of it lasts."""

import contextvars

from tai_state.observers import Observer, Observers, Request


class Heard(Observer):
    """Keeps whose the requests are."""

    def __init__(self):
        self.of = []

    def request_ended(self, request, operation):
        self.of.append(operation)


def test_what_a_task_inherits_ends_with_its_maker():
    """A timer or a task that is made within an operation lives on, and is no part of it."""
    looking, heard = Observers(), Heard()
    looking.add(heard, heard, lambda: lambda: None)
    outer = looking.begin("acquire", None, None)
    assert outer is not None
    stretch = looking.enter(outer)
    inherited = contextvars.copy_context()
    assert inherited.run(looking.begin, "get_state", "g", "s") is None
    stretch.leave()
    inherited.run(looking.request, Request("commit", "", 0.1))
    assert (heard.of, outer.commits) == ([None], 0)
    assert inherited.run(looking.begin, "get_state", "g", "s") is not None
