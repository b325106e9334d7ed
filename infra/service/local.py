"""The service on this machine, over a Firestore emulator: ``make service``. It prints what to try."""

import os
import sys
from pathlib import Path

import uvicorn

from tai_state.testing import emulator

PORT = os.environ.get("PORT", "8080")
STORE = "firestore://orders-demo"

# The second add is a repetition, the first pay is too late (412), and deliver is not allowed yet (422).
TRY = """\
order=localhost:PORT/orders/shop-1/order-17
curl -i $order -H 'Idempotency-Key: order-17' --json '{"customer": "ann"}'
curl -i $order/add -H 'Idempotency-Key: add-1' --json '{"sku": "tea", "quantity": 2}'
curl -i $order/add -H 'Idempotency-Key: add-1' --json '{"sku": "tea", "quantity": 2}'
curl -i $order/pay -H 'If-Match: "1"' --json '{"amount": 500}'
curl -i $order/pay -H 'If-Match: "2"' --json '{"amount": 500}'
curl -i -X POST $order/deliver
curl -i $order
curl -i $order/history
"""


def main() -> None:
    """Serve until Ctrl-C."""
    sys.path.insert(0, str(Path(__file__).parent))
    with emulator() as endpoint:
        store = os.environ.setdefault("TAI_STATE_STORE", STORE)
        print(f"Orders are kept in {store}, on the emulator at {endpoint.host}. Try, in another terminal:\n")
        print(TRY.replace("PORT", PORT), flush=True)
        uvicorn.run("orders.asgi:create_app", factory=True, port=int(PORT), timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
