"""GET /metrics: who can see it, what form it has, and that an order changes what it should and
nothing else.

Each runs twice: on the embedded engines, and on PostgreSQL, RabbitMQ and Redis.
"""

import pytest

from support.http_wire import request
from support.hub_client import COMPLETED, HubClient
from support.metrics import LISTENING, Metrics
from support.shop import Shop, new_user

pytestmark = pytest.mark.parametrize("backing", ["embedded", "cluster"], indirect=True)

# They move by themselves: time passes, loops turn, connections keep alive.
MOVING = ("process_", "contoso_loop_ticks", "contoso_received_bytes", "contoso_sent_bytes",
          "contoso_stale_events", "contoso_loop_lag")


@pytest.fixture(scope="module")
def server(make_backed):
    running = make_backed("metrics", environment=LISTENING).start()
    yield running
    running.end()


@pytest.fixture
def metrics(server):
    return Metrics(server)


def test_one_order_changes_what_it_should_and_nothing_else(server, metrics, backing):
    shop = Shop(server, new_user())
    with HubClient(server, shop.user) as tab:
        tab.result("Ping")
        before = metrics.scrape()

        order = shop.ordered()
        assert tab.notification(order["correlationId"])["status"] == COMPLETED

        expected = {
            "contoso_connections_accepted_total": 1,
            "contoso_http_requests_total": 1,
            'contoso_http_responses_total{class="2xx"}': 1,
            "contoso_orders_accepted_total": 1,
            "contoso_order_commits_total": 1,
            # order.accepted and order.processed.
            "contoso_events_published_total": 2,
            "contoso_orders_processed_total": 1,
            "contoso_notifications_sent_total": 1,
            "contoso_hub_messages_total": 1,
            "contoso_hub_deliveries_total": 1,
        }
        if backing == "cluster":
            # To the user's channel, where this pod listens itself.
            expected |= {"contoso_backplane_published_total": 1,
                         "contoso_backplane_received_total": 1,
                         "contoso_backplane_echoes_dropped_total": 1}
        metrics.until_changed(before, expected, *MOVING)


def test_a_repeated_order_is_counted_as_repeated(server, metrics):
    shop = Shop(server)
    shop.ordered(Idempotency_Key="metrics-1")
    before = metrics.scrape()

    assert shop.order(Idempotency_Key="metrics-1").status == 201

    changes = metrics.changes_since(before, *MOVING)
    assert changes["contoso_orders_repeated_total"] == 1
    assert "contoso_orders_accepted_total" not in changes


def test_a_tab_is_counted_while_it_is_open_and_once_it_is_gone(server, metrics):
    before = metrics.scrape()

    with HubClient(server, new_user()) as tab:
        tab.result("Ping")
        open_now = metrics.changes_since(before, *MOVING)

    assert open_now['signalr_server_active_connections{signalr_transport="web_sockets"}'] == 1
    assert open_now["contoso_hub_connections_opened_total"] == 1
    assert open_now["contoso_connections"] == 1
    assert open_now["contoso_http_upgrades_total"] == 1
    metrics.until_changed(before, {
        "contoso_connections_accepted_total": 1,
        "contoso_http_requests_total": 1,
        'contoso_http_responses_total{class="1xx"}': 1,
        "contoso_http_upgrades_total": 1,
        "contoso_hub_connections_opened_total": 1,
        # It did not say goodbye.
        'contoso_hub_connections_ended_total{reason="connection_lost"}': 1,
    }, *MOVING)


def test_a_request_that_breaks_the_rules_is_counted_by_its_reason(server, metrics):
    before = metrics.scrape()

    assert request(server.http, "GET", "/" + "a" * 9000).status == 414

    changes = metrics.changes_since(before, *MOVING)
    assert changes['contoso_http_refusals_total{reason="requestLineTooLong"}'] == 1
    assert changes['contoso_http_responses_total{class="4xx"}'] == 1


def test_the_server_says_what_it_is_and_what_it_depends_on(metrics, backing):
    values = metrics.scrape()

    assert values["contoso_ready"] == 1
    assert values["process_resident_memory_bytes"] > 1 << 20
    assert 0 < values["process_open_fds"] < values["process_max_fds"]
    assert values["contoso_scrape_loops"] == 2
    assert values["contoso_outbox_events"] == 0
    dead_letters = [value for key, value in values.items() if key.endswith('.dlq"}')]
    assert dead_letters == [0, 0]
    dependencies = {key for key in values if key.startswith("contoso_dependency_up")}
    # The embedded database depends on nobody but its disk.
    names = {"embedded": {"disk"},
             "cluster": {"postgres", "rabbitmq", "backplane-publish", "backplane-subscribe"}}[backing]
    assert dependencies == {f'contoso_dependency_up{{dependency="{name}"}}' for name in names}
    assert all(values[key] == 1 for key in dependencies)


def test_OpenMetrics_is_answered_to_a_scraper_that_asks_for_it(metrics):
    response = metrics.get(Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.1")

    assert response.header("Content-Type").startswith("application/openmetrics-text; version=1.0.0")
    assert response.body.endswith(b"# EOF\n")
    assert b"\n# TYPE contoso_sent_bytes counter\n# UNIT contoso_sent_bytes bytes\n" in response.body


def test_they_are_served_on_their_own_address_only(server, metrics):
    assert request(server.http, "GET", "/metrics").status == 404
    assert metrics.get("/health/live").status == 404
    assert metrics.get("/api/products").status == 404
    assert metrics.get(method="POST").status == 405


def test_without_the_setting_there_is_no_address(make_backed):
    running = make_backed("no-metrics").start()
    try:
        assert not [event for event in running.events() if event["msg"] == "metrics served"]
    finally:
        running.end()
