"""Public models as JSON objects."""

import json
from typing import Any

from tai_state import ImportReport, LoadedState, MemoryStore, Problem, StateMachinePersister, TransactionManager
from tai_state.values import from_json, record_of

PROBLEM = Problem(kind="k", state_id="s", version=1, message="m", path="p")
HOSTILE = {"raw": b"\0", "list": [{"at": b""}]}


def read_back(model):
    """Return what a program reads of a model that was written as a line."""
    return json.loads(json.dumps(record_of(model)))


def test_models_in_models_are_objects():
    """However deep they stand, in lists and by their names."""
    with MemoryStore() as store:
        store.save_state("g", "data", HOSTILE)
        found, loaded = store.batch_get_states("g", ["data"]), StateMachinePersister(store).load_state("g", "data")
        assert isinstance(loaded, LoadedState)
        assert read_back(store.usage("g"))["documents"]["states"]["count"] == 1
        checked = StateMachinePersister(store).validate_consistency("g").model_copy(update={"problems": [PROBLEM]})
    one = read_back(found)["found"]["data"]
    assert read_back(loaded)["snapshot"] == one
    assert from_json(json.dumps(one["data"])) == HOSTILE
    nothing: dict[str, Any] = dict.fromkeys(ImportReport.model_fields, 0)
    told = ImportReport.model_construct(**nothing | {"reports": [checked]})
    (problem,) = read_back(told)["reports"][0]["problems"]
    assert problem == record_of(PROBLEM)


def test_the_result_of_a_transaction_is_a_stored_value():
    """It can be of any type that a store holds."""
    with MemoryStore() as store:
        manager = TransactionManager(store)
        manager.run(lambda tx: tx.save_state("g", "s", {}) and HOSTILE, idempotency_key="k")
        (record,) = manager.list_transactions()
        assert from_json(json.dumps(read_back(record)["result"])) == HOSTILE
