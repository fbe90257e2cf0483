"""What the clients saw, written down before and after each step, and the judge over it.

    intend ──▶ (request) ──▶ acknowledge          one line each in posts.jsonl
                             hear                  every note of every connection

The judge never asks the server for its opinion: it compares this ledger with the database.

    I1  an acknowledged order is kept         I6  every order was posted by somebody
    I2  it is there once                      I7  its owner is told, if connected at the end
    I3  one key has one order                 I8  what is told is true
    I4  it is what was promised               I9  nobody else is told
    I5  it is completed                       I10 no event and no dead letter is left
"""

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

from .hub_client import COMPLETED

Lines = list[tuple[str, int]]


@dataclass
class Attempt:
    """One order that a client wants, under a key that it made beforehand."""
    key: str
    user: str
    lines: Lines
    # (order id, correlation id) of each complete answer 200 or 201.
    acknowledgements: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Note:
    """What one connection of `listener` was told, by a push or as an answer about its status."""
    listener: str
    correlation: str
    order_id: int | None
    status: int


class Ledger:
    """Thread-safe. `path` survives a run that is killed itself."""

    def __init__(self, path: Path | None = None):
        self._lock = threading.Lock()
        self._file = open(path, "w") if path else None
        self.attempts: list[Attempt] = []
        self.notes: list[Note] = []

    def intend(self, key: str, user: str, lines: Lines) -> Attempt:
        """Before the request: an order that exists without this line is an invention."""
        attempt = Attempt(key, user, lines)
        with self._lock:
            self.attempts.append(attempt)
            self._write({"intend": key, "user": user, "lines": lines})
        return attempt

    def acknowledge(self, attempt: Attempt, order: dict) -> None:
        """After the client has read a complete answer."""
        with self._lock:
            attempt.acknowledgements.append((order["id"], order["correlationId"]))
            self._write({"acknowledge": attempt.key, "id": order["id"]})

    def hear(self, note: Note) -> None:
        with self._lock:
            self.notes.append(note)

    def _write(self, record: dict) -> None:
        if self._file:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file:
            self._file.close()

    def told(self, user: str) -> set[str]:
        """The correlation ids of which the user has heard that they are completed."""
        with self._lock:
            return {note.correlation for note in self.notes
                    if note.listener == user and note.status == COMPLETED}

    def acknowledged(self, user: str) -> set[str]:
        with self._lock:
            return {correlation for attempt in self.attempts if attempt.user == user
                    for _, correlation in attempt.acknowledgements}


@dataclass
class Remains:
    """The database after everything is quiet; `orders` as Database.orders() gives them."""
    orders: list[dict]
    unpublished: int = 0
    waiting: int = 0
    dead_letters: int = 0


def judge(ledger: Ledger, remains: Remains, listeners: set[str]) -> list[str]:
    """Every violation in words, the invariant's number first. `listeners` are connected users."""
    return [*_judge_orders(ledger, remains), *_judge_notes(ledger, remains, listeners),
            *_judge_work(remains)]


def _judge_orders(ledger: Ledger, remains: Remains):
    by_correlation: dict[str, list[dict]] = {}
    for order in remains.orders:
        by_correlation.setdefault(order["correlation"], []).append(order)
        if order["status"] != COMPLETED:
            yield f"I5 order {order['id']} is not completed: status {order['status']}"
    for correlation, rows in by_correlation.items():
        if len(rows) > 1:
            yield f"I2 {correlation} stands {len(rows)} times"
    # Orders of one attempt are told by what was posted, which is unique per user.
    for order in remains.orders:
        fits = [attempt for attempt in ledger.attempts
                if attempt.user == order["user"] and attempt.lines == order["lines"]]
        if not fits:
            yield f"I6 nobody posted order {order['id']} of {order['user']}: {order['lines']}"
    for attempt in ledger.attempts:
        made = [order for order in remains.orders
                if order["user"] == attempt.user and order["lines"] == attempt.lines]
        if len(made) > 1:
            yield f"I2 attempt {attempt.key} made {len(made)} orders"
        if len(set(attempt.acknowledgements)) > 1:
            yield f"I3 attempt {attempt.key} was answered with {set(attempt.acknowledgements)}"
        for order_id, correlation in set(attempt.acknowledgements):
            rows = by_correlation.get(correlation, [])
            if not rows:
                yield f"I1 order {order_id} ({correlation}) was acknowledged and is gone"
            elif rows[0]["id"] != order_id or rows[0]["user"] != attempt.user:
                yield f"I4 order {order_id} was promised to {attempt.user}, kept is {rows[0]}"
            elif rows[0]["lines"] != attempt.lines:
                yield f"I4 order {order_id} has {rows[0]['lines']}, posted was {attempt.lines}"


def _judge_notes(ledger: Ledger, remains: Remains, listeners: set[str]):
    by_correlation = {order["correlation"]: order for order in remains.orders}
    for note in ledger.notes:
        order = by_correlation.get(note.correlation)
        if order is None:
            yield f"I8 {note.listener} heard of {note.correlation}, which does not exist"
            continue
        if order["user"] != note.listener:
            yield f"I9 {note.listener} heard of order {order['id']} of {order['user']}"
        if note.status == COMPLETED and note.order_id != order["id"]:
            yield f"I8 {note.listener} heard number {note.order_id} for order {order['id']}"
        if note.status == COMPLETED and order["status"] != COMPLETED:
            yield f"I8 {note.listener} heard of the end of order {order['id']} before it"
    for user in sorted(listeners):
        for correlation in sorted(ledger.acknowledged(user) - ledger.told(user)):
            yield f"I7 {user} was never told of {correlation}"


def _judge_work(remains: Remains):
    for what, count in (("events stay in the outbox", remains.unpublished),
                        ("messages stay in a queue", remains.waiting),
                        ("messages are dead letters", remains.dead_letters)):
        if count:
            yield f"I10 {count} {what}"
