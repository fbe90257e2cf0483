"""Reads the server's SQLite file from outside, as an operator would.

    Order ─ OrderItem ─ Product        what was promised
    Outbox ─▶ QueueMessage             what still has to happen

Only `insert_product`, `insert_message` and `set_order_status` write, each for a state that no
client can bring about. Source: Data/Migrations/Schema.swift.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

# The hub's numbers are the positions.
STATUSES = ["ACCEPTED", "PROCESSING", "COMPLETED"]


class Database:
    def __init__(self, path: Path):
        self.path = path

    def query(self, sql: str, *values) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self.path, timeout=5)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(sql, values).fetchall()

    def change(self, sql: str, *values) -> None:
        with closing(sqlite3.connect(self.path, timeout=5)) as connection, connection:
            connection.execute(sql, values)

    def count(self, table: str, where: str = "1", *values) -> int:
        return self.query(f'SELECT count(*) FROM "{table}" WHERE {where}', *values)[0][0]

    # What was promised

    def orders(self) -> list[dict]:
        """Every order row, also deleted ones, with its user and (product id, quantity) lines."""
        lines: dict[int, list] = {}
        for row in self.query('SELECT i.OrderId, p.ExternalProductId, i.Quantity FROM OrderItem i '
                              'JOIN Product p ON p.Id = i.ProductId ORDER BY i.Id'):
            lines.setdefault(row[0], []).append((row[1], row[2]))
        return [{"id": row["Id"], "correlation": row["CorrelationId"], "user": row["User"],
                 "status": STATUSES.index(row["Status"]), "lines": lines.get(row["Id"], [])}
                for row in self.query(
                    'SELECT o.Id, o.CorrelationId, o.Status, c.ExternalCustomerId AS User '
                    'FROM "Order" o JOIN Customer c ON c.Id = o.CustomerId ORDER BY o.Id')]

    def order(self, correlation: str) -> dict:
        found = [order for order in self.orders() if order["correlation"] == correlation]
        assert len(found) == 1, f"{len(found)} rows of {correlation}"
        return found[0]

    def set_order_status(self, correlation: str, status: int) -> None:
        self.change('UPDATE "Order" SET Status = ? WHERE CorrelationId = ?',
                    STATUSES[status], correlation)

    def insert_product(self, product_id: str, name: str, price_hundredths: int,
                       image: str) -> None:
        self.change(
            "INSERT INTO Product (ExternalProductId, Name, Category, Vendor, ImageUrl, Discount, "
            "BillingPeriod, IsSubscription, Price, IsActive) "
            "VALUES (?, ?, 'Testing', 'Nobody', ?, 0, 'Monthly', 1, ?, 1)",
            product_id, name, image, price_hundredths)

    # What still has to happen

    def unpublished(self) -> int:
        return len(self.query("SELECT 1 FROM Outbox"))

    def messages(self, queue: str) -> list[dict]:
        """The bodies that wait in a queue, oldest first."""
        return [json.loads(row[0]) for row in
                self.query("SELECT Body FROM QueueMessage WHERE Queue = ? ORDER BY Id", queue)]

    def events(self, queue: str) -> list[dict]:
        """The events of a queue wherever they are: still in the outbox or already published."""
        waiting = self.query("SELECT Body FROM Outbox WHERE Queue = ?", queue)
        return [json.loads(row[0]) for row in waiting] + self.messages(queue)

    def insert_message(self, queue: str, body: dict) -> None:
        self.change("INSERT INTO QueueMessage (Queue, Body) VALUES (?, ?)",
                    queue, json.dumps(body).encode())

    def queue_depth(self, queue: str) -> int:
        return self.count("QueueMessage", "Queue = ?", queue)

    def dead_letters(self) -> int:
        return self.count("QueueMessage", "Queue LIKE '%.dlq'")

    def is_quiet(self) -> bool:
        """No order is under way, no event waits."""
        return (self.unpublished() == 0
                and self.count("QueueMessage", "Queue NOT LIKE '%.dlq'") == 0)

