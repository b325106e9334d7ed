"""What the settings of a server say: what outlives it, and whether it lets data vanish."""

from collections.abc import Mapping

from tai_state.models import Checkup

SETTINGS = ("appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "save")

NAMES = ("durability", "eviction")
"""What is looked at, in its order."""

_KEPT = {
    "always": "what was acknowledged outlives the server and its machine (appendfsync always)",
    "everysec": "a crash of the server may take the last second of what was acknowledged (appendfsync everysec)",
    "no": "a crash of the machine may take what was acknowledged since its last flush (appendfsync no)",
}
_UNKNOWN = "what outlives the server is unknown: CONFIG GET is not allowed"


def assurance(settings: Mapping[str, str] | None) -> str:
    """Return what outlives the server, in a sentence."""
    if settings is None:
        return _UNKNOWN
    told = _kept(settings)
    return f"{told}; {_vanishing(settings)}" if _vanishes(settings) else told


def examine(url: str, settings: Mapping[str, str] | None) -> list[Checkup]:
    """Return what a doctor is told."""
    if settings is None:
        mend = "allow CONFIG GET to the store's user, or ask whoever runs the server"
        return [
            Checkup(check=check, status="not checkable", message=f"{url}: {_UNKNOWN}", mend=mend) for check in NAMES
        ]
    return [_durability(url, settings), _eviction(url, settings)]


def _kept(settings: Mapping[str, str]) -> str:
    if settings.get("appendonly") == "yes":
        return _KEPT.get(settings.get("appendfsync", ""), "how much outlives the server is unknown")
    if settings.get("save"):
        return "a crash of the server takes all that was acknowledged since its last snapshot (appendonly no)"
    return "nothing outlives the server (appendonly no, and no snapshots)"


def _durability(url: str, settings: Mapping[str, str]) -> Checkup:
    message = f"{url}: {_kept(settings)}"
    if settings.get("appendonly") != "yes":
        mend = "CONFIG SET appendonly yes, CONFIG SET appendfsync always, CONFIG REWRITE"
        return Checkup(check="durability", status="problem", message=message, mend=mend)
    if settings.get("appendfsync") != "always":
        mend = "CONFIG SET appendfsync always, CONFIG REWRITE; or live with it"
        return Checkup(check="durability", status="warning", message=message, mend=mend)
    return Checkup(check="durability", status="ok", message=message)


def _vanishes(settings: Mapping[str, str]) -> bool:
    return settings.get("maxmemory-policy", "noeviction") != "noeviction"


def _vanishing(settings: Mapping[str, str]) -> str:
    policy = settings["maxmemory-policy"]
    if policy.startswith("volatile-"):
        return f"maxmemory-policy {policy} spares the store, whose keys have no TTL, and takes others' instead"
    return f"maxmemory-policy {policy}: once its memory is full, the server drops documents without a word"


def _eviction(url: str, settings: Mapping[str, str]) -> Checkup:
    mend = "CONFIG SET maxmemory-policy noeviction, CONFIG REWRITE"
    if not _vanishes(settings):
        return Checkup(check="eviction", status="ok", message=f"{url}: maxmemory-policy noeviction")
    message = f"{url}: {_vanishing(settings)}"
    if settings["maxmemory-policy"].startswith("volatile-"):
        return Checkup(check="eviction", status="warning", message=message, mend=mend)
    return Checkup(check="eviction", status="problem", message=message, mend=mend)
