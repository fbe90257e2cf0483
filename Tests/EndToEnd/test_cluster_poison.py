"""Messages that nobody can work on: all of them end in the dead letters, and only they.

    good orders ──┐
    poison ───────┴─▶ order.accepted, order.processed ──▶ good: completed and told
                                                     └──▶ poison: <queue>.dlq, byte for byte
"""

import json
import uuid
from decimal import Decimal

import pika
import pytest

from support.deadline import Deadline, until
from support.hub_client import HubClient
from support.outside import ACCEPTED, PROCESSED
from support.shop import Shop

NIL = "00000000-0000-0000-0000-000000000000"


def accepted(user="someone", items=None, correlation=None) -> bytes:
    items = [{"ProductId": "AZ-900", "Quantity": 1}] if items is None else items
    return json.dumps({"CorrelationId": {"Value": correlation or str(uuid.uuid4())},
                       "Order": {"CustomerId": user, "Items": items}}).encode()


def processed(correlation, order_id) -> bytes:
    return json.dumps({"CorrelationId": {"Value": correlation}, "OrderId": order_id}).encode()


POISON = {
    "empty": (ACCEPTED, b""),
    "no JSON": (ACCEPTED, b"<order/>"),
    "half of a JSON": (ACCEPTED, accepted()[:-5]),
    "another type": (ACCEPTED, b"[1, 2, 3]"),
    "bytes that are no text": (ACCEPTED, accepted().replace(b"someone", b"some\xff\xfe")),
    "nested without end": (ACCEPTED, b"[" * 100_000),
    "no correlation": (ACCEPTED, b'{"Order":{"CustomerId":"u","Items":[]}}'),
    "the nil correlation": (ACCEPTED, accepted(correlation=NIL)),
    "no customer": (ACCEPTED, accepted(user=" ")),
    "a customer longer than its column": (ACCEPTED, accepted(user="u" * 65)),
    "no items": (ACCEPTED, accepted(items=[])),
    "a quantity of zero": (ACCEPTED, accepted(items=[{"ProductId": "AZ-900", "Quantity": 0}])),
    "a quantity beyond all integers": (ACCEPTED, accepted(
        items=[{"ProductId": "AZ-900", "Quantity": 10 ** 30}])),
    "a product that is not sold": (ACCEPTED, accepted(
        items=[{"ProductId": "NO-SUCH", "Quantity": 1}])),
    "a message of a mebibyte": (ACCEPTED, b"x" * (1 << 20)),
    "an event with nothing known": (PROCESSED, b'{"bad":"payload"}'),
    "an event of no order": (PROCESSED, processed(str(uuid.uuid4()), 0)),
    "an event of no correlation": (PROCESSED, processed(NIL, 5)),
    "an event that is text": (PROCESSED, b"order 5 is ready"),
}
ODD_PROPERTIES = [
    pika.BasicProperties(),
    pika.BasicProperties(content_type="text/plain", headers={"x-retry-count": "many"}),
    pika.BasicProperties(headers={"x-retry-count": -1, "traceparent": "nonsense",
                                  "nested": {"a": [1, Decimal("2.5"), None, True]}}),
]


@pytest.fixture
def cluster(new_cluster):
    return new_cluster(accept=1, process=2, notification=2).start()


def test_cluster_puts_exactly_the_poison_aside_and_does_all_other_work(cluster, outside):
    shop = Shop(cluster)
    with HubClient(cluster, shop.user, tls=True) as hub:
        orders = []
        for number, (queue, body) in enumerate(POISON.values()):
            orders.append(shop.ordered())
            outside.insert_message(queue, body, ODD_PROPERTIES[number % len(ODD_PROPERTIES)])
        deadline = Deadline(60)
        for order in orders:
            hub.notification(order["correlationId"], within=deadline.left())
        until("all poison is put aside", lambda: outside.dead_letters() == len(POISON), within=60)
        until("all other work is done", outside.is_quiet, within=15)

    for queue in (ACCEPTED, PROCESSED):
        expected = sorted(body for kind, body in POISON.values() if kind == queue)
        assert sorted(body for _, body in outside.deliveries(f"{queue}.dlq")) == expected
    mine = [row for row in outside.orders() if row["user"] == shop.user]
    assert sorted(row["id"] for row in mine) == sorted(order["id"] for order in orders)
    seeded = [row for row in outside.orders() if row["user"].startswith("CUST-")]
    assert len(outside.orders()) == len(mine) + len(seeded), "poison made an order"
