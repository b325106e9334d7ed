"""transitions: machines that people already have, in a store."""

from enum import Enum
from functools import partial
from typing import Any

import pytest
from transitions import Machine, MachineError, State
from transitions.extensions.states import Timeout, add_state_features

from tai_state import (
    AsyncStateMachinePersister,
    ConfigurationError,
    EffectsFailedError,
    InvalidDataError,
    MoverError,
    TransitionNotAllowedError,
)
from tai_state._platform.tasks import async_together
from tai_state.adapters.transitions import AsyncPersistedModel
from tests import triggers
from tests._async.stores import async_contents, in_memory
from tests.triggers import Loud, Matter, Player, Slotted, matter_machine, player_machine, waiting_machine


@pytest.fixture
def heard(monkeypatch):
    """What models did outside the store."""
    said: list[str] = []
    monkeypatch.setattr(triggers, "HEARD", said)
    return said


@pytest.fixture
async def lumps(store, heard):
    return AsyncPersistedModel(matter_machine(), store, Loud)


async def test_a_model_is_loaded_and_fired_by_name(lumps):
    """One commit for a trigger: statuses, data and payload before and after."""
    await lumps.start("lab", "lump", {"heat": 3})
    lump = await lumps.load("lab", "lump")
    assert (lump.status, lump.version, lump.data) == ("solid", 1, {"heat": 3, "log": [], "said": None})
    result = await lump.fire("melt", {"degrees": 9})
    assert (result.from_status, result.to_status, result.version) == ("solid", "liquid", 2)
    assert (result.event.payload, result.event.from_state["heat"]) == ({"degrees": 9}, 3)
    assert result.event.to_state == {"heat": 12, "log": ["melts at 12"], "said": None}
    assert (lump.model.state, lump.model.heat, lump.model.is_liquid()) == ("liquid", 12, True)
    again = await lumps.load("lab", "lump")
    assert (again.model.state, again.model.log, again.model._place) == ("liquid", ["melts at 12"], "lab")
    await again.fire("cool")
    assert (await lumps.persister.replay("lab", "lump")).status == "solid"


async def test_conditions_refuse_before_the_commit(lumps, store, heard):
    """And so does a state; nothing is written, and nothing is called behind it."""
    lump = await lumps.start("lab", "lump")
    before = await async_contents(store)
    with pytest.raises(TransitionNotAllowedError, match="no condition of its transitions holds"):
        await lump.fire("melt", {"degrees": 1})
    with pytest.raises(TransitionNotAllowedError) as caught:
        await lump.fire("boil")
    assert isinstance(caught.value.__cause__, MachineError)
    with pytest.raises(TransitionNotAllowedError, match="no such trigger"):
        await lump.fire("explode")
    assert await async_contents(store) == before
    assert heard == []


async def test_a_callback_that_fails_before_the_commit_writes_nothing(lumps, store):
    """It is told as the machine's failure, with its cause."""
    lump = await lumps.start("lab", "lump")
    before = await async_contents(store)
    with pytest.raises(MoverError, match="it raised TypeError"):
        await lump.fire("melt", {"degrees": "hot"})
    assert await async_contents(store) == before


@in_memory
async def test_what_handles_exceptions_does_not_hide_a_failure(store, heard):
    """``on_exception`` is not called: nothing was written, and the caller is to know."""
    lumps = AsyncPersistedModel(matter_machine(on_exception="done"), store, Loud)
    lump = await lumps.start("lab", "lump")
    with pytest.raises(MoverError, match="it raised TypeError"):
        await lump.fire("melt", {"degrees": "hot"})
    assert heard == []


async def test_effects_are_called_behind_the_commit_once(lumps, heard):
    """In the library's order: entering, after, the end of the event; not for a repetition under the key."""
    lump = await lumps.start("lab", "lump")
    await lump.fire("melt", {"degrees": 20}, idempotency_key="k")
    assert heard == ["liquid at 20", "hiss", "done"]
    again = await lump.fire("melt", {"degrees": 20}, idempotency_key="k")
    assert (again.replayed, again.version, heard) == (True, 2, ["liquid at 20", "hiss", "done"])


async def test_an_effect_finds_the_move_durable(place):
    """Another process that looks while it runs sees the move; an async callback is waited for in this colour."""
    other = AsyncStateMachinePersister(place.store())
    seen: list[object] = []

    class Looking(Matter):
        async def hiss(self, degrees):
            seen.append((await other.load_state("lab", "lump")).snapshot.status)

        def done(self, degrees):
            seen.append(self.state)

    lumps = AsyncPersistedModel(matter_machine(), place.store(), Looking)
    await (await lumps.start("lab", "lump")).fire("melt", {"degrees": 20})
    assert seen == ["liquid", "liquid"]


async def test_a_conflict_runs_the_machine_again_on_fresh_data(place, heard):
    """No degree is lost, and the effects are those of the run that was committed."""

    class Oven(Matter):
        def warmed(self, degrees):
            heard.append(str(self.heat))

    def ovens():
        machine = Machine(None, ["on"], initial="on", auto_transitions=False)
        machine.add_transition("warm_up", "on", "=", before="warm", after="warmed")
        return AsyncPersistedModel(machine, place.store(), Oven)

    mine, theirs = ovens(), ovens()
    await mine.start("lab", "oven")
    one, two = await mine.load("lab", "oven"), await theirs.load("lab", "oven")
    await one.fire("warm_up", {"degrees": 1})
    await two.fire("warm_up", {"degrees": 10})
    result = await one.fire("warm_up", {"degrees": 100})
    assert (result.version, one.model.heat, heard) == (4, 111, ["1", "11", "111"])


async def test_callers_who_go_in_one_commit_have_their_own_effects(place, heard):
    """Each fires once, and hears of its own move."""

    class Oven(Matter):
        def warmed(self, degrees):
            heard.append(degrees)

    machine = Machine(None, ["on"], initial="on", auto_transitions=False)
    machine.add_transition("warm_up", "on", "=", before="warm", after="warmed")
    ovens = AsyncPersistedModel(machine, place.store(), Oven)
    await ovens.start("lab", "oven")
    handles = [await ovens.load("lab", "oven") for _ in range(12)]
    await async_together(
        [partial(handle.fire, "warm_up", {"degrees": 1 << index}) for index, handle in enumerate(handles)]
    )
    assert (await ovens.load("lab", "oven")).data["heat"] == (1 << 12) - 1
    assert sorted(heard) == [1 << index for index in range(12)]
    assert sorted(handle.version for handle in handles) == list(range(2, 14))


async def test_an_effect_that_fails_is_told_behind_the_commit(store):
    """The move stands, and the error says so."""

    class Brittle(Matter):
        def hiss(self, degrees):
            raise OSError

    lumps = AsyncPersistedModel(matter_machine(finalize_event=None), store, Brittle)
    lump = await lumps.start("lab", "lump")
    with pytest.raises(EffectsFailedError) as caught:
        await lump.fire("melt", {"degrees": 20})
    assert (caught.value.version, caught.value.action) == (2, "melt")
    assert isinstance(caught.value.__cause__, OSError)
    assert (await lumps.load("lab", "lump")).status == "liquid"


async def test_what_an_effect_triggers_is_fired_next(store):
    """By its own name or by ``trigger``, each in a commit of its own."""

    class Eager(Matter):
        def on_enter_liquid(self, degrees):
            self.boil()

        def on_enter_gas(self):
            self.trigger("cool")

        def hiss(self, degrees):
            pass

    lumps = AsyncPersistedModel(matter_machine(finalize_event=None), store, Eager)
    lump = await lumps.start("lab", "lump")
    result = await lump.fire("melt", {"degrees": 20})
    assert (result.to_status, lump.status, lump.version) == ("liquid", "solid", 4)
    assert [event.action async for event in lumps.persister.history("lab", "lump")] == ["start", "melt", "boil", "cool"]


@in_memory
async def test_effects_that_never_end_are_ended(store):
    """A hundred moves behind one are enough to know."""

    class Restless(Matter):
        def on_enter_solid(self):
            self.cool()

    lumps = AsyncPersistedModel(matter_machine(finalize_event=None), store, Restless)
    lump = await lumps.start("lab", "lump")
    with pytest.raises(EffectsFailedError):
        await lump.fire("cool")
    assert lump.version == 102


async def test_nested_and_parallel_states_are_stored_whole(store):
    """All states at once, by one status, and back in the library's own shape."""
    players = AsyncPersistedModel(player_machine(), store, Player)
    player = await players.start("home", "p1")
    await player.fire("switch")
    assert (player.names, player.model.state) == (
        ("on_lamp_dim", "on_sound_paused"),
        ["on_sound_paused", "on_lamp_dim"],
    )
    await player.fire("play")
    player = await players.load("home", "p1")
    assert (player.status, player.model.state) == (
        "on_lamp_dim+on_sound_playing",
        ["on_sound_playing", "on_lamp_dim"],
    )
    await player.fire("skip")
    await player.fire("shine")
    assert (player.names, player.model.track) == (("on_lamp_bright", "on_sound_playing"), 2)
    await player.fire("switch")
    assert (player.names, player.model.state) == (("off",), "off")
    assert (await players.persister.validate_consistency("home")).is_consistent


async def test_states_may_be_an_enum(store):
    """As the library has it: members on the model, names in the store."""

    class Light(Enum):
        RED = 1
        GREEN = 2

    going: list[Any] = [["go", Light.RED, Light.GREEN]]
    machine = Machine(None, Light, initial=Light.RED, transitions=going, auto_transitions=False)
    lights = AsyncPersistedModel(machine, store, Player, name="light")
    light = await lights.start("g", "s")
    await light.fire("go")
    light = await lights.load("g", "s")
    assert (light.status, light.model.state) == ("GREEN", Light.GREEN)


async def test_a_definition_that_changed_is_told(lumps, store, caplog):
    """By its fingerprint; and a state that it has lost is no status to go on from."""
    await (await lumps.start("lab", "lump")).fire("melt", {"degrees": 20})
    machine = Machine(None, ["solid", "liquid", "ice"], initial="solid", auto_transitions=False)
    machine.add_transition("freeze", "liquid", "ice")
    changed = AsyncPersistedModel(machine, store, Loud)
    assert changed.definition.fingerprint != lumps.definition.fingerprint
    await (await changed.load("lab", "lump")).fire("freeze")
    assert [record.event for record in caplog.records if hasattr(record, "event")] == ["machine_redefined"]
    with pytest.raises(MoverError, match="it has no state 'ice' any more"):
        await lumps.load("lab", "lump")


@in_memory
async def test_a_copy_in_memory_is_moved_by_nobody(lumps):
    """A trigger of the model itself would be lost: it is refused, and says what to do."""
    lump = await lumps.start("lab", "lump")
    for trigger in (lump.model.cool, partial(lump.model.trigger, "cool")):
        with pytest.raises(ConfigurationError, match="is moved by fire"):
            trigger()
    assert lump.model.state == "solid"


@in_memory
async def test_other_models_of_the_machine_stay_as_they_are(store, heard):
    """Who uses the machine beside the store has the library's own behaviour, and it holds no model of ours."""
    machine, own = matter_machine(), Loud()
    machine.add_model(own)
    lumps = AsyncPersistedModel(machine, store, Loud)
    await lumps.start("lab", "lump")
    own.melt(degrees=20)
    assert (own.state, own.heat, heard) == ("liquid", 20, ["liquid at 20", "hiss", "done"])
    assert machine.models == [own]


@in_memory
async def test_what_cannot_be_done_before_a_commit_is_refused(store):
    """Async machines, states with timeouts, and what is no machine, or has no name."""

    @add_state_features(Timeout)
    class Timed(Machine):
        pass

    timed = Timed(None, [{"name": "a", "timeout": 1, "on_timeout": "go"}], initial="a")
    wrong: list[tuple[Any, Any, str]] = [
        (timed, Matter, "has a timeout"),
        (waiting_machine(), Matter, "an async machine"),
        (object(), Matter, "must be a machine of transitions"),
        (Machine(None, ["a"], initial="a"), partial(Matter), "name is needed"),
        (Machine(None, ["a"], initial="a"), Slotted, "has slots"),
    ]
    for machine, model, problem in wrong:
        name = "n" if problem == "has slots" else None
        with pytest.raises(ConfigurationError, match=problem):
            AsyncPersistedModel(machine, store, model, name=name)


@in_memory
@pytest.mark.parametrize("data", [{"melt": 1}, {"warm": 1}, {"_place": 1}, {"trigger": 1}, {"state": "gas"}])
async def test_data_takes_the_place_of_nothing_else(lumps, data):
    """Whoever gives data gives no code, and no state."""
    with pytest.raises(InvalidDataError, match="cannot be an attribute"):
        await lumps.start("lab", "lump", data)


@in_memory
async def test_a_queued_machine_moves_to_its_end_before_the_commit(store):
    """What callbacks trigger before the commit belongs to it."""

    class Chained(Matter):
        def chain(self, **_):
            self.boil()

    machine = Machine(
        None, [State("solid", on_exit="chain"), "liquid", "gas"], initial="solid", queued=True, auto_transitions=False
    )
    machine.add_transition("melt", "solid", "liquid")
    machine.add_transition("boil", "liquid", "gas")
    lumps = AsyncPersistedModel(machine, store, Chained)
    lump = await lumps.start("lab", "lump")
    result = await lump.fire("melt")
    assert (result.to_status, lump.version) == ("gas", 2)
