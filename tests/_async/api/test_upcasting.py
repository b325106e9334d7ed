"""Data of an older schema: what a persister gives out and moves on from is of its own, what is stored stays."""

from typing import Any

import pytest
from pydantic import BaseModel

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    DamagedStatesError,
    Machine,
    PersistenceConfig,
    SchemaVersionError,
    Transition,
    UpcastError,
    change_context,
)
from tests._async.stores import async_contents, async_until_damage, in_memory


class Person(BaseModel):
    first: str
    last: str
    greetings: int = 0


def greet(person, payload):
    return person.model_copy(update={"greetings": person.greetings + 1})


def named(data):
    first, last = data["name"].split()
    return {"first": first, "last": last}


OLD = Machine(
    "person",
    "here",
    [
        Transition("greet", "here", "here", apply=lambda data, _: {**data, "greeted": True}),
        Transition("check", "here", "here", guard=lambda data, _: True),
        Transition("leave", "here", "gone"),
    ],
)
NEW = Machine(
    "person",
    "here",
    [
        Transition("greet", "here", "here", apply=greet),
        Transition("check", "here", "here", guard=lambda person, _: person.last == "Lovelace"),
        Transition("leave", "here", "gone"),
    ],
    version=2,
    data_type=Person,
)
ADA = {"name": "Ada Lovelace"}
SEEN = Person(first="Ada", last="Lovelace")
TWO = PersistenceConfig(schema_version=2, upcasters={1: named})


@pytest.fixture
async def people(store):
    """A persister of schema 2, over a state "s" of schema 1 at version 1, of which a snapshot is kept."""
    older = AsyncStateMachinePersister(store, OLD)
    await older.start("g", "s", ADA)
    await older.create_snapshot("g", "s")
    return AsyncStateMachinePersister(store, NEW, TWO)


async def async_all(items):
    return [item async for item in items]


async def test_what_a_persister_gives_out_is_of_its_schema(people, store):
    """However it is read; a store shows data and label as they are stored."""
    before = await async_contents(store)
    read = [
        (await people.load_state("g", "s")).snapshot,
        await people.replay("g", "s"),
        await people.get_snapshot("g", "s", 1),
        await people.create_snapshot("g", "s"),
        *await async_all(people.list_states("g")),
        *await async_all(people.list_snapshots("g", "s")),
    ]
    assert [(one.data, one.schema_version) for one in read] == [(SEEN, 2)] * 6
    stored, _ = await store.get_state("g", "s")
    assert (stored.data, stored.schema_version) == (ADA, 1)
    assert await async_contents(store) == before


async def test_a_reducer_gets_data_of_its_schema_and_makes_it_anew(people, store):
    """What it makes is stored, with its label."""
    result = await people.transition("g", "s", "greet")
    made = Person(first="Ada", last="Lovelace", greetings=1)
    assert (result.snapshot.data, result.snapshot.schema_version) == (made, 2)
    stored, _ = await store.get_state("g", "s")
    assert (stored.data, stored.schema_version) == (made.model_dump(), 2)
    assert (await people.replay("g", "s")).data == made
    assert (await people.validate_consistency("g")).is_consistent


@pytest.mark.parametrize(("action", "status"), [("check", "here"), ("leave", "gone")])
async def test_a_move_without_a_reducer_stores_what_there_was(people, store, action, status):
    """A guard sees data of its schema; what is stored keeps its label, and what is given out is of ours."""
    result = await people.transition("g", "s", action)
    assert (result.snapshot.data, result.snapshot.schema_version, result.to_status) == (SEEN, 2, status)
    assert (result.event.to_state, result.event.schema_version) == (ADA, 1)
    stored, _ = await store.get_state("g", "s")
    assert (stored.data, stored.schema_version) == (ADA, 1)


@in_memory
async def test_a_transaction_moves_as_a_persister_does(people):
    """By its persister's schema."""
    result = await AsyncTransactionManager(people.store).run(lambda tx: tx.transition(people, "g", "s", "greet"))
    assert (result.snapshot.data.greetings, result.snapshot.schema_version) == (1, 2)


@in_memory
async def test_a_rollback_brings_older_data_back_as_it_was_stored(people, store):
    """With its label; what is given out is of our schema."""
    await people.transition("g", "s", "greet")
    result = await people.rollback("g", "s", 1)
    assert (result.snapshot.data, result.snapshot.schema_version) == (SEEN, 2)
    stored, _ = await store.get_state("g", "s")
    assert (stored.data, stored.schema_version) == (ADA, 1)


async def test_a_history_shows_what_is_stored(people):
    """Each event's data with its own label; typed where it is of our schema, whatever would fit by chance."""
    await people.transition("g", "s", "greet")
    await people.transition("g", "s", "leave")
    events = await async_all(people.history("g", "s"))
    made = Person(first="Ada", last="Lovelace", greetings=1)
    assert [(one.schema_version, one.from_state, one.to_state) for one in events] == [
        (1, None, ADA),
        (2, ADA, made),
        (2, made, made),
    ]


async def test_a_check_of_older_data_finds_nothing(people):
    """It is held against the machine's type as it is given out."""
    assert (await people.validate_consistency("g")).is_consistent


@in_memory
async def test_a_check_leaves_newer_data_to_those_who_know_it(people, store):
    """What a newer service made of ours, with the same definition of the machine, is no finding."""
    later = PersistenceConfig(schema_version=3, upcasters={2: lambda data: {"full": data["first"]}})
    await people.transition("g", "s", "greet")
    moves = [Transition("greet", "here", "here", apply=lambda data, _: {**data, "n": 1}, apply_name="greet")]
    machine: Machine[Any] = Machine("person", "here", [*moves, *NEW.transitions[1:]], version=2, data_type=None)
    assert machine.fingerprint == NEW.fingerprint
    await AsyncStateMachinePersister(store, machine, later).transition("g", "s", "greet")
    assert (await people.validate_consistency("g")).is_consistent


async def test_without_upcasters_older_data_keeps_its_label(people, store):
    """It is given out as it is, and says so."""
    raised = AsyncStateMachinePersister(store, OLD, PersistenceConfig(schema_version=2))
    snapshot = (await raised.load_state("g", "s")).snapshot
    assert (snapshot.data, snapshot.schema_version) == (ADA, 1)


@in_memory
async def test_a_state_that_no_machine_moved_is_ours_too(people, store):
    """A store knows no machine, nor a schema."""
    await store.save_state("g", "plain", ADA)
    assert (await people.load_state("g", "plain")).snapshot.data == SEEN


@in_memory
async def test_a_tombstone_has_no_data_to_bring_anywhere(people, store):
    """Of an older schema or of a newer one."""
    await people.start("g", "newer", SEEN)
    for each in ("s", "newer"):
        await store.delete_state("g", each)
    for persister in (AsyncStateMachinePersister(store, NEW, FAILING), AsyncStateMachinePersister(store)):
        listed = await async_all(persister.list_states("g", include_deleted=True))
        assert [(one.state_id, one.data, one.schema_version) for one in listed] == [("newer", {}, 2), ("s", {}, 1)]


class Lax(BaseModel):
    first: str = "nobody"


@in_memory
async def test_an_event_of_an_older_schema_is_not_read_as_the_type_of_today(people, store):
    """Though its data would fit, and lose what the type does not know."""
    moves = [Transition("leave", "here", "gone"), Transition("return", "gone", "here", apply=lambda lax, _: lax)]
    machine: Machine[Any] = Machine("person", "here", moves, version=2, data_type=Lax)
    persister = AsyncStateMachinePersister(store, machine, TWO)
    result = await persister.transition("g", "s", "leave")
    assert (result.event.from_state, result.event.to_state) == (ADA, ADA)
    assert result.snapshot.data == Lax(first="Ada")
    await persister.transition("g", "s", "return")
    data = [(one.from_state, one.to_state) async for one in persister.history("g", "s")]
    assert data == [(None, ADA), (ADA, ADA), (ADA, Lax(first="Ada"))]


async def test_newer_data_is_refused_by_every_read_with_what_to_do(people, store):
    """Of a service that was rolled back."""
    await people.transition("g", "s", "greet")
    await people.create_snapshot("g", "s")
    older = AsyncStateMachinePersister(store)
    reads = [
        lambda: older.load_state("g", "s"),
        lambda: older.replay("g", "s"),
        lambda: older.get_snapshot("g", "s", 2),
        lambda: async_all(older.list_states("g")),
        lambda: older.log_transition("g", "s", "seen", to_status="here", data={}),
    ]
    for read in reads:
        with pytest.raises(SchemaVersionError, match="schema_version=2 or higher"):
            await read()
    assert (await older.replay("g", "s", until_version=1)).data == ADA
    assert [one.schema_version async for one in older.history("g", "s")] == [1, 2]


@in_memory
async def test_a_list_goes_on_behind_newer_data(people, store):
    """And refuses it at its end."""
    await people.transition("g", "s", "greet")
    older = AsyncStateMachinePersister(store)
    await older.log_transition("g", "t", "seen", to_status="here", data={})
    given, error = await async_until_damage(older.list_states("g"))
    assert [one.state_id for one in given] == ["t"]
    assert isinstance(error, SchemaVersionError)
    assert "state 's' of governor 'g'" in str(error)


def failing(data):
    raise KeyError("name")


FAILING = PersistenceConfig(schema_version=2, upcasters={1: failing})
MACHINES = pytest.mark.parametrize("machine", [OLD, NEW], ids=["a dict", "a model"])


async def test_a_snapshot_that_could_not_be_given_out_is_not_kept(people, store):
    """Refused is refused: nothing is written."""
    await people.transition("g", "s", "leave")
    failed = AsyncStateMachinePersister(store, NEW, FAILING)
    before = await async_contents(store)
    with pytest.raises(UpcastError):
        await failed.create_snapshot("g", "s")
    assert await async_contents(store) == before


@MACHINES
@pytest.mark.parametrize("action", ["greet", "check", "leave"])
async def test_a_move_from_data_that_cannot_be_brought_here_is_refused(people, store, machine, action):
    """Before anything is written, with a reducer and without one."""
    failed = AsyncStateMachinePersister(store, machine, FAILING)
    before = await async_contents(store)
    with pytest.raises(UpcastError) as caught:
        await failed.transition("g", "s", action)
    error = caught.value
    assert (error.governor_id, error.state_id, error.version, error.schema_version) == ("g", "s", 1, 1)
    assert await async_contents(store) == before


@in_memory
async def test_a_rollback_to_data_that_cannot_be_brought_here_is_refused(people, store):
    """And names the version that the data is of; force passes, as for data that does not fit."""
    await people.transition("g", "s", "greet")
    failed = AsyncStateMachinePersister(store, NEW, FAILING)
    with pytest.raises(UpcastError) as caught:
        await failed.rollback("g", "s", 1)
    assert caught.value.version == 1
    with change_context(reason="as it was"):
        forced = await failed.rollback("g", "s", 1, force=True)
    assert (forced.snapshot.data, forced.snapshot.schema_version) == (ADA, 1)


@in_memory
async def test_a_list_and_a_check_go_on_behind_data_that_cannot_be_brought_here(people, store):
    """The list names it at its end, the check as invalid data."""
    failed = AsyncStateMachinePersister(store, NEW, FAILING)
    await failed.start("g", "t", SEEN)
    given, error = await async_until_damage(failed.list_states("g"))
    assert [one.state_id for one in given] == ["t"]
    assert isinstance(error, DamagedStatesError)
    assert error.state_ids == ["s"]
    report = await failed.validate_consistency("g")
    assert [(one.kind, one.state_id) for one in report.problems] == [("invalid_data", "s")]


@in_memory
async def test_the_data_of_another_machine_is_none_of_ours(people, store):
    """A persister shows it as it is stored, whatever its label."""
    other = Machine("other", "on", [Transition("go", "on", "off")])
    await AsyncStateMachinePersister(store, other, PersistenceConfig(schema_version=7)).start("g", "o", {"n": 1})
    persister = AsyncStateMachinePersister(store, OLD, PersistenceConfig(schema_version=2, upcasters={1: failing}))
    snapshot = (await persister.load_state("g", "o")).snapshot
    assert (snapshot.data, snapshot.schema_version) == ({"n": 1}, 7)


@in_memory
async def test_a_dependent_reacts_on_data_of_the_persisters_schema(store):
    """It is a move like any other."""
    reacting = [Transition("greet", "here", "here", apply=greet), Transition("leave", "here", "gone")]
    reacts = {"gone": "greet"}
    old: Machine[Any] = Machine("person", "here", reacting, on_dependency=reacts, data_type=None)
    new: Machine[Any] = Machine("person", "here", reacting, on_dependency=reacts, data_type=Person, version=2)
    older = AsyncStateMachinePersister(store, old)
    await older.start("g", "s", ADA)
    await older.start("g", "t", ADA, depends_on=["s"])
    newer = AsyncStateMachinePersister(store, new, TWO)
    await newer.transition("g", "s", "leave")
    snapshot = (await newer.load_state("g", "t")).snapshot
    assert (snapshot.data.greetings, snapshot.version) == (1, 2)


@in_memory
async def test_a_replay_runs_nothing_again_that_was_made_of_another_schema(store):
    """The machine of today takes data of today; an upcaster may have been mended since."""
    older = AsyncStateMachinePersister(store, OLD)
    await older.start("g", "s", ADA)
    await older.transition("g", "s", "greet")
    changed = Machine("person", "here", list(OLD.transitions))
    assert changed == OLD
    newer = AsyncStateMachinePersister(store, changed, TWO)
    await newer.transition("g", "s", "greet")
    await newer.transition("g", "s", "greet")
    mended = PersistenceConfig(schema_version=2, upcasters={1: lambda data: {"first": "", "last": data["name"]}})
    replayed = await AsyncStateMachinePersister(store, changed, mended).replay("g", "s")
    assert replayed.data == {"first": "Ada", "last": "Lovelace", "greeted": True}
