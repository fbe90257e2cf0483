"""The hubs of several pods, ours and those of the .NET system, speak over one Redis.

    order.processed ──▶ pod A ──▶ its own tabs
                          └──▶ channel of the user ──▶ pod B ──▶ its tabs

N09, and the names and bytes on the wire: channels as SignalR's backplane names them, its MessagePack
envelope with the ready-made record inside.
"""

import json

import msgpack
import pytest

from support.deadline import until
from support.events import new_correlation, processed_event
from support.hub_client import HubClient
from support.outside import PROCESSED as PROCESSED_QUEUE
from support.shop import new_user

pytestmark = pytest.mark.parametrize("backing", ["cluster"], indirect=True)

CHANNEL = "contoso-signalrOrderNotification.Worker.Hubs.OrderStatusHub:user:"


@pytest.fixture(scope="module")
def notifier(make_backed):
    running = make_backed("first-notifier", roles="notification").start()
    yield running
    running.end()


@pytest.fixture
def two_notifiers(notifier, make_server):
    """A second pod beside `notifier`; they share the queues and Redis."""
    second = make_server("second-notifier", roles="notification",
                         environment=notifier.outside.settings).start()
    yield notifier, second
    second.end()


def test_N09_a_tab_on_each_of_two_pods_hears_the_same(two_notifiers):
    first, second = two_notifiers
    outside, correlation, user = first.outside, new_correlation(), new_user()
    with outside.keys() as keys, HubClient(first, user) as one, HubClient(second, user) as two, \
            HubClient(first, new_user()) as other, HubClient(second, new_user()) as another:
        keys.set(f"order:map:{correlation}", user)

        outside.insert_message(PROCESSED_QUEUE, processed_event(correlation, 777))

        assert one.notification(correlation, within=15) == two.notification(correlation, within=15)
        assert one.texts[-1] == two.texts[-1]
        assert other.has_heard() == another.has_heard() == []


def test_a_pod_of_the_reference_can_publish_to_our_clients(notifier):
    record = {"type": 1, "target": "Notification", "arguments": [
        {"correlationId": {"value": new_correlation()}, "status": 2, "orderId": 5}]}
    user = new_user()
    with notifier.outside.keys() as keys, HubClient(notifier, user) as hub:
        channel = CHANNEL + user
        until("the pod listens", lambda: keys.pubsub_numsub(channel)[0][1] == 1)
        # ASP.NET Core's envelope: excluded connections, then the record by protocol.
        envelope = msgpack.packb([[], {"json": json.dumps(record).encode() + b"\x1e"}])

        assert keys.publish(channel, envelope) == 1

        assert hub.notification()["orderId"] == 5


def test_a_pod_of_the_reference_understands_what_ours_publishes(notifier):
    outside, correlation, user = notifier.outside, new_correlation(), new_user()
    raw = outside.keys()
    raw.connection_pool.connection_kwargs["decode_responses"] = False
    with raw as keys, keys.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(CHANNEL + user)
        until("we listen", lambda: keys.pubsub_numsub(CHANNEL + user)[0][1] == 1)
        keys.set(f"order:map:{correlation}", user)

        outside.insert_message(PROCESSED_QUEUE, processed_event(correlation, 31))

        message = until("it is published", lambda: listener.get_message(timeout=0.1), within=15)
        excluded, records = msgpack.unpackb(message["data"])[:2]
        assert excluded == []
        assert message["data"].startswith(b"\x92\x90\x82\xa4json\xc4")
        pushed = {"correlationId": {"value": correlation}, "status": 2, "orderId": 31}
        assert json.loads(records["json"].removesuffix(b"\x1e")) == {
            "type": 1, "target": "Notification", "arguments": [pushed]}
        # A length of one byte in front, as it is below 128.
        assert records["messagepack"][0] == len(records["messagepack"]) - 1
        assert msgpack.unpackb(records["messagepack"][1:]) == [
            1, {}, None, "Notification", [pushed], []]


def test_a_pod_listens_for_a_user_only_while_it_holds_a_connection(notifier):
    user = new_user()
    with notifier.outside.keys() as keys:
        def listeners() -> int:
            return keys.pubsub_numsub(CHANNEL + user)[0][1]
        assert listeners() == 0
        with HubClient(notifier, user) as first:
            first.result("Ping")
            until("the pod listens", lambda: listeners() == 1)
            with HubClient(notifier, user) as second:
                second.result("Ping")
                assert listeners() == 1
        until("the pod does not listen any more", lambda: listeners() == 0, within=10)
