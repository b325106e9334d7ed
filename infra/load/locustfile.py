"""Customers of the example service: ``make load`` drives it with them on the emulator, locust alone wherever it runs.

Most take an order of their own from its start to its end; some crowd around one order, which is what contention is. A
repeated request has to be told the same, and at the end nothing that was acknowledged may be missing or there twice.
Where the service lets nobody in without a token, it is $ORDERS_TOKEN.
"""

import os
import uuid
from http import HTTPStatus
from typing import Any

from locust import FastHttpUser, between, events, task
from locust.exception import RescheduleTask

ORDER = "/orders/{shop}/{order}"
ACTION = "/orders/{shop}/{order}/{action}"
HISTORY = "/orders/{shop}/{order}/history"
TOKEN = os.environ.get("ORDERS_TOKEN")

# A run has a shop of its own, so that one before it does not show.
SHOP = f"load-{uuid.uuid4().hex[:12]}"
CROWDED = "crowded"
additions = {"asked": 0, "acknowledged": 0}


class Caller:
    """Asks the service, and fails what is not as it must be."""

    def __init__(self, client: Any) -> None:
        """Ask by *client*, that of a user of locust."""
        self.client = client

    def ask(self, method: str, form: str, wanted: int = 200, **path_and_options: Any) -> dict[str, Any]:
        """Send one request; its row in the table is the *form* of its path. One that fails ends the user's task."""
        names = {name: path_and_options.pop(name) for name in ("order", "action") if name in path_and_options}
        headers = path_and_options.pop("headers", {}) | ({"Authorization": f"Bearer {TOKEN}"} if TOKEN else {})
        replayed = path_and_options.pop("replayed", None)
        path = form.format(shop=SHOP, **names)
        marks = [str(wanted)] * (wanted >= HTTPStatus.BAD_REQUEST) + ["again"] * bool(replayed)
        row = " ".join([form.replace("{action}", names.get("action", "")), *marks])
        with self.client.request(
            method, path, name=row, headers=headers, catch_response=True, **path_and_options
        ) as answer:
            if answer.status_code != wanted:
                answer.failure(f"{answer.status_code}, not {wanted}: {answer.text}")
            elif replayed is not None and answer.headers["Idempotency-Replayed"] != str(replayed).lower():
                answer.failure(f"Idempotency-Replayed is {answer.headers['Idempotency-Replayed']}")
            else:
                answer.success()
                found: dict[str, Any] = answer.json()
                return found
        raise RescheduleTask

    def change(self, form: str, body: Any, wanted: int = 200, **names: Any) -> dict[str, Any]:
        """Send a change under a key of its own, and once more, as who lost the reply would: it is told the same."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        first = self.ask("POST", form, wanted, json=body, headers=key, replayed=False, **names)
        if self.ask("POST", form, wanted, json=body, headers=key, replayed=True, **names) != first:
            raise AssertionError("a repetition was told something else")
        return first


class Customer(FastHttpUser):
    """Orders something, pays for it, and looks at it until it is there."""

    weight = 4
    wait_time = between(0.1, 0.5)

    @task
    def order(self) -> None:
        """Take one order from its start to its end."""
        caller, order = Caller(self.client), uuid.uuid4().hex
        caller.change(ORDER, {"customer": "ann"}, 201, order=order)
        added = caller.change(ACTION, {"sku": "tea", "quantity": 2}, order=order, action="add")
        stale = {"If-Match": '"1"'}
        caller.ask("POST", ACTION, 412, json={"amount": 500}, headers=stale, order=order, action="pay")
        expected = {"If-Match": f'"{added["version"]}"'}
        caller.ask("POST", ACTION, json={"amount": 500}, headers=expected, order=order, action="pay")
        for action in ("ship", "deliver"):
            caller.change(ACTION, {}, order=order, action=action)
        caller.ask("GET", ORDER, order=order)
        told = caller.ask("GET", HISTORY, order=order)["events"]
        if [event["version"] for event in told] != [1, 2, 3, 4, 5]:
            raise AssertionError(f"the history of {order} has versions {[event['version'] for event in told]}")


class Crowd(FastHttpUser):
    """Many who change the same order."""

    weight = 1
    wait_time = between(0.1, 0.5)

    @task
    def add(self) -> None:
        """Add one more of the same thing."""
        additions["asked"] += 1
        Caller(self.client).change(ACTION, {"sku": "tea", "quantity": 1}, order=CROWDED, action="add")
        additions["acknowledged"] += 1


def request_once(environment: Any, method: str, **options: Any) -> dict[str, Any]:
    """Send one request about the crowded order, before or behind the run."""
    Crowd.host = environment.host
    return Caller(Crowd(environment).client).ask(method, ORDER, order=CROWDED, **options)


@events.test_start.add_listener
def begin(environment: Any, **_: Any) -> None:
    """Start the order that the crowd is going to change."""
    request_once(environment, "POST", wanted=201, json={"customer": "all"})


@events.quitting.add_listener
def end(environment: Any, **_: Any) -> None:
    """Count: what was acknowledged is there, once; what failed may be."""
    there = request_once(environment, "GET")["data"]["items"].get("tea", 0)
    print(f"{additions['asked']} additions to one order, {additions['acknowledged']} acknowledged, {there} there")
    if not additions["acknowledged"] <= there <= additions["asked"]:
        environment.process_exit_code = 1
