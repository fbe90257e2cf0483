"""What goes on during the whole run: poison, repeats, prying. Each tick does a little of each.

    poison   bodies that no consumer can use   ──▶ must end as dead letters, and nothing else may
    repeats  events of orders that were made   ──▶ must change nothing
    prying   questions about foreign orders    ──▶ must tell nothing
"""

import json
import random
import threading
import time
import uuid

from crowd import Crowd
from people import Promise
from stage import Stage, fingerprint

EVERY = 1.0
REPEATS = 3
_ACCEPTED, _PROCESSED = "order.accepted", "order.processed"


def poison(source: random.Random, large: int) -> list[tuple[str, bytes]]:
    """Twenty (queue, body) pairs, all different. The first takes all its retries to be buried."""
    def guid() -> str:
        return str(uuid.UUID(int=source.getrandbits(128), version=4))

    def accepted(**changes) -> bytes:
        order = {"CustomerId": "crowd-poison",
                 "Items": [{"ProductId": "AZ-900", "Quantity": 1}], **changes}
        return json.dumps({"CorrelationId": {"Value": guid()}, "Order": order}).encode()

    return [
        (_PROCESSED, json.dumps({"CorrelationId": {"Value": guid()}, "OrderId": 77}).encode()),
        (_ACCEPTED, b""),
        (_PROCESSED, b""),
        (_ACCEPTED, b"no json at all"),
        (_PROCESSED, b"no json at all, either"),
        (_ACCEPTED, b"[1, 2"),
        (_ACCEPTED, b"\xff\xfe\x00bytes"),
        (_ACCEPTED, b'{"CorrelationId": 5, "Order": "six"}'),
        (_ACCEPTED, b'"' + b"x" * large + b'"'),
        (_ACCEPTED, json.dumps({"Version": 99, "Payload": guid()}).encode()),
        (_ACCEPTED, accepted(Items=[])),
        (_ACCEPTED, accepted(Items=[{"ProductId": "NO-SUCH-1", "Quantity": 1}])),
        (_ACCEPTED, accepted(Items=[{"ProductId": "AZ-900", "Quantity": 0}])),
        (_ACCEPTED, accepted(Items=[{"ProductId": "AZ-900", "Quantity": -3}])),
        (_ACCEPTED, accepted(Items=[{"Quantity": 1}])),
        (_ACCEPTED, accepted(CustomerId="")),
        (_ACCEPTED, accepted().replace(b'"Value": "', b'"Value": "not-a-guid-')),
        (_PROCESSED, json.dumps({"CorrelationId": {"Value": guid()}, "OrderId": 0}).encode()),
        (_PROCESSED, json.dumps({"CorrelationId": {"Value": str(uuid.UUID(int=0))},
                                 "OrderId": 5}).encode()),
        (_PROCESSED, json.dumps({"OrderId": "five"}).encode()),
    ]


def events(order: Promise) -> list[tuple[str, bytes]]:
    """Both events of an order, as the platform itself publishes them."""
    correlation = {"Value": order.correlation}
    items = [{"ProductId": product, "Quantity": quantity} for product, quantity in order.lines]
    return [(_ACCEPTED, json.dumps({"CorrelationId": correlation, "Order": {
                "CustomerId": order.user, "Items": items}}).encode()),
            (_PROCESSED, json.dumps({"CorrelationId": correlation,
                                     "OrderId": order.order_id}).encode())]


class Meddler(threading.Thread):
    def __init__(self, stage: Stage, crowd: Crowd, seed: int, names: set[str], large: int):
        super().__init__(name="meddler", daemon=True)
        self.stage, self.crowd, self.names = stage, crowd, names
        self.random = random.Random(f"{seed} meddler")
        self._left = poison(self.random, large) if "F22" in names else []
        self._stopping = threading.Event()
        # Fingerprints of what was put in, confirmed by the broker or not yet.
        self.poisoned: list[str] = []
        # When the beginning of an order was put in once more; confirmed ones.
        self.begun_again: list[float] = []
        self.repeats = self.pries = 0

    def run(self) -> None:
        while not self._stopping.is_set():
            self._poison()
            if "F23" in self.names:
                self._repeat()
                self.crowd.pry(self.random)
                self.pries += 1
            time.sleep(EVERY)

    def finish(self) -> None:
        """Puts in the rest of the poison, so that all of it is judged."""
        self._stopping.set()
        self.join()
        deadline = time.monotonic() + 30
        while self._left and time.monotonic() < deadline:
            self._poison()

    def _poison(self) -> None:
        if not self._left:
            return
        queue, body = self._left[0]
        # Noted first: what is not confirmed may be there all the same, and is sent again.
        if fingerprint(queue, body) not in self.poisoned:
            self.poisoned.append(fingerprint(queue, body))
        if self._publish(queue, body):
            self._left.pop(0)

    def _repeat(self) -> None:
        """Only of orders whose users were told. The end of an order that has not ended would be no
        repeat but a lie, and the beginning of one that was lost would bring it back."""
        order = self.crowd.told_order(self.random)
        for queue, body in events(order) if order else []:
            for _ in range(REPEATS):
                began = time.monotonic()
                if self._publish(queue, body):
                    self.repeats += 1
                    if queue == _ACCEPTED:
                        self.begun_again.append(began)

    def _publish(self, queue: str, body: bytes) -> bool:
        try:
            self.stage.publish(queue, body)
            return True
        except Exception:
            return False  # The broker is being broken at the moment.
