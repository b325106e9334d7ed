# Generated from tests/_async/adapters/test_transitions.py by .ci/generate_sync.py; do not edit.
"""transitions: machines that people already have, in a store."""
from enum import Enum
from functools import partial
from typing import Any

import pytest
from transitions import Machine, MachineError, State
from transitions.extensions.states import Timeout, add_state_features

from tai_state import (
    StateMachinePersister,
    ConfigurationError,
    EffectsFailedError,
    InvalidDataError,
    MoverError,
    TransitionNotAllowedError,
)
from tai_state._platform.tasks import together
from tai_state.adapters.transitions import PersistedModel
from tests import triggers
from tests._sync.stores import contents, in_memory
from tests.triggers import Loud, Matter, Player, Slotted, matter_machine, player_machine, waiting_machine


@pytest.fixture
def heard(monkeypatch):
    """What models did outside the store."""
    said: list[str] = []
    monkeypatch.setattr(triggers, "HEARD", said)
    return said


@pytest.fixture
def lumps(store, heard):
    return PersistedModel(matter_machine(), store, Loud)


def test_a_model_is_loaded_and_fired_by_name(lumps):
    """One commit for a trigger: statuses, data and payload before and after."""
    lumps.start("lab", "lump", {"heat": 3})
    lump = lumps.load("lab", "lump")
    assert (lump.status, lump.version, lump.data) == ("solid", 1, {"heat": 3, "log": [], "said": None})
    result = lump.fire("melt", {"degrees": 9})
    assert (result.from_status, result.to_status, result.version) == ("solid", "liquid", 2)
    assert (result.event.payload, result.event.from_state["heat"]) == ({"degrees": 9}, 3)
    assert result.event.to_state == {"heat": 12, "log": ["melts at 12"], "said": None}
    assert (lump.model.state, lump.model.heat, lump.model.is_liquid()) == ("liquid", 12, True)
    again = lumps.load("lab", "lump")
    assert (again.model.state, again.model.log, again.model._place) == ("liquid", ["melts at 12"], "lab")
    again.fire("cool")
    assert (lumps.persister.replay("lab", "lump")).status == "solid"


def test_conditions_refuse_before_the_commit(lumps, store, heard):
    """And so does a state; nothing is written, and nothing is called behind it."""
    lump = lumps.start("lab", "lump")
    before = contents(store)
    with pytest.raises(TransitionNotAllowedError, match="no condition of its transitions holds"):
        lump.fire("melt", {"degrees": 1})
    with pytest.raises(TransitionNotAllowedError) as caught:
        lump.fire("boil")
    assert isinstance(caught.value.__cause__, MachineError)
    with pytest.raises(TransitionNotAllowedError, match="no such trigger"):
        lump.fire("explode")
    assert contents(store) == before
    assert heard == []


def test_a_callback_that_fails_before_the_commit_writes_nothing(lumps, store):
    """It is told as the machine's failure, with its cause."""
    lump = lumps.start("lab", "lump")
    before = contents(store)
    with pytest.raises(MoverError, match="it raised TypeError"):
        lump.fire("melt", {"degrees": "hot"})
    assert contents(store) == before


@in_memory
def test_what_handles_exceptions_does_not_hide_a_failure(store, heard):
    """``on_exception`` is not called: nothing was written, and the caller is to know."""
    lumps = PersistedModel(matter_machine(on_exception="done"), store, Loud)
    lump = lumps.start("lab", "lump")
    with pytest.raises(MoverError, match="it raised TypeError"):
        lump.fire("melt", {"degrees": "hot"})
    assert heard == []


def test_effects_are_called_behind_the_commit_once(lumps, heard):
    """In the library's order: entering, after, the end of the event; not for a repetition under the key."""
    lump = lumps.start("lab", "lump")
    lump.fire("melt", {"degrees": 20}, idempotency_key="k")
    assert heard == ["liquid at 20", "hiss", "done"]
    again = lump.fire("melt", {"degrees": 20}, idempotency_key="k")
    assert (again.replayed, again.version, heard) == (True, 2, ["liquid at 20", "hiss", "done"])


def test_an_effect_finds_the_move_durable(place):
    """Another process that looks while it runs sees the move; an async callback is waited for in this colour."""
    other = StateMachinePersister(place.store())
    seen: list[object] = []

    class Looking(Matter):
        def hiss(self, degrees):
            seen.append((other.load_state("lab", "lump")).snapshot.status)

        def done(self, degrees):
            seen.append(self.state)

    lumps = PersistedModel(matter_machine(), place.store(), Looking)
    (lumps.start("lab", "lump")).fire("melt", {"degrees": 20})
    assert seen == ["liquid", "liquid"]


def test_a_conflict_runs_the_machine_again_on_fresh_data(place, heard):
    """No degree is lost, and the effects are those of the run that was committed."""

    class Oven(Matter):
        def warmed(self, degrees):
            heard.append(str(self.heat))

    def ovens():
        machine = Machine(None, ["on"], initial="on", auto_transitions=False)
        machine.add_transition("warm_up", "on", "=", before="warm", after="warmed")
        return PersistedModel(machine, place.store(), Oven)

    mine, theirs = ovens(), ovens()
    mine.start("lab", "oven")
    one, two = mine.load("lab", "oven"), theirs.load("lab", "oven")
    one.fire("warm_up", {"degrees": 1})
    two.fire("warm_up", {"degrees": 10})
    result = one.fire("warm_up", {"degrees": 100})
    assert (result.version, one.model.heat, heard) == (4, 111, ["1", "11", "111"])


def test_callers_who_go_in_one_commit_have_their_own_effects(place, heard):
    """Each fires once, and hears of its own move."""

    class Oven(Matter):
        def warmed(self, degrees):
            heard.append(degrees)

    machine = Machine(None, ["on"], initial="on", auto_transitions=False)
    machine.add_transition("warm_up", "on", "=", before="warm", after="warmed")
    ovens = PersistedModel(machine, place.store(), Oven)
    ovens.start("lab", "oven")
    handles = [ovens.load("lab", "oven") for _ in range(12)]
    together(
        [partial(handle.fire, "warm_up", {"degrees": 1 << index}) for index, handle in enumerate(handles)]
    )
    assert (ovens.load("lab", "oven")).data["heat"] == (1 << 12) - 1
    assert sorted(heard) == [1 << index for index in range(12)]
    assert sorted(handle.version for handle in handles) == list(range(2, 14))


def test_an_effect_that_fails_is_told_behind_the_commit(store):
    """The move stands, and the error says so."""

    class Brittle(Matter):
        def hiss(self, degrees):
            raise OSError

    lumps = PersistedModel(matter_machine(finalize_event=None), store, Brittle)
    lump = lumps.start("lab", "lump")
    with pytest.raises(EffectsFailedError) as caught:
        lump.fire("melt", {"degrees": 20})
    assert (caught.value.version, caught.value.action) == (2, "melt")
    assert isinstance(caught.value.__cause__, OSError)
    assert (lumps.load("lab", "lump")).status == "liquid"


def test_what_an_effect_triggers_is_fired_next(store):
    """By its own name or by ``trigger``, each in a commit of its own."""

    class Eager(Matter):
        def on_enter_liquid(self, degrees):
            self.boil()

        def on_enter_gas(self):
            self.trigger("cool")

        def hiss(self, degrees):
            pass

    lumps = PersistedModel(matter_machine(finalize_event=None), store, Eager)
    lump = lumps.start("lab", "lump")
    result = lump.fire("melt", {"degrees": 20})
    assert (result.to_status, lump.status, lump.version) == ("liquid", "solid", 4)
    assert [event.action for event in lumps.persister.history("lab", "lump")] == ["start", "melt", "boil", "cool"]


@in_memory
def test_effects_that_never_end_are_ended(store):
    """A hundred moves behind one are enough to know."""

    class Restless(Matter):
        def on_enter_solid(self):
            self.cool()

    lumps = PersistedModel(matter_machine(finalize_event=None), store, Restless)
    lump = lumps.start("lab", "lump")
    with pytest.raises(EffectsFailedError):
        lump.fire("cool")
    assert lump.version == 102


def test_nested_and_parallel_states_are_stored_whole(store):
    """All states at once, by one status, and back in the library's own shape."""
    players = PersistedModel(player_machine(), store, Player)
    player = players.start("home", "p1")
    player.fire("switch")
    assert (player.names, player.model.state) == (
        ("on_lamp_dim", "on_sound_paused"),
        ["on_sound_paused", "on_lamp_dim"],
    )
    player.fire("play")
    player = players.load("home", "p1")
    assert (player.status, player.model.state) == (
        "on_lamp_dim+on_sound_playing",
        ["on_sound_playing", "on_lamp_dim"],
    )
    player.fire("skip")
    player.fire("shine")
    assert (player.names, player.model.track) == (("on_lamp_bright", "on_sound_playing"), 2)
    player.fire("switch")
    assert (player.names, player.model.state) == (("off",), "off")
    assert (players.persister.validate_consistency("home")).is_consistent


def test_states_may_be_an_enum(store):
    """As the library has it: members on the model, names in the store."""

    class Light(Enum):
        RED = 1
        GREEN = 2

    going: list[Any] = [["go", Light.RED, Light.GREEN]]
    machine = Machine(None, Light, initial=Light.RED, transitions=going, auto_transitions=False)
    lights = PersistedModel(machine, store, Player, name="light")
    light = lights.start("g", "s")
    light.fire("go")
    light = lights.load("g", "s")
    assert (light.status, light.model.state) == ("GREEN", Light.GREEN)


def test_a_definition_that_changed_is_told(lumps, store, caplog):
    """By its fingerprint; and a state that it has lost is no status to go on from."""
    (lumps.start("lab", "lump")).fire("melt", {"degrees": 20})
    machine = Machine(None, ["solid", "liquid", "ice"], initial="solid", auto_transitions=False)
    machine.add_transition("freeze", "liquid", "ice")
    changed = PersistedModel(machine, store, Loud)
    assert changed.definition.fingerprint != lumps.definition.fingerprint
    (changed.load("lab", "lump")).fire("freeze")
    assert [record.event for record in caplog.records if hasattr(record, "event")] == ["machine_redefined"]
    with pytest.raises(MoverError, match="it has no state 'ice' any more"):
        lumps.load("lab", "lump")


@in_memory
def test_a_copy_in_memory_is_moved_by_nobody(lumps):
    """A trigger of the model itself would be lost: it is refused, and says what to do."""
    lump = lumps.start("lab", "lump")
    for trigger in (lump.model.cool, partial(lump.model.trigger, "cool")):
        with pytest.raises(ConfigurationError, match="is moved by fire"):
            trigger()
    assert lump.model.state == "solid"


@in_memory
def test_other_models_of_the_machine_stay_as_they_are(store, heard):
    """Who uses the machine beside the store has the library's own behaviour, and it holds no model of ours."""
    machine, own = matter_machine(), Loud()
    machine.add_model(own)
    lumps = PersistedModel(machine, store, Loud)
    lumps.start("lab", "lump")
    own.melt(degrees=20)
    assert (own.state, own.heat, heard) == ("liquid", 20, ["liquid at 20", "hiss", "done"])
    assert machine.models == [own]


@in_memory
def test_what_cannot_be_done_before_a_commit_is_refused(store):
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
            PersistedModel(machine, store, model, name=name)


@in_memory
@pytest.mark.parametrize("data", [{"melt": 1}, {"warm": 1}, {"_place": 1}, {"trigger": 1}, {"state": "gas"}])
def test_data_takes_the_place_of_nothing_else(lumps, data):
    """Whoever gives data gives no code, and no state."""
    with pytest.raises(InvalidDataError, match="cannot be an attribute"):
        lumps.start("lab", "lump", data)


@in_memory
def test_a_queued_machine_moves_to_its_end_before_the_commit(store):
    """What callbacks trigger before the commit belongs to it."""

    class Chained(Matter):
        def chain(self, **_):
            self.boil()

    machine = Machine(
        None, [State("solid", on_exit="chain"), "liquid", "gas"], initial="solid", queued=True, auto_transitions=False
    )
    machine.add_transition("melt", "solid", "liquid")
    machine.add_transition("boil", "liquid", "gas")
    lumps = PersistedModel(machine, store, Chained)
    lump = lumps.start("lab", "lump")
    result = lump.fire("melt")
    assert (result.to_status, lump.version) == ("gas", 2)
