"""What a server has promised and still has to do, read from outside as an operator would.

    Order ─ OrderItem ─ Product        what was promised
    Outbox ─▶ a queue                  what still has to happen

`Tables` is what the tables say, whichever database holds them; `Database` is the file of a server
with the embedded engines, which holds the queues too. Only `insert_product`, `insert_message` and
`set_order_status` write, each for a state that no client can bring about.
Source: Data/Migrations/Schema.swift.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

# The hub's numbers are the positions.
STATUSES = ["ACCEPTED", "PROCESSING", "COMPLETED"]


class Tables:
    """The platform's tables; subclasses say how to reach them. `?` stands for a value."""

    def query(self, sql: str, *values) -> list:
        """Rows whose columns are found by name."""
        raise NotImplementedError

    def change(self, sql: str, *values) -> None:
        raise NotImplementedError

    def count(self, table: str, where: str = "1 = 1", *values) -> int:
        return self.query(f'SELECT count(*) AS n FROM "{table}" WHERE {where}', *values)[0]["n"]

    def orders(self) -> list[dict]:
        """Every order row, also deleted ones, with its user and (product id, quantity) lines."""
        lines: dict[int, list] = {}
        for row in self.query(
                'SELECT i."OrderId", p."ExternalProductId", i."Quantity" FROM "OrderItem" i '
                'JOIN "Product" p ON p."Id" = i."ProductId" ORDER BY i."Id"'):
            lines.setdefault(row["OrderId"], []).append(
                (row["ExternalProductId"], row["Quantity"]))
        return [{"id": row["Id"], "correlation": row["CorrelationId"], "user": row["User"],
                 "status": STATUSES.index(row["Status"]), "lines": lines.get(row["Id"], [])}
                for row in self.query(
                    'SELECT o."Id", o."CorrelationId", o."Status", '
                    'c."ExternalCustomerId" AS "User" FROM "Order" o '
                    'JOIN "Customer" c ON c."Id" = o."CustomerId" ORDER BY o."Id"')]

    def order(self, correlation: str) -> dict:
        found = [order for order in self.orders() if order["correlation"] == correlation]
        assert len(found) == 1, f"{len(found)} rows of {correlation}"
        return found[0]

    def set_order_status(self, correlation: str, status: int) -> None:
        self.change('UPDATE "Order" SET "Status" = ? WHERE "CorrelationId" = ?',
                    STATUSES[status], correlation)

    def price(self, hundredths: int):
        """An amount as the database keeps it."""
        raise NotImplementedError

    def insert_product(self, product_id: str, name: str, price_hundredths: int,
                       image: str) -> None:
        self.change(
            'INSERT INTO "Product" ("ExternalProductId", "Name", "Category", "Vendor", "ImageUrl", '
            '"Discount", "BillingPeriod", "IsSubscription", "Price", "IsActive") '
            "VALUES (?, ?, 'Testing', 'Nobody', ?, 0, 'Monthly', ?, ?, ?)",
            product_id, name, image, True, self.price(price_hundredths), True)

    def unpublished(self) -> int:
        return self.count("Outbox")

    def waiting_events(self, queue: str) -> list[dict]:
        """The events of a queue that are still in the outbox."""
        return [json.loads(bytes(row["Body"])) for row in self.query(
            'SELECT "Body" FROM "Outbox" WHERE "Queue" = ? ORDER BY "Id"', queue)]


class Database(Tables):
    """The file of the embedded engines."""

    def __init__(self, path: Path):
        self.path = path

    def query(self, sql: str, *values) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self.path, timeout=5)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql, values).fetchall()

    def change(self, sql: str, *values) -> None:
        with closing(sqlite3.connect(self.path, timeout=5)) as connection, connection:
            connection.execute(sql, values)

    def price(self, hundredths: int) -> int:
        return hundredths

    # What still has to happen

    def messages(self, queue: str) -> list[dict]:
        """The bodies that wait in a queue, oldest first."""
        return [json.loads(row["Body"]) for row in
                self.query('SELECT "Body" FROM "QueueMessage" WHERE "Queue" = ? ORDER BY "Id"',
                           queue)]

    def events(self, queue: str) -> list[dict]:
        """The events of a queue wherever they are: still in the outbox or already published."""
        return self.waiting_events(queue) + self.messages(queue)

    def insert_message(self, queue: str, body: dict) -> None:
        self.change('INSERT INTO "QueueMessage" ("Queue", "Body") VALUES (?, ?)',
                    queue, json.dumps(body).encode())

    def queue_depth(self, queue: str) -> int:
        return self.count("QueueMessage", '"Queue" = ?', queue)

    def dead_letters(self) -> int:
        return self.count("QueueMessage", "\"Queue\" LIKE '%.dlq'")

    def is_quiet(self) -> bool:
        """No order is under way, no event waits."""
        return (self.unpublished() == 0
                and self.count("QueueMessage", "\"Queue\" NOT LIKE '%.dlq'") == 0)

    def forget_state(self, correlation: str) -> None:
        """Nothing to do: the embedded state store forgets when its process ends."""
