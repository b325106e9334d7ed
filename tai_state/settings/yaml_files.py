"""Settings as YAML, for those who have the extra."""

from pathlib import Path
from typing import Any

from tai_state.errors import ConfigurationError


def read_yaml(path: Path, text: str) -> Any:
    """Return what *text*, that of the file at *path*, holds; an empty one holds nothing.

    Raises:
        ConfigurationError: It is no YAML, a name stands there twice, or there is no reader of YAML here.
    """
    try:
        import yaml  # noqa: PLC0415, TID251 - the extra; below it makes plain values alone
    except ModuleNotFoundError as error:
        message = f"{path} is YAML, and PyYAML is not here: pip install 'tai_state[yaml]', or write TOML"
        raise ConfigurationError(message) from error

    class Once(yaml.SafeLoader):
        """Refuses a name that stands twice, of which the last would count."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's
            names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                problem = f"{twice!r} stands there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
            found: dict[Any, Any] = super().construct_mapping(node, deep)
            return found

    try:
        loader = Once(text)
        try:
            found = loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        message = f"{path} is no YAML: {' '.join(str(error).split())}"
        raise ConfigurationError(message) from error
    return {} if found is None else found
