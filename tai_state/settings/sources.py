"""What a file and the environment say, as it stands there: a value and its origin for each key."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tai_state.errors import ConfigurationError
from tai_state.settings.keys import KEYS, OTHERS, PREFIX, SECTIONS, VARIABLES, Kind, UnfitError, nearest

NAMES = ("tai-state.toml", "tai-state.yaml", "tai-state.yml", "tai-state.json")
"""What a file of settings is called that is not named."""

BYTES_MAX = 1_000_000
"""The largest file that is read: a thousand times what all keys need."""


class Said(NamedTuple):
    """A value, and where it stands."""

    value: Any
    origin: str


def said_by(environment: Mapping[str, str]) -> dict[str, Said]:
    """Return what the variables say that begin with ``TAI_STATE_``; one that is empty says nothing.

    Raises:
        ConfigurationError: One of them is no setting, or says what its key does not take.
    """
    said: dict[str, Said] = {}
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in OTHERS:
            continue
        if name not in VARIABLES:
            message = f"${name} is no setting: {_nearest_variable(name)}"
            raise ConfigurationError(message)
        if environment[name] != "":
            key = VARIABLES[name]
            said[key] = Said(_fit(KEYS[key], environment[name], f"${name}", is_text=True), f"${name}")
    return said


def said_in(path: Path) -> dict[str, Said]:
    """Return what the file at *path* says, by its name's ending TOML, YAML or JSON.

    Raises:
        ConfigurationError: It cannot be read, or says what is no setting; names what and where.
    """
    said = {}
    for section, name, value in _flat(_read(path), path):
        key = f"{section}.{name}" if section else name
        if name not in SECTIONS[section]:
            where = f"[{section}] " if section else ""
            known = list(SECTIONS[section]) + ([] if section else [f"[{one}]" for one in SECTIONS if one])
            message = f"{path}: {where}{name!r} is no setting: {nearest(name, known)}"
            raise ConfigurationError(message)
        said[key] = Said(_fit(KEYS[key], value, f"{path}: {key}", is_text=False), str(path))
    return said


def _nearest_variable(name: str) -> str:
    found = nearest(name.removeprefix(PREFIX), [key.upper().replace(".", "__") for key in KEYS])
    return found.replace("mean ", f"mean ${PREFIX}") if found.startswith("did") else "see `tai-state config show --all`"


def _fit(kind: Kind, value: Any, what: str, *, is_text: bool) -> Any:
    try:
        return kind.parse(value) if is_text else kind.read(value)
    except UnfitError:
        shown = repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:80]}..."  # noqa: PLR2004 - a line of a message
        message = f"{what} must be {kind.wanted}, not {shown}"
        raise ConfigurationError(message) from None


def _flat(found: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str, Any]]:
    """Yield section, name and value; the top's own first."""
    for name, value in found.items():
        if name in SECTIONS and name:
            if not isinstance(value, Mapping):
                message = f"{path}: {name!r} is a section, and holds settings: {', '.join(SECTIONS[name])}"
                raise ConfigurationError(message)
            for inner, one in value.items():
                yield name, str(inner), one
        else:
            yield "", str(name), value


def _read(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MAX + 1)
        if len(raw) > BYTES_MAX:
            message = f"{path} is no file of settings: it holds more than {BYTES_MAX:,} bytes"
            raise ConfigurationError(message)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        message = f"the settings cannot be read: {error}"
        raise ConfigurationError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8: byte {error.start:,} is wrong"
        raise ConfigurationError(message) from error
    found = _parsed(path, text)
    if not isinstance(found, Mapping):
        message = f"{path} must hold settings by their names, not a {type(found).__name__}"
        raise ConfigurationError(message)
    return found


def _parsed(path: Path, text: str) -> Any:
    if path.suffix not in {".toml", ".yaml", ".yml", ".json"}:
        message = f"{path}: a file of settings ends in .toml, .yaml, .yml or .json"
        raise ConfigurationError(message)
    try:
        if path.suffix == ".toml":
            return tomllib.loads(text)
        if path.suffix == ".json":
            return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        message = f"{path} is no {path.suffix[1:].upper()}: {error}"
        raise ConfigurationError(message) from error
    from tai_state.settings.yaml_files import read_yaml  # noqa: PLC0415 - an extra's

    return read_yaml(path, text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: JSON's readers take the last one, and say nothing."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            message = f"{name!r} stands there twice"
            raise ValueError(message)
        found[name] = value
    return found
