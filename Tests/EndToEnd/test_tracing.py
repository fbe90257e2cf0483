"""Traces as a collector sees them: one order is one trace, from the POST to the push.

    POST /api/orders ─┬─ accept                                   every span but the first names a
                      └─ send order.accepted ── process ─┬─ …     parent that was exported too
                                                         └─ send order.processed ── … ── push
"""

import re
from dataclasses import replace

import pytest

from support.deadline import until
from support.hub_client import HubClient
from support.otlp_sink import OTLPSink
from support.shop import Shop

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5

# Each span with its kind and its parent.
ORDER = {
    "POST /api/orders": (SERVER, None),
    "accept": (CLIENT, "POST /api/orders"),
    "send order.accepted": (PRODUCER, "POST /api/orders"),
    "process order.accepted": (CONSUMER, "send order.accepted"),
    "complete": (CLIENT, "process order.accepted"),
    "send order.processed": (PRODUCER, "process order.accepted"),
    "process order.processed": (CONSUMER, "send order.processed"),
    "SignalR send": (PRODUCER, "process order.processed"),
    "SignalR push": (CONSUMER, "SignalR send"),
}


@pytest.fixture
def sink():
    with OTLPSink() as listening:
        yield listening


def assert_whole(trace, parent_of_first: str = "") -> None:
    """The spans of one order: each once, under the right parent, none under a stranger."""
    assert sorted(span.name for span in trace) == sorted(ORDER)
    by_name = {span.name: span for span in trace}
    for span in trace:
        kind, parent = ORDER[span.name]
        assert span.kind == kind, span
        assert span.parent == (by_name[parent].id if parent else parent_of_first), span
        assert span.error is None, span
        assert 0 < span.start <= span.end, span


def whole_traces(sink: OTLPSink, count: int):
    """All traces, once there are so many with as many spans as an order has."""
    def found():
        complete = [trace for trace in sink.traces().values() if len(trace) >= len(ORDER)]
        return complete if len(complete) >= count else None
    return until(f"{count} orders are whole traces", found, 20.0)


def last_push(hub: HubClient) -> dict:
    return [record for record in hub.inbox if record.get("target") == "Notification"][-1]


def test_an_order_is_one_trace_from_the_post_to_the_push(new_server, sink):
    server = new_server(environment=sink.environment).start()
    shop = Shop(server)
    with HubClient(server, shop.user) as hub:
        order = shop.ordered()
        hub.notification(order["correlationId"])
        [trace] = whole_traces(sink, 1)
        record = last_push(hub)

    assert_whole(trace)
    assert {span.service for span in trace} == {"contoso-orders"}
    for span in trace:
        assert span.attributes["correlation_id"] == order["correlationId"], span
    by_name = {span.name: span for span in trace}
    # The browser is told too, so that its own spans could go on from there.
    send = by_name["SignalR send"]
    assert record["headers"] == {"traceparent": f"00-{send.trace}-{send.id}-01",
                                 "x-correlation-id": order["correlationId"]}
    post = by_name["POST /api/orders"].attributes
    assert post["http.request.method"] == "POST"
    assert post["http.route"] == "/api/orders"
    assert post["http.response.status_code"] == 201
    assert by_name["accept"].attributes["db.system.name"] == "sqlite"


def test_an_order_is_one_trace_over_three_services(new_cluster, sink):
    cluster = new_cluster(accept=1, process=1, notification=2, environment=sink.environment,
                          web=False).start()
    shop = Shop(cluster)
    with HubClient(cluster, shop.user) as hub:
        orders = [shop.ordered() for _ in range(4)]
        for order in orders:
            hub.notification(order["correlationId"])
        traces = whole_traces(sink, len(orders))

    services = {"POST /api/orders": "order-accept", "accept": "order-accept",
                "process order.accepted": "order-process",
                "complete": "order-process",
                "process order.processed": "order-notification",
                "SignalR send": "order-notification", "SignalR push": "order-notification"}
    for trace in traces:
        # The cluster's queues have a prefix of their own.
        trace = [replace(span, name=re.sub(r" t\d+\.", " ", span.name)) for span in trace]
        assert_whole(trace)
        found = {span.name: span.service for span in trace}
        # The pods share one outbox, and whichever relay is first sends the row.
        for name in ("send order.accepted", "send order.processed"):
            assert found.pop(name) in ("order-accept", "order-process")
        assert found == services
        by_name = {span.name: span.attributes for span in trace}
        assert by_name["accept"]["db.system.name"] == "postgresql"
        assert by_name["send order.accepted"]["messaging.system"] == "rabbitmq"


def test_the_trace_of_the_caller_goes_on(new_server, sink):
    server = new_server(environment=sink.environment).start()
    shop = Shop(server)
    trace_id, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    with HubClient(server, shop.user) as hub:
        hub.notification(shop.ordered(traceparent=f"00-{trace_id}-{caller}-01")["correlationId"])
        [trace] = whole_traces(sink, 1)

    assert trace[0].trace == trace_id
    assert_whole(trace, parent_of_first=caller)


def test_what_the_caller_does_not_record_is_not_recorded(new_server, sink):
    server = new_server(environment=sink.environment).start()
    shop = Shop(server)
    unrecorded = "00-11111111111111111111111111111111-2222222222222222-00"
    with HubClient(server, shop.user) as hub:
        hub.notification(shop.ordered(traceparent=unrecorded)["correlationId"])
        assert "headers" not in last_push(hub)
        hub.notification(shop.ordered()["correlationId"])
        [trace] = whole_traces(sink, 1)

    assert_whole(trace)
    assert set(sink.traces()) == {trace[0].trace}


def test_orders_at_the_same_time_keep_their_traces_apart(new_server, sink):
    server = new_server(environment=sink.environment).start()
    shop = Shop(server)
    with HubClient(server, shop.user) as hub:
        orders = [shop.ordered() for _ in range(20)]
        for order in orders:
            hub.notification(order["correlationId"])
        traces = whole_traces(sink, len(orders))

    for trace in traces:
        assert_whole(trace)
        assert len({span.attributes["correlation_id"] for span in trace}) == 1
    assert len(traces) == len(orders)


def test_what_waits_is_sent_before_the_process_ends(new_server, sink):
    late = {**sink.environment, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    server = new_server(environment=late).start()
    shop = Shop(server)
    with HubClient(server, shop.user) as hub:
        hub.notification(shop.ordered()["correlationId"])
    assert sink.spans == []

    assert server.stop() == 0

    [trace] = whole_traces(sink, 1)
    assert_whole(trace)


def test_a_collector_that_is_away_delays_nothing(new_server, sink):
    environment = sink.environment
    sink.close()
    server = new_server(environment=environment).start()
    shop = Shop(server)
    with HubClient(server, shop.user) as hub:
        hub.notification(shop.ordered()["correlationId"])
    until("the log tells of it", lambda: "collector away" in server.log())
    assert server.stop() == 0


@pytest.mark.parametrize("variable, value, hint", [
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "http://HOST:4318"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "nonsense", "NAME=VALUE"),
])
def test_a_setting_that_cannot_work_ends_the_start(new_server, variable, value, hint):
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", variable: value}
    server = new_server(environment=environment)
    server.spawn()

    assert server.wait() == 78
    assert f"{variable}: " in server.log()
    assert hint in server.log()
