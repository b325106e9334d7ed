"""asyncio, imported at the first look into it: with its sockets and TLS it is most of what a sync call would wait for.

A module that both colours import takes this one under its name. It is the same asyncio: each name is looked up once.
"""

from importlib import import_module


def __getattr__(name: str) -> object:
    value = getattr(import_module("asyncio"), name)
    globals()[name] = value
    return value
