"""``/v1/machines``: the machines that this server moves states by."""

import json
from typing import Any

from pydantic import TypeAdapter

from tai_state import Machine
from tai_state.server.http import refusals
from tai_state.server.http.answers import Answer, told
from tai_state.server.http.calls import Call
from tai_state.server.http.routes import Resource, Said
from tai_state.server.http.shapes import Items, MachineDefinition, MachineName

resource = Resource("machines")


@resource.route("GET", "/v1/machines", Said(200, "All of them.", Items[MachineName]))
async def list_machines(call: Call) -> Answer:
    """List the machines that this server moves states by."""
    machines = [persister.require_machine() for persister in call.service.persisters.values()]
    return told({"items": [{"name": one.name, "version": one.version} for one in machines]})


@resource.route("GET", "/v1/machines/{machine}", Said(200, "The machine.", MachineDefinition), problems=(404,))
async def get_machine(call: Call) -> Answer:
    """Return a machine: its statuses and transitions, and the schema of its data where it has a type."""
    persister = call.service.persisters.get(call.path["machine"])
    if persister is None:
        raise refusals.no_such("machine")
    machine = persister.require_machine()
    assert isinstance(machine, Machine)  # The service takes no other.
    return told(_shown(machine))


def _shown(machine: Machine[Any]) -> dict[str, Any]:
    told_of: dict[str, Any] = json.loads(machine.to_json())
    schema = None if machine.data_type is None else TypeAdapter(machine.data_type).json_schema()
    return {
        **{name: told_of[name] for name in ("name", "version", "initial", "transitions")},
        "statuses": list(machine.statuses),
        "terminal": list(machine.terminal),
        "data_schema": schema,
    }
