"""P01-P07, and what N01-N10 and A18 say about keys and messages, on the real engines.

    outside client ──▶ order.accepted ──▶ worker ──▶ rows, order:status, order.processed
    outside client ──▶ order.processed ──▶ hub ──▶ Notification

The .NET system's pods are on both sides of these wires, so messages and keys are written and read
with other clients than ours. Where the reference invents a product for an unknown id, ours puts the
message aside (P01, P03).
Source: the .NET system's listeners, publishers and Redis stores, and the numbers of its test cases.
"""

import json
import threading

import pika
import pytest

from support.database import STATUSES
from support.deadline import until
from support.events import accepted_event, new_correlation, processed_event
from support.hub_client import ACCEPTED, COMPLETED, PROCESSING, HubClient
from support.outside import ACCEPTED as ACCEPTED_QUEUE
from support.outside import PROCESSED as PROCESSED_QUEUE
from support.outside import Outside
from support.shop import Shop, new_user

pytestmark = pytest.mark.parametrize("backing", ["cluster"], indirect=True)

TTL = 30 * 60


def events_of(outside: Outside, correlation: str) -> list[dict]:
    return [event for event in outside.messages(PROCESSED_QUEUE)
            if event["CorrelationId"]["Value"] == correlation]


@pytest.fixture(scope="module")
def worker(make_backed):
    """Works on orders; nobody takes its events."""
    running = make_backed("worker", roles="accept,process").start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def notifier(make_backed):
    running = make_backed("notifier", roles="notification").start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def intake(make_backed):
    """Accepts orders that nobody works on."""
    running = make_backed("intake", roles="accept").start()
    yield running
    running.end()


def all_gone(outside: Outside, queue: str) -> None:
    until(f"{queue} is empty", lambda: outside.queue_depth(queue) == 0, within=15)


# order-process


def test_P01_an_order_of_another_producer_becomes_one_of_everything(worker):
    outside, correlation, user = worker.outside, new_correlation(), new_user("foreign")

    outside.insert_message(ACCEPTED_QUEUE, accepted_event(correlation, user))

    until("the event is there", lambda: len(events_of(outside, correlation)) == 1, within=15)
    assert outside.count("Customer", '"ExternalCustomerId" = ?', user) == 1
    order = outside.order(correlation)
    assert (order["user"], STATUSES[order["status"]]) == (user, "COMPLETED")
    assert order["lines"] == [("AZ-900", 1), ("AZ-104", 3)]
    assert events_of(outside, correlation) == [processed_event(correlation, order["id"])]


def test_P01_an_order_of_unknown_products_is_put_aside_and_invents_none(worker):
    outside, user = worker.outside, new_user("foreign")
    products, aside = outside.count("Product"), outside.dead_letters()

    outside.insert_message(ACCEPTED_QUEUE, accepted_event(
        new_correlation(), user, [{"productId": "NO-SUCH", "quantity": 1}]))

    until("it is put aside", lambda: outside.dead_letters() == aside + 1, within=15)
    assert outside.count("Product") == products
    assert outside.count("Customer", '"ExternalCustomerId" = ?', user) == 0


def test_P02_the_same_message_twice_makes_one_order_and_two_events(worker):
    outside, correlation, user = worker.outside, new_correlation(), new_user("foreign")

    for _ in range(2):
        outside.insert_message(ACCEPTED_QUEUE, accepted_event(correlation, user))

    until("both events are there", lambda: len(events_of(outside, correlation)) == 2, within=15)
    order = outside.order(correlation)
    assert len(order["lines"]) == 2
    assert outside.count("Customer", '"ExternalCustomerId" = ?', user) == 1
    assert events_of(outside, correlation) == [processed_event(correlation, order["id"])] * 2


def test_P03_a_product_id_that_fits_no_column_leaves_nothing_behind(worker):
    outside, correlation, user = worker.outside, new_correlation(), new_user("foreign")
    aside = outside.dead_letters()

    outside.insert_message(ACCEPTED_QUEUE, accepted_event(
        correlation, user, [{"productId": "x" * 100, "quantity": 1}]))

    until("it is put aside", lambda: outside.dead_letters() == aside + 1, within=15)
    assert outside.count("Customer", '"ExternalCustomerId" = ?', user) == 0
    assert outside.count("Order", '"CorrelationId" = ?', correlation) == 0
    assert events_of(outside, correlation) == []


def test_P04_the_published_event_has_the_body_the_header_and_the_properties(worker):
    outside, correlation = worker.outside, new_correlation()

    outside.insert_message(ACCEPTED_QUEUE, accepted_event(correlation, new_user("foreign")))
    until("the event is there", lambda: events_of(outside, correlation), within=15)

    properties, body = next(
        delivery for delivery in outside.deliveries(PROCESSED_QUEUE)
        if json.loads(delivery[1])["CorrelationId"]["Value"] == correlation)
    assert json.loads(body) == processed_event(correlation, outside.order(correlation)["id"])
    assert properties.headers["x-correlation-id"] == correlation
    assert properties.headers["baggage"] == f"correlation_id={correlation}"
    assert "x-retry-count" not in properties.headers
    assert properties.content_type == "application/json"
    assert properties.delivery_mode == pika.DeliveryMode.Persistent.value


def test_P05_every_spelling_of_the_event_is_understood_and_the_queue_ends_empty(worker):
    outside = worker.outside
    spellings = {
        "pascal": lambda cid, user: {
            "CorrelationId": {"Value": cid},
            "Order": {"CustomerId": user, "Items": [{"ProductId": "AZ-204", "Quantity": 7}]}},
        "camel": lambda cid, user: accepted_event(
            cid, user, [{"productId": "AZ-204", "quantity": 7}]),
        "flat": lambda cid, user: {
            "correlationId": {"value": cid}, "orderId": 99, "externalCustomerId": user,
            "items": [{"productId": "AZ-204", "quantity": 7}]}}
    sent = {name: (new_correlation(), new_user("foreign")) for name in spellings}

    for name, body in spellings.items():
        outside.insert_message(ACCEPTED_QUEUE, body(*sent[name]))

    for name, (correlation, user) in sent.items():
        until(f"{name} is worked on", lambda: events_of(outside, correlation), within=15)
        order = outside.order(correlation)
        assert (order["user"], order["lines"]) == (user, [("AZ-204", 7)]), name
    all_gone(outside, ACCEPTED_QUEUE)


def test_P06_a_bad_payload_is_put_aside_and_the_queue_ends_empty(worker):
    outside = worker.outside
    aside, orders = outside.dead_letters(), outside.count("Order")

    outside.insert_message(ACCEPTED_QUEUE, {"bad": "payload"})

    until("it is put aside", lambda: outside.dead_letters() == aside + 1, within=15)
    all_gone(outside, ACCEPTED_QUEUE)
    assert outside.count("Order") == orders
    assert {"bad": "payload"} in outside.messages(f"{ACCEPTED_QUEUE}.dlq")


def test_P07_the_status_in_redis_goes_from_processing_to_completed_and_expires(worker):
    outside = worker.outside
    with outside.keys() as keys, keys.monitor() as monitor:
        seen: list[str] = []
        def watch():
            for command in monitor.listen():
                seen.append(command["command"])
                if "COMPLETED|" in command["command"]:
                    return
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        order = Shop(worker).ordered()
        watcher.join(15)
        assert not watcher.is_alive(), seen

    status = f"order:status:{order['correlationId']}"
    words = [word for command in seen if status in command
             for word in ("ACCEPTED", "PROCESSING", "COMPLETED") if word in command]
    assert words.index("PROCESSING") < words.index("COMPLETED"), seen
    with outside.keys() as keys:
        until("the completion is kept", lambda: keys.get(status) == f"COMPLETED|{order['id']}")
        assert 0 < keys.ttl(status) <= TTL
        assert 0 < keys.ttl(f"order:map:{order['correlationId']}") <= TTL


# order-accept


def test_A18_an_accepted_order_has_its_keys_and_a_message_of_the_exact_form(intake):
    outside, shop = intake.outside, Shop(intake)
    order = shop.ordered(("AZ-700", 2))
    correlation = order["correlationId"]

    def delivery():
        return [found for found in outside.deliveries(ACCEPTED_QUEUE)
                if json.loads(found[1])["CorrelationId"]["Value"] == correlation]
    until("the message is there", delivery, within=2)

    (properties, body), = delivery()
    assert json.loads(body) == {
        "CorrelationId": {"Value": correlation},
        "Order": {"CustomerId": shop.user, "Items": [{"ProductId": "AZ-700", "Quantity": 2}]}}
    assert properties.headers["x-correlation-id"] == correlation
    assert properties.content_type == "application/json"
    assert properties.delivery_mode == pika.DeliveryMode.Persistent.value
    assert properties.priority is None and properties.expiration is None
    with outside.keys() as keys:
        assert keys.get(f"order:status:{correlation}") == "ACCEPTED"
        assert keys.get(f"order:map:{correlation}") == shop.user
        for name in ("status", "map"):
            assert 0 < keys.ttl(f"order:{name}:{correlation}") <= TTL


def test_the_queues_are_declared_as_the_reference_declares_them(intake, worker):
    """Other arguments would make its declarations fail with 406."""
    for outside, queue in ((intake.outside, ACCEPTED_QUEUE), (worker.outside, ACCEPTED_QUEUE),
                           (worker.outside, PROCESSED_QUEUE)):
        Shop(intake).ordered(), Shop(worker).ordered()
        with outside.channel() as channel:
            channel.queue_declare(outside.real_name(queue), durable=True, exclusive=False,
                                  auto_delete=False)


# order-notification


def test_N01_a_mapping_in_redis_alone_is_enough_to_notify(notifier):
    outside, correlation, user = notifier.outside, new_correlation(), new_user()
    with outside.keys() as keys, HubClient(notifier, user) as hub:
        keys.set(f"order:map:{correlation}", user, ex=TTL)

        outside.insert_message(PROCESSED_QUEUE, processed_event(correlation, 9876))

        assert hub.notification(within=15) == {
            "correlationId": {"value": correlation}, "status": COMPLETED, "orderId": 9876}


def test_N02_an_event_nobody_owns_is_tried_again_and_then_put_aside(make_backed):
    running = make_backed("ownerless", roles="notification",
                          environment={"CONTOSO_QUEUE__RETRIES": "1"}).start()
    outside, event = running.outside, processed_event(new_correlation(), 1)

    outside.insert_message(PROCESSED_QUEUE, event)

    until("it is put aside", lambda: outside.queue_depth(f"{PROCESSED_QUEUE}.dlq") == 1, within=20)
    (properties, body), = outside.deliveries(f"{PROCESSED_QUEUE}.dlq")
    assert json.loads(body) == event
    assert properties.headers["x-retry-count"] == 1
    all_gone(outside, PROCESSED_QUEUE)
    running.end()


def test_N03_an_event_of_the_reference_reaches_the_owner(notifier):
    outside, correlation, user = notifier.outside, new_correlation(), new_user()
    with outside.keys() as keys, HubClient(notifier, user) as hub:
        keys.set(f"order:map:{correlation}", user)

        outside.insert_message(PROCESSED_QUEUE, processed_event(correlation, 4242))

        assert hub.notification(correlation, within=15)["orderId"] == 4242
    all_gone(outside, PROCESSED_QUEUE)


def test_N04_a_bad_payload_is_put_aside_and_nobody_hears_of_it(notifier):
    outside = notifier.outside
    aside = outside.queue_depth(f"{PROCESSED_QUEUE}.dlq")
    with HubClient(notifier, new_user()) as hub:
        outside.insert_message(PROCESSED_QUEUE, {"bad": "payload"})

        until("it is put aside",
              lambda: outside.queue_depth(f"{PROCESSED_QUEUE}.dlq") == aside + 1, within=15)
        assert hub.has_heard() == []


def test_N05_N10_registering_an_own_order_writes_its_owner(notifier):
    outside, correlation, user = notifier.outside, new_correlation(), new_user()
    with outside.keys() as keys, HubClient(notifier, user) as hub:
        hub.result("RegisterOrder", correlation)

        assert keys.get(f"order:map:{correlation}") == user
        assert 0 < keys.ttl(f"order:map:{correlation}") <= TTL
        with HubClient(notifier, new_user("thief")) as thief:
            thief.result("RegisterOrder", correlation)
        assert keys.get(f"order:map:{correlation}") == user


def test_N06_the_key_of_an_earlier_version_is_read_and_copied(notifier):
    outside, correlation, user = notifier.outside, new_correlation(), new_user()
    with outside.keys() as keys, HubClient(notifier, user) as hub:
        keys.set(f"ws:session:{correlation}", user)

        outside.insert_message(PROCESSED_QUEUE, processed_event(correlation, 777))

        assert hub.notification(correlation, within=15)["orderId"] == 777
        assert keys.get(f"order:map:{correlation}") == user
        assert 0 < keys.ttl(f"order:map:{correlation}") <= TTL


@pytest.mark.parametrize("word, status, order_id", [
    ("COMPLETED|12345", COMPLETED, 12345), ("ACCEPTED", ACCEPTED, None),
    ("PROCESSING", PROCESSING, None), ("COMPLETED", COMPLETED, None)])
def test_N07_N08_the_word_in_redis_is_the_status(notifier, word, status, order_id):
    outside, correlation, user = notifier.outside, new_correlation(), new_user()
    with outside.keys() as keys, HubClient(notifier, user) as hub:
        keys.set(f"order:map:{correlation}", user)
        keys.set(f"order:status:{correlation}", word)

        assert hub.result("GetCurrentStatus", correlation) == {
            "status": status, "orderId": order_id}
