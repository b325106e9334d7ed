"""An order in Firestore and the stock that it is taken from in a SQLite file: both change, or neither does.

    FIRESTORE_EMULATOR_HOST=localhost:8080 python docs/examples/two_stores.py

Without an emulator it uses the project of your environment. ``test_two_stores.py`` of the integration tests runs it.
"""

import sys
from collections.abc import Iterator

from tai_state import FirestoreStore, SqliteStore, StateStore
from tai_state.distributed import DistributedBody, DistributedTransaction, PreparedError, settle


class SoldOutError(Exception):
    """There is nothing left of what was ordered."""


def place_order(shop: DistributedTransaction, order_id: str, sku: str) -> int:
    """Take one *sku* from the stock for an order, and return how many are left.

    Raises:
        SoldOutError: There is none; neither store was written.
    """

    def body(dtx: DistributedBody) -> int:
        item, _ = dtx["stock"].get_state("warehouse", sku)
        left = item.data["left"] - 1
        if left < 0:
            raise SoldOutError(sku)
        dtx["stock"].save_state("warehouse", sku, {"left": left})
        dtx["orders"].save_state("shop", order_id, {"sku": sku}, status="placed")
        return int(left)

    try:
        return shop.run(body)
    except PreparedError:
        # Another process has it in hand, or died with it: what is past its lease is settled, and the order tried again.
        for store in shop.stores.values():
            settle(store, coordinator=shop.coordinator)
        return shop.run(body)


def main(orders: StateStore, stock: StateStore) -> Iterator[str]:
    """Sell what there is, and no more, and tell of it."""
    shop = DistributedTransaction(orders, {"orders": orders, "stock": stock})
    stock.save_state("warehouse", "tea", {"left": 2})
    for number in range(1, 4):
        try:
            yield f"order-{number}: placed, {place_order(shop, f'order-{number}', 'tea')} left"
        except SoldOutError as error:
            yield f"order-{number}: {error} is sold out"
    placed = [state.state_id for state in orders.list_states("shop")]
    yield f"{len(placed)} orders, {stock.get_state('warehouse', 'tea')[0].data['left']} left"


if __name__ == "__main__":
    project = sys.argv[1] if len(sys.argv) > 1 else None
    with FirestoreStore(project, actor="shop") as firestore, SqliteStore("stock.db", actor="shop") as file:
        sys.stdout.writelines(f"{line}\n" for line in main(firestore, file))
