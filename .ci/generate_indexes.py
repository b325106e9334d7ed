"""Writes infra/firestore/firestore.indexes.json from the queries that the package makes.

python .ci/generate_indexes.py            write it
python .ci/generate_indexes.py --check    fail where the file says something else

Terraform reads the same file, so that the two ways of setting a database up cannot disagree.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / ".ci")]

from pages import write_or_check  # noqa: E402 - beside this script, wherever it is started

from tai_state import indexes, layout  # noqa: E402 - of this repository, not of an installed package
from tai_state.lifetimes import EXPIRES_AT  # noqa: E402

FILE = ROOT / "infra" / "firestore" / "firestore.indexes.json"
ALL_FIELDS = "*"
OF_STORE = (
    *(layout.META.collection, layout.LOCKS, layout.WAITS, layout.AUDIT, layout.TRANSACTIONS),
    *(layout.PREPARED, layout.DISTRIBUTED, "steps", layout.REPLICAS),
)


def collections() -> list[str]:
    """Return the name of every collection that the package writes to, those of all governors being one."""
    governor = layout.GovernorLayout("g")
    of_governor = (getattr(governor, name) for name in governor.__slots__ if name != "governor_id")
    return sorted({path.rpartition("/")[2] for path in (*of_governor, *OF_STORE)})


def _mode(mode: indexes.Mode) -> dict[str, str]:
    if mode is indexes.Mode.CONTAINS:
        return {"arrayConfig": "CONTAINS"}
    return {"order": mode.name}


def _scope(index: indexes.Index) -> str:
    return "COLLECTION_GROUP" if index.is_group else "COLLECTION"


def composites() -> list[dict[str, Any]]:
    """Return the indexes of several fields."""
    return [
        {
            "collectionGroup": index.collection,
            "queryScope": _scope(index),
            "fields": [{"fieldPath": name, **_mode(mode)} for name, mode in index.fields],
        }
        for index in indexes.needed()
        if len(index.fields) > 1
    ]


def overrides() -> list[dict[str, Any]]:
    """Return what is said of single fields: all of them are exempt, but those by which queries find.

    Otherwise every field of every map in the data of a state would be indexed, twice, at each change.
    """
    kept: dict[tuple[str, str], list[dict[str, str]]] = {}
    for asked in indexes.ASKED:
        for name, mode in indexes.sorted_fields(asked):
            entry = {**_mode(mode), "queryScope": "COLLECTION"}
            kept.setdefault((asked.collection, name), []).append(entry)
    for index in indexes.needed():
        if len(index.fields) == 1:
            ((name, mode),) = index.fields
            entry = {**_mode(mode), "queryScope": _scope(index)}
            kept.setdefault((index.collection, name), []).append(entry)
    found: list[dict[str, Any]] = []
    for collection in collections():
        found.append({"collectionGroup": collection, "fieldPath": ALL_FIELDS, "indexes": []})
        found += [
            {"collectionGroup": group, "fieldPath": name, "indexes": _distinct(entries)}
            for (group, name), entries in sorted(kept.items())
            if group == collection
        ]
        if collection in indexes.EXPIRING:
            # A time that rises with every document would make a hot spot of its index, and no query asks for it.
            found.append({"collectionGroup": collection, "fieldPath": EXPIRES_AT, "ttl": True, "indexes": []})
    return found


def _distinct(entries: list[dict[str, str]]) -> list[dict[str, str]]:
    return [entry for place, entry in enumerate(entries) if entry not in entries[:place]]


def text() -> str:
    """Return the whole file."""
    return json.dumps({"indexes": composites(), "fieldOverrides": overrides()}, indent=2) + "\n"


if __name__ == "__main__":
    raise SystemExit(write_or_check(FILE, lambda _: text()))
