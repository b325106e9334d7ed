"""Keys: groups, their keys with their values, one key with its form, and several operations in one commit."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from tai_state.keys import ABSENT, CompareAndSwap, KeyOp, Set, op_from_json
from tai_state.server.auth.principals import Kind
from tai_state.server.console.rendering import json_text
from tai_state.server.console.routes import Pages
from tai_state.server.console.views.actions import key_of, reason_of
from tai_state.server.console.views.listed import listed
from tai_state.server.console.visit import Visit
from tai_state.server.http import refusals
from tai_state.values import from_json

GROUPS_SHOWN = 100
KEYS_SHOWN = 50
ROWS = 8
"""How many operations the builder of a transaction has."""

OPS = (
    *("set", "delete", "increment", "decrement", "compare_and_swap", "set_field", "delete_field"),
    *("push", "pop", "shift", "unshift", "add_to_set", "remove_from_set", "get", "exists"),
)

pages = Pages()


@pages.page("keys")
async def show_groups(visit: Visit) -> Response:
    """Show the groups of keys, those that who asks reaches."""
    wanted = visit.text("group")
    if wanted is not None:
        return visit.redirect("keys", wanted)
    found = await listed(
        visit.store.list_governors(
            kind="keys", after=visit.text("after"), limit=GROUPS_SHOWN + 1, timeout=visit.seconds
        ),
        GROUPS_SHOWN,
    )
    names = [str(getattr(one, "name", one)) for one in found.items]
    reached = [one for one in names if visit.reaches(Kind.KEYS, one)]
    return visit.render("groups.html", "Keys", found=found, groups=reached, last=names[-1:], nav="keys")


@pages.page("keys/{group}")
async def show_keys(visit: Visit) -> Response:
    """Show keys of a group with their values, page by page."""
    group, prefix = visit.path["group"], visit.text("prefix")
    items = visit.service.keys(group).items(
        prefix=prefix, after=visit.text("after"), limit=KEYS_SHOWN + 1, timeout=visit.seconds
    )
    found = await listed(items, KEYS_SHOWN)
    return visit.render("keys.html", group, group=group, found=found, prefix=prefix, nav="keys")


@pages.page("keys/{group}/keys/{key}")
async def show_key(visit: Visit) -> Response:
    """Show a key: its value, who gave it that, and the forms that change it."""
    group, key = visit.path["group"], visit.path["key"]
    keys = visit.service.keys(group)
    state = await visit.store.find_state(keys.governor_id, key, timeout=visit.seconds)
    value = ABSENT if state is None else state.data.get("value")
    return visit.render(
        "key.html",
        key,
        group=group,
        key_name=key,
        state=state,
        value=value,
        stored=None if state is None else json_text(value),
        is_whole=visit.text("whole") is not None,
        done=visit.text("done"),
        nav="keys",
    )


@pages.action("keys/{group}/keys/{key}/set")
async def set_value(visit: Visit) -> Response:
    """Give a key a value, if it still has the one that the page showed; or remove it."""
    group, key, form = visit.path["group"], visit.path["key"], await visit.form()
    said, old = form.get("value", ""), form.get("old")
    op = CompareAndSwap(
        key,
        ABSENT if old is None else from_json(old),
        ABSENT if form.get("remove") else from_json(said),
    )
    await _do(visit, [op], form)
    return visit.redirect("keys", group, "keys", key, done="1")


@pages.page("keys/{group}/transaction")
async def show_builder(visit: Visit) -> Response:
    """Show the form of a transaction: several operations, all or none."""
    return _builder(visit)


@pages.action("keys/{group}/transaction")
async def transact(visit: Visit) -> Response:
    """Do several operations in one commit, or none of them; show what each returns."""
    form = await visit.form()
    ops = [op for number in range(ROWS) if (op := _op(form, number)) is not None]
    if not ops:
        raise refusals.wrong("op-0", "say at least one operation")
    results = await _do(visit, ops, form)
    told = [
        (type(op).__name__, op.key, "absent" if one is ABSENT else json_text(one))
        for op, one in zip(ops, results, strict=True)
    ]
    return _builder(visit, told)


def _builder(visit: Visit, results: list[tuple[str, str, str]] | None = None) -> Response:
    """Return the page of the form; *results* are what the operations told that were done by it."""
    group = visit.path["group"]
    return visit.render(
        "transaction.html", f"Transaction on {group}", group=group, ops=OPS, rows=ROWS, results=results, nav="keys"
    )


async def _do(visit: Visit, ops: list[KeyOp], form: Mapping[str, str]) -> list[Any]:
    return await visit.service.keys(visit.path["group"]).transaction(
        ops, idempotency_key=key_of(form), metadata=reason_of(visit, form), timeout=visit.seconds
    )


def _op(form: Mapping[str, str], number: int) -> KeyOp | None:
    """Return what a row of the builder says; None: it was left empty.

    Raises:
        InvalidDataError: It is no operation; names what.
        Refusal: Its arguments are no JSON object.
    """
    name, key = form.get(f"op-{number}", ""), form.get(f"key-{number}", "")
    if not name:
        return None
    said = from_json(form.get(f"arguments-{number}") or "{}")
    if not isinstance(said, Mapping):
        raise refusals.wrong(f"arguments-{number}", 'is a JSON object, such as {"value": 1}')
    return Set(key, said.get("value")) if name == "set" else op_from_json({"op": name, "key": key, **said})
