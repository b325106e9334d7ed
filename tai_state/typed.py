"""Pydantic models as data, by one rule for both directions.

A model is stored as ``model_dump(mode="json", by_alias=False, round_trip=True)`` gives it: by the names of its
fields, computed fields left out, ``Json[...]`` as the text that it was. It is read as ``model_validate_json`` reads it,
by names or by aliases. What does not come back equal is refused when it is given, by its path: a ``SecretStr``, a
subclass in a field of its base, a field that is excluded, bytes that are no UTF-8.

A set has no order that two processes share: its items are stored sorted by their JSON. Private attributes are no data.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

import orjson

from tai_state.errors import InvalidDataError

if TYPE_CHECKING:
    from pydantic import BaseModel, RootModel

ModelT = TypeVar("ModelT", bound="BaseModel")


def is_model(value: object) -> "TypeGuard[BaseModel]":
    """Whether *value* is a pydantic model: nobody has one who has not imported pydantic, which takes its time."""
    return isinstance(value, _base_model())


def is_model_class(value: object) -> bool:
    """Whether *value* is a class of pydantic models; as ``is_model``."""
    return isinstance(value, type) and issubclass(value, _base_model())


def _base_model() -> Any:
    # None yet where another thread is just importing it.
    return getattr(sys.modules.get("pydantic.main"), "BaseModel", ())


def dumped(model: "BaseModel", path: str) -> Any:
    """Return what is stored of *model*, in plain JSON types.

    Raises:
        InvalidDataError: Something in it cannot be JSON, or would not come back equal; names the path.
    """
    try:
        dump = _in_order(model, _dump(model))
    except (ValueError, TypeError, RecursionError) as error:
        message = f"cannot be stored: {error}"
        raise InvalidDataError(message, path=_undumpable(model, path)) from error
    try:
        encoded = orjson.dumps(dump)
    except TypeError:
        # Larger than a store's int, or nested too deep: who checks the dump says where.
        return dump
    _check_restored(model, validated(type(model), encoded, path), path)
    return dump


def _dump(model: "BaseModel", **options: Any) -> Any:
    # Without warnings: they print the data. What they warn of does not come back equal.
    return model.model_dump(mode="json", by_alias=False, round_trip=True, warnings=False, **options)


def _undumpable(value: object, path: str) -> str:
    """Return the path of the innermost part that cannot be dumped."""
    for name, item in _parts(value):
        try:
            if is_model(value):
                _dump(value, include={name.removeprefix(".")})
            elif is_model(item):
                _dump(item)
        except (ValueError, TypeError, RecursionError):
            return _undumpable(item, path + name)
    return path


def _in_order(value: object, dump: Any) -> Any:
    """Return the *dump* of *value* with the items of each set sorted."""
    if _is_root(value):
        return _in_order(value.root, dump)
    if isinstance(dump, list) and isinstance(value, set | frozenset | list | tuple) and len(value) == len(dump):
        items = [_in_order(item, part) for item, part in zip(value, dump, strict=True)]
        return sorted(items, key=_text) if isinstance(value, set | frozenset) else items
    if isinstance(dump, dict) and isinstance(value, dict) and len(value) == len(dump):
        pairs = zip(value.values(), dump.items(), strict=True)
        return {key: _in_order(item, part) for item, (key, part) in pairs}
    if isinstance(dump, dict):
        parts = dict(_parts(value))
        return {key: _in_order(parts.get(f".{key}"), part) for key, part in dump.items()}
    return dump


def _is_root(value: object) -> TypeGuard["RootModel[Any]"]:
    # By its mark: to import the class takes a third of the time that all of pydantic's core takes.
    return is_model(value) and value.__pydantic_root_model__


def _text(item: object) -> str:
    return json.dumps(item, sort_keys=True)


def _check_restored(model: "BaseModel", restored: "BaseModel", path: str) -> None:
    # Some values cannot be compared as a whole; their parts are.
    with suppress(Exception):
        if restored == model:
            return
    place = _difference(model, restored, path)
    if place is not None:
        message = "it would not come back equal from the store: keep it in a field whose type reads back what it dumps"
        raise InvalidDataError(message, path=place)


def _difference(given: object, restored: object, path: str) -> str | None:
    """Return the path of the first part in which *restored* is not what was *given*; None for none."""
    if _is_root(given) and type(given) is type(restored):
        return _difference(given.root, getattr(restored, "root", None), path)
    steps, found = dict(_parts(given)), dict(_parts(restored))
    if steps or found or is_model(given):
        if type(given) is not type(restored) or steps.keys() != found.keys():
            return path
        return next(filter(None, (_difference(item, found[name], path + name) for name, item in steps.items())), None)
    try:
        return None if given == restored else path
    except Exception:  # noqa: BLE001 - what cannot be compared cannot be told to be equal
        return path


def _parts(value: object) -> Iterator[tuple[str, Any]]:
    """Yield what *value* is made of, each with its step of a path; nothing of what is no container."""
    if is_model(value):
        for name in (*type(value).model_fields, *(value.model_extra or ())):
            yield f".{name}", getattr(value, name, None)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield f".{field.name}", getattr(value, field.name, None)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f".{key}", item
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield f"[{index}]", item


def validated(data_type: type[ModelT], data: Any, path: str = "data") -> ModelT:
    """Return *data*, the bytes of a JSON text or a value that JSON has no types for, as a *data_type*.

    Raises:
        InvalidDataError: It does not fit; says where, and shows nothing of it.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - who has a data type has loaded it

    try:
        if isinstance(data, bytes):
            return data_type.model_validate_json(data, by_alias=True, by_name=True)
        return data_type.model_validate(data, by_alias=True, by_name=True)
    except ValidationError as error:
        defects = error.errors(include_url=False, include_context=False, include_input=False)
        message = f"does not fit {data_type.__name__}: " + "; ".join(map(_defect, defects[:_DEFECTS_MAX]))
        raise InvalidDataError(message, path=path + _steps(defects[0]["loc"])) from error
    except (ValueError, TypeError, RecursionError) as error:  # of a validator or a constructor of the user's own
        message = f"does not fit {data_type.__name__}: {error}"
        raise InvalidDataError(message, path=path) from error


_DEFECTS_MAX = 5


def _defect(defect: Any) -> str:
    where = _steps(defect["loc"]).removeprefix(".")
    return f"{where}: {defect['msg']}" if where else str(defect["msg"])


def _steps(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
