"""Commands that are imported when they are called."""

from collections.abc import Callable, Iterable, Iterator, MutableMapping

import click


class LateCommands(MutableMapping[str, click.Command]):
    """The commands of a group by name, each made when it is first asked for."""

    def __init__(self, names: Iterable[str], load: Callable[[str], click.Command]) -> None:
        """Know *names*, and *load* what is called so."""
        self._made: dict[str, click.Command | None] = dict.fromkeys(names)
        self._load = load

    def __getitem__(self, name: str) -> click.Command:
        """Return the command *name*."""
        command = self._made[name]
        if command is None:
            command = self._made[name] = self._load(name)
        return command

    def __setitem__(self, name: str, command: click.Command) -> None:
        """Add a command."""
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        """Remove one."""
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, and make nothing."""
        return iter(self._made)

    def __len__(self) -> int:
        """Count them."""
        return len(self._made)
