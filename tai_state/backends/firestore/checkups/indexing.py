"""Whether the indexes are there that the queries of the package need: one that is missing makes a query fail."""

from collections.abc import Iterator, Mapping

from tai_state.backends.firestore.checkups.asking import Asking, FieldConfig
from tai_state.indexes import ASKED, Asked, Index, Mode, needed, sorted_fields
from tai_state.models import Checkup

_DEFAULTS = "__default__"
_ANY = "*"


def look(asking: Asking) -> Checkup:
    """Ask for the fields that are exempt from being indexed, and for the indexes that somebody must make."""
    groups = sorted({asked.collection for asked in ASKED})
    said = {(one.group, one.name): one for group in (_DEFAULTS, *groups) for one in asking.fields(group)}
    exempt = sorted({place for asked in ASKED for place in _exempt(asked, said)})
    if exempt:
        group, name, mode = exempt[0]
        message = f"{', '.join(f'{one}.{field}' for one, field, _ in exempt)} not indexed: queries of them fail"
        # Clearing an exemption would leave the field to that of all fields of its group, where there is one.
        mend = (
            f"gcloud firestore indexes fields update {name} --collection-group={group} --index={_as_option(mode)} "
            f"{asking.flag}"
        )
        return Checkup(check="indexes", status="problem", message=message, mend=mend)
    made = {(one.group, one.fields, one.is_group): one for one in asking.composite_indexes()}
    for index in needed():
        if len(index.fields) == 1:
            ((name, _),) = index.fields
            settled = said.get((index.collection, name))
            if settled is None or _scope(index) not in (settled.indexed or ()):
                message = f"an index is missing: {index}"
                return Checkup(check="indexes", status="problem", message=message, mend=_make_alone(index, asking))
            continue
        found = made.get((index.collection, index.fields, index.is_group))
        if found is None:
            message = f"an index is missing: {index}"
            return Checkup(check="indexes", status="problem", message=message, mend=_make(index, asking))
        if not found.is_ready:
            message = f"an index is still being built: {index}"
            return Checkup(check="indexes", status="warning", message=message, mend="wait until it is")
    message = f"all that {len(ASKED)} kinds of queries need are there"
    return Checkup(check="indexes", status="ok", message=message)


def _scope(index: Index) -> str:
    return "COLLECTION_GROUP" if index.is_group else "COLLECTION"


def _make_alone(index: Index, asking: Asking) -> str:
    """Return the command for the index of one field: those that there are by themselves must be named with it."""
    ((name, mode),) = index.fields
    scope = _scope(index).lower().replace("_", "-")
    return (
        f"gcloud firestore indexes fields update {name} --collection-group={index.collection} "
        f"--index={_as_option(mode)},query-scope={scope} {asking.flag}"
    )


def _as_option(mode: Mode) -> str:
    return "array-config=contains" if mode is Mode.CONTAINS else f"order={mode}"


def _exempt(asked: Asked, said: Mapping[tuple[str, str], FieldConfig]) -> Iterator[tuple[str, str, Mode]]:
    """Yield the fields of a query that should be indexed and are not: group, name, mode."""
    for name, mode in sorted_fields(asked):
        places = [(asked.collection, name), (asked.collection, _ANY), (_DEFAULTS, _ANY)]
        settled = next((said[one].indexed for one in places if one in said and said[one].indexed is not None), None)
        # Of which nothing is said has what Firestore makes by itself.
        if settled is not None and "COLLECTION" not in settled:
            yield asked.collection, name, mode


def _make(index: Index, asking: Asking) -> str:
    scope = "collection-group" if index.is_group else "collection"
    fields = " ".join(f"--field-config=field-path={name},{_as_option(mode)}" for name, mode in index.fields)
    return (
        f"gcloud firestore indexes composite create --collection-group={index.collection} --query-scope={scope} "
        f"{fields} {asking.flag}"
    )
