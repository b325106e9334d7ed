"""The shape of a machine file: which keys it has, and of which types. Read as pydantic reads it."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, ValidationError

from tai_state.machine.problems import MachineProblem

_ONE, _SEVERAL = "<one>", "<several>"


def _source_tag(value: object) -> str:
    return _SEVERAL if isinstance(value, list) else _ONE


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class TransitionForm(_Form):
    """A transition in a file; guard and apply are names."""

    action: str
    source: Annotated[Annotated[str, Tag(_ONE)] | Annotated[list[str], Tag(_SEVERAL)], Discriminator(_source_tag)]
    target: str
    guard: str | None = None
    apply: str | None = None


class TimeoutForm(_Form):
    """A timeout in a file; ``after`` is in seconds."""

    after: float
    action: str


class MachineForm(_Form):
    """A machine file."""

    name: str
    version: int = 1
    initial: str
    terminal: list[str] | None = None
    on_dependency: dict[str, str] | None = None
    timeouts: dict[str, TimeoutForm] | None = None
    transitions: list[TransitionForm]


_SENTENCES = {
    "extra_forbidden": "is not a known key",
    "missing": "is missing",
    "string_type": "must be text",
    "list_type": "must be a list",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
}


def shape_problems(value: object) -> Iterator[MachineProblem]:
    """Yield what is wrong with the shape of *value*, the JSON of a machine file, each with its place."""
    try:
        MachineForm.model_validate(value)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            place = _place(found["loc"])
            sentence = _SENTENCES.get(found["type"], found["msg"])
            yield MachineProblem("shape", f"{place or 'the machine'} {sentence}", place)


def _place(steps: tuple[int | str, ...]) -> str:
    place = ""
    for step in steps:
        if isinstance(step, int):
            place += f"[{step}]"
        elif step.isidentifier():
            place += f".{step}" if place else step
        elif step not in (_ONE, _SEVERAL):
            place += f"[{step!r}]"
    return place
