"""The names of the locks behind which runs queue: processes of every release must agree on them."""

from tai_state.documents import DocumentPath
from tai_state.rules.transactions.queueing import queue_resources, serialize_resource

STATES = [DocumentPath("governors/g/states", f"s{number}") for number in range(40)]


def test_the_queue_of_a_state_is_the_same_in_every_release():
    """Two of different ones would not stand in one line."""
    assert queue_resources([DocumentPath("governors/g/states", "s")]) == ["tai_state:queue:68"]
    assert serialize_resource("nightly") == "tai_state:serialize:nightly"


def test_a_store_has_so_many_queues_and_no_more():
    """Their documents stay for ever."""
    numbers = {int(queue_resources([state])[0].rpartition(":")[2]) for state in STATES * 50}
    assert numbers <= set(range(256))
    many = {queue_resources([DocumentPath("c", str(number))])[0] for number in range(5_000)}
    assert len(many) == 256


def test_a_run_over_many_states_stands_in_eight_queues():
    """The lowest, in order: two runs that share two never wait for each other."""
    found = [int(one.rpartition(":")[2]) for one in queue_resources(STATES)]
    every = sorted({int(queue_resources([state])[0].rpartition(":")[2]) for state in STATES})
    assert found == every[:8]
    assert len(queue_resources(STATES[:1] * 9)) == 1
