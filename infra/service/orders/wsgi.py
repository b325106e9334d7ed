"""The same core on Flask: ``gunicorn --config gunicorn.conf.py 'orders.wsgi:create_app()'``."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from orders import answers
from orders.logs import log_as_json
from orders.machine import ORDERS, Order, order_of, payload_of
from tai_state import InvalidDataError, StateMachinePersister, StateStore, StoreUnavailableError, connect
from tai_state.adapters.flask import ProcessStore, expected_version, handle_errors, idempotency_key, store_of_process
from tai_state.telemetry import Monitor

routes = Blueprint("orders", __name__)

# Python reads no number of thousands of digits.
NUMBER = re.compile(r"[0-9]{1,19}")


def persister() -> StateMachinePersister[Order]:
    """Return what moves orders in the store of this process."""
    return StateMachinePersister(store_of_process(), ORDERS)


def sent(answer: answers.Answer) -> Response:
    """Return the response that gives *answer*."""
    response = jsonify(answer.content)
    response.status_code = answer.status
    response.headers.update(answer.headers)
    return response


def body() -> Any:
    """Return the request's JSON; None where it has no body.

    Raises:
        InvalidDataError: It is nested so deeply that Python does not read it.
    """
    try:
        return request.get_json() if request.get_data() else None
    except RecursionError:
        raise InvalidDataError("is nested too deeply", path="body") from None


def number(name: str, default: int, least: int, most: int) -> int:
    """Return a number of the query.

    Raises:
        InvalidDataError: It is none, or is not between *least* and *most*.
    """
    given = request.args.get(name, str(default))
    if not NUMBER.fullmatch(given) or not least <= int(given) <= most:
        raise InvalidDataError(f"is a number from {least} to {most}", path=f"query.{name}")
    return int(given)


@routes.post("/orders/<shop>/<order>")
def start(shop: str, order: str) -> Response:
    """Take a new order."""
    result = persister().start(
        shop, order, order_of(body()), idempotency_key=idempotency_key(), timeout=answers.CALL_SECONDS
    )
    return sent(answers.changed(result, HTTPStatus.CREATED))


@routes.post("/orders/<shop>/<order>/<action>")
def act(shop: str, order: str, action: str) -> Response:
    """Move an order."""
    result = persister().transition(
        shop,
        order,
        action,
        payload_of(action, body()),
        expected_version=expected_version(),
        idempotency_key=idempotency_key(),
        timeout=answers.CALL_SECONDS,
    )
    return sent(answers.changed(result))


@routes.get("/orders/<shop>/<order>")
def read(shop: str, order: str) -> Response:
    """Tell how an order stands."""
    return sent(answers.read(persister().load_state(shop, order, timeout=answers.CALL_SECONDS).snapshot))


@routes.get("/orders/<shop>/<order>/history")
def history(shop: str, order: str) -> Response:
    """Tell what an order went through."""
    limit = number("limit", answers.PAGE_MAX, 1, answers.PAGE_MAX)
    after = number("after", 0, 0, 2**63 - 1)
    events = store_of_process().get_events(shop, order, after=after, limit=limit + 1, timeout=answers.CALL_SECONDS)
    return sent(answers.page(shop, order, list(events), after, limit))


@routes.get("/health/live")
def live() -> Response:
    """Tell that the process runs."""
    return jsonify(ok=True)


@routes.get("/health/ready")
def ready() -> Response:
    """Tell that requests can be served: the store answers."""
    health = store_of_process().health(timeout=answers.HEALTH_SECONDS)
    if not health.ok:
        raise StoreUnavailableError(health.message)
    return jsonify(ok=True, backend=health.backend)


@routes.get("/metrics")
def metrics() -> Response:
    """Tell Prometheus what the store of this worker did."""
    store_of_process()
    return Response(current_app.extensions["monitor"].as_prometheus(), content_type=answers.METRICS)


def create_app(open_store: Callable[[], StateStore] = connect) -> Flask:
    """Return the application; $TAI_STATE_STORE says where its orders are."""
    app = Flask("orders")
    app.config["MAX_CONTENT_LENGTH"] = answers.BODY_BYTES_MAX

    def watched() -> StateStore:
        store = open_store()
        app.extensions["monitor"] = Monitor(store)
        return store

    log_as_json()
    ProcessStore(app, watched)
    handle_errors(app)
    app.register_blueprint(routes)
    return app
