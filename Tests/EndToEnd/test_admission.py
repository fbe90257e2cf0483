"""Who is turned away, and how they are told: by count, by rate, and because the loops are late.

Those who are inside already, and whoever watches over the process, must not notice.
"""

import socket
import time

import pytest

from support.deadline import until
from support.http_wire import PeerClosed, Wire, request
from support.hub_client import HubClient, negotiate
from support.metrics import LISTENING, Metrics
from support.shop import Shop, new_user
from support.tokens import token_for
from support.websocket_wire import Refused

# Several times what the claims need on a quiet machine.
LONG = 60.0


@pytest.fixture
def limited(make_server):
    """Starts servers with limits, named as their flags are."""
    servers = []

    def start(name: str, sabotage: str = "", threads: int = 1, **limits: str):
        settings = {f"CONTOSO_LIMITS__{key.upper()}": value for key, value in limits.items()}
        if sabotage:
            settings["SABOTAGE"] = sabotage
        server = make_server(name, threads=threads, environment={**LISTENING, **settings}).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.end()


def post_order(server, user: str):
    return Shop(server, user).order()


def assert_told_to_wait(response, status: int):
    assert response.status == status, response
    assert int(response.header("Retry-After")) >= 1
    assert response.header("Content-Type") == "application/problem+json"
    assert response.json()["status"] == status


# Counts


def test_a_full_loop_tells_newcomers_and_serves_the_others(limited):
    server = limited("full-loop", connections="16")
    inside = [Wire(server.http) for _ in range(16)]
    for wire in inside:
        assert wire.request("GET", "/health/live").status == 200

    with Wire(server.http) as newcomer:
        refused = newcomer.request("GET", "/api/products")
    assert refused.status == 503
    assert refused.header("Retry-After") == "5"
    with pytest.raises((OSError, PeerClosed)):
        Wire(server.https, tls=True).request("GET", "/health/live")
    for wire in inside:
        assert wire.request("GET", "/health/live").status == 200

    assert Metrics(server).scrape()['contoso_connections_refused_total{reason="loop_full"}'] == 2
    for wire in inside:
        wire.close()
    until("there is room again", lambda: try_request(server), LONG)


def try_request(server) -> bool:
    try:
        return request(server.http, "GET", "/api/products", {}).status != 503
    except (OSError, PeerClosed):
        return False


@pytest.mark.parametrize("limit, reason", [
    ("process_connections", "process_full"), ("address_connections", "address_full")])
def test_the_process_and_an_address_have_so_many_connections(limited, limit, reason):
    server = limited(f"full-{limit}", threads=2, **{limit: "4"})
    inside = [Wire(server.http) for _ in range(4)]
    for wire in inside:
        assert wire.request("GET", "/health/live").status == 200

    with Wire(server.http) as newcomer:
        refused = newcomer.request("GET", "/api/products")

    assert refused.status == 503
    assert refused.header("Retry-After") == "5"
    name = f'contoso_connections_refused_total{{reason="{reason}"}}'
    assert Metrics(server).scrape()[name] == 1
    for wire in inside:
        wire.close()
    until("there is room again", lambda: try_request(server), LONG)


def test_a_user_has_so_many_hub_connections(limited):
    server = limited("user-connections", user_connections="2", threads=2)
    ann, bob = new_user(), new_user()
    first, second = HubClient(server, ann), HubClient(server, ann)

    with pytest.raises(Refused) as refused:
        HubClient(server, ann)

    assert_told_to_wait(refused.value.response, 429)
    with HubClient(server, bob) as tab:
        tab.result("Ping")
    first.result("Ping")
    second.close()
    until("one more may come", lambda: may_connect(server, ann), LONG)
    first.close()
    limits = Metrics(server).scrape()
    assert limits['contoso_hub_limit_hits_total{limit="user_connections"}'] >= 1


def may_connect(server, user: str) -> bool:
    try:
        HubClient(server, user).close()
        return True
    except Refused:
        return False


# Rates


def test_a_user_negotiates_no_faster_than_its_rate(limited):
    server = limited("connect-rate", connect_rate="1/m:3", threads=2)
    ann, bob = token_for(new_user()), token_for(new_user())
    for _ in range(3):
        assert negotiate(server, ann).status == 200

    assert_told_to_wait(negotiate(server, ann), 429)
    assert negotiate(server, bob).status == 200


def test_a_user_orders_no_faster_than_its_rate_and_nothing_is_taken_beyond(limited):
    server = limited("order-rate", order_rate="1/m:3", threads=2)
    ann, bob = new_user(), new_user()
    for _ in range(3):
        assert post_order(server, ann).status == 201

    assert_told_to_wait(post_order(server, ann), 429)

    assert post_order(server, bob).status == 201
    assert Shop(server, ann).orders()["total"] == 3
    counted = Metrics(server).scrape()
    assert counted['contoso_requests_turned_away_total{reason="user_rate"}'] == 1


def test_an_address_asks_no_faster_than_its_rate_and_health_is_not_counted(limited):
    server = limited("address-rate", address_request_rate="1/m:5", threads=2)
    for _ in range(5):
        assert request(server.http, "GET", "/nowhere", {}).status == 404

    assert_told_to_wait(request(server.http, "GET", "/nowhere", {}), 429)
    for path in ("/health/live", "/health/ready"):
        assert request(server.http, "GET", path, {}).status == 200


def test_an_address_that_connects_too_fast_is_told_so(limited):
    server = limited("address-accept-rate", address_accept_rate="1/m:5", threads=2)
    for _ in range(5):
        assert request(server.http, "GET", "/health/live", {}).status == 200

    refused = request(server.http, "GET", "/health/live", {})

    assert refused.status == 503
    assert refused.header("Retry-After") == "5"


def test_a_client_that_floods_is_slowed_and_loses_nothing(limited):
    server = limited("message-rate", message_rate="20/s:5")
    with HubClient(server, new_user()) as tab:
        start = time.monotonic()
        for _ in range(25):
            tab.send_record({"type": 1, "invocationId": "x", "target": "Ping", "arguments": []})
        for _ in range(25):
            assert tab.next_record()["type"] == 3
        # 20 of 25 waited for a token of 50 ms each.
        assert time.monotonic() - start >= 0.95
    limits = Metrics(server).scrape()
    assert limits['contoso_hub_limit_hits_total{limit="message_rate"}'] >= 1


# Lateness


def test_late_loops_shed_orders_and_serve_the_rest(limited):
    # They stop for half a second again and again.
    server = limited("late-loops", sabotage="late-loops", lag_posts="250ms")
    user = new_user()
    with HubClient(server, user) as tab:
        shed = until("an order is shed", lambda: shed_order(server, user), LONG)

        assert_told_to_wait(shed, 503)
        tab.result("Ping")
        assert request(server.http, "GET", "/health/live", {}).status == 200
        assert request(server.http, "GET", "/health/ready", {}).status == 200
        assert request(server.http, "GET", "/nowhere", {}).status == 404
        assert negotiate(server, token_for(user)).status == 200
    counted = Metrics(server).scrape()
    assert counted['contoso_requests_turned_away_total{reason="lag"}'] >= 1
    assert counted['contoso_loop_lag_seconds{loop="0"}'] > 0.125
    assert counted["contoso_orders_accepted_total"] == Shop(server, user).orders()["total"]


def shed_order(server, user: str):
    response = post_order(server, user)
    return response if response.status == 503 else None


def test_late_loops_let_newcomers_wait_and_serve_those_inside(limited):
    server = limited("very-late-loops", sabotage="late-loops", lag_connections="200ms")
    with HubClient(server, new_user()) as tab:
        metrics = Metrics(server)
        until("the listeners rest",
              lambda: metrics.scrape()['contoso_accept_pauses_total{reason="lag"}'] > 0, LONG)
        accepted = metrics.scrape()['contoso_connections_accepted_total{loop="0"}']

        # The kernel takes it; the loop does not.
        with socket.create_connection(server.http, timeout=LONG) as newcomer:
            newcomer.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            newcomer.settimeout(3.0)
            with pytest.raises(TimeoutError):
                newcomer.recv(1)

        for _ in range(3):
            tab.result("Ping")
        assert metrics.scrape()['contoso_connections_accepted_total{loop="0"}'] == accepted
