"""A Hypothesis state machine made from a machine."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tai_state.errors import ConfigurationError
from tai_state.testing.invariants import Invariants

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

    from tai_state import Machine, PersistenceConfig, StateStore
    from tai_state.testing.clock import ManualClock


def machine_rules(
    machine: "Machine[Any]",
    invariants: Invariants = (),
    *,
    payloads: Mapping[str, Any] | None = None,
    start_data: Any = None,
    store: "Callable[[ManualClock], StateStore] | None" = None,
    config: "PersistenceConfig | None" = None,
) -> "type[RuleBasedStateMachine]":
    """Make a Hypothesis ``RuleBasedStateMachine`` of *machine*: a state of it in a store, moved in any order.

    ``TestOrder = machine_rules(order, ...).TestCase`` is a test for pytest and unittest, with settings as usual. It
    starts a state and has a rule for each transition, one for any action in any status, one that repeats the last move
    under its key, and one that lets time pass and has what is due done. After each step:

    * the stored state, its last event, its replay, and what was told of a move say what the machine's pure decision
      says;
    * a move that the machine refuses was refused by the store, and changed nothing; a repeated one, too;
    * each of the caller's invariants holds of the state's snapshot.

    At the end the state's whole log is checked as by ``validate_consistency``, which runs guards and applies again: one
    that is not pure is found.

    Args:
        invariants: Functions of a ``StateSnapshot`` that must return True, by name, or each by its own. One that
            raises AssertionError is broken, too.
        payloads: By action, a strategy, or a list of payloads to choose from. An action that is not named gets what its
            guard or apply is annotated to take, as Hypothesis makes it of the type; None where it is not annotated.
        start_data: A strategy for the data of the start, or that data. Else, what Hypothesis makes of the machine's
            ``data_type``; an empty dict without one.
        store: Makes the store of a run, and is given the clock for it; it is closed at the end. Else one in memory.
        config: The settings of the persister.

    Raises:
        ConfigurationError: Hypothesis is not installed; or *machine* is no Machine, has no action of that name, or an
            invariant is no function.
    """
    try:
        from tai_state.testing.rule_machine import made_rules  # noqa: PLC0415 - only this needs Hypothesis
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        message = "machine_rules needs Hypothesis: pip install 'tai_state[testing]'"
        raise ConfigurationError(message) from error
    return made_rules(machine, invariants, payloads=payloads or {}, start_data=start_data, store=store, config=config)
