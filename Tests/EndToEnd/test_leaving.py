"""Leaving: what clients, load balancers and supervisors see when a process is asked to end."""

import json
import signal
import threading
import time

import pytest

from support.deadline import until
from support.hub_client import HANDSHAKE, HUB, SEPARATOR, HubClient, negotiate
from support.http_wire import PeerClosed, request
from support.metrics import LISTENING, Metrics
from support.shop import Shop, new_user

CLOSE = {"type": 7, "allowReconnect": True}
# Longer than any test runs.
LONG = "300s"


def drain(**settings: str) -> dict[str, str]:
    """`drain(period=…)` as variables."""
    return {f"CONTOSO_DRAIN__{name.upper()}": value for name, value in settings.items()}


def ask_to_stop(server) -> None:
    """Returns when it knows."""
    server.ask_to_stop()
    until("it says that it goes", lambda: "shutting down" in server.log(), 30)


def test_in_the_delay_readiness_is_false_and_clients_are_served_once_each(new_server):
    server = new_server(environment=drain(delay=LONG)).start()
    shop = Shop(server, new_user())
    ask_to_stop(server)

    until("readiness is false",
          lambda: request(server.http, "GET", "/health/ready").status == 503, 30)
    answer = shop.order()
    assert answer.status == 201
    assert answer.header("Connection") == "close"
    answer = negotiate(server, shop.token)
    assert answer.status == 200 and answer.header("Connection") == "close"
    with HubClient(server, shop.user) as tab:
        assert tab.result("Ping") is None

    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 128 + signal.SIGTERM


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_second_signal_in_the_middle_of_a_drain_ends_at_once(new_server, second):
    server = new_server(environment=drain(period=LONG, rate="1")).start()
    tabs = [HubClient(server, new_user()) for _ in range(100)]
    ask_to_stop(server)
    until("the drain has begun", lambda: "drain begins" in server.log(), 30)

    server.process.send_signal(second)

    assert server.wait() == 128 + second
    assert server.events()[-1]["msg"] == "ended by a second signal"
    for tab in tabs:
        tab.close()


def test_hub_connections_are_closed_at_the_pace_and_counted(new_server):
    count, rate = 40, 10
    server = new_server(environment={
        **drain(period="120s", rate=str(rate)), **LISTENING}).start()
    metrics = Metrics(server)
    ended: list[float] = []
    tabs = [HubClient(server, new_user()) for _ in range(count)]
    assert metrics.scrape()["contoso_draining"] == 0
    clients = [threading.Thread(target=lambda tab=tab: wait_for_close(tab, ended)) for tab in tabs]
    for client in clients:
        client.start()

    asked = time.monotonic()
    ask_to_stop(server)
    until("some have gone", lambda: metrics.scrape()["contoso_drain_closed_total"] >= 5, 60)
    seen = metrics.scrape()
    assert seen["contoso_draining"] == 1 and seen["contoso_ready"] == 0
    for client in clients:
        client.join(120)

    assert server.wait(120) == 0
    assert len(ended) == count
    # The first goes at once; the last goes no earlier than its turn.
    assert max(ended) - asked >= 0.9 * (count - 1) / rate
    said = {event["msg"]: event for event in server.events() if event["logger"] == "drain"}
    assert said["drain begins"]["hub_connections"] == count
    assert said["drain begins"]["rate_per_second"] == rate
    assert "draining" in said
    assert said["drain ended"]["hub_closed"] == count and said["drain ended"]["hub_cut"] == 0


def wait_for_close(tab: HubClient, ended: list[float]) -> None:
    if tab.next_record(within=120) != CLOSE:
        return
    ended.append(time.monotonic())
    with pytest.raises(PeerClosed):
        tab.next_record()
    tab.close()


def test_what_does_not_fit_into_the_period_is_told_at_its_end(new_server):
    server = new_server(environment=drain(period="4s", rate="1")).start()
    tabs = [HubClient(server, new_user()) for _ in range(30)]
    ask_to_stop(server)
    for tab in tabs:
        assert tab.next_record(within=60) == CLOSE
        tab.close()
    assert server.wait(60) == 0
    assert any("drain.rate is too low" in line for line in server.complaints())


def test_an_old_connection_is_told_to_reconnect(new_server):
    server = new_server(environment={
        "CONTOSO_HUB__MAX_AGE": "1s", "CONTOSO_HUB__KEEP_ALIVE": "1s", **LISTENING}).start()
    metrics = Metrics(server)
    with HubClient(server, new_user()) as tab:
        assert tab.next_record(within=60) == CLOSE
        with pytest.raises(PeerClosed):
            tab.next_record()
    ended = 'contoso_hub_connections_ended_total{reason="max_age"}'
    until("it was counted", lambda: metrics.scrape()[ended] == 1, 30)


def test_a_client_between_two_polls_fetches_the_goodbye_through_another_pod(make_server, outside):
    settings = {**outside.settings, **drain(period=LONG)}
    leaving, staying = pods = [
        make_server(f"{name}-pod", roles="notification", environment=settings).start()
        for name in ("leaving", "staying")]
    shop = Shop(leaving, new_user())
    token = negotiate(leaving, shop.token).json()["connectionToken"]
    place, fields = f"{HUB}?id={token}", {"Authorization": f"Bearer {shop.token}"}
    assert request(leaving.http, "GET", place, fields).status == 200
    assert request(leaving.http, "POST", place, fields, HANDSHAKE).status == 200
    assert request(leaving.http, "GET", place, fields).body == b"{}" + SEPARATOR

    ask_to_stop(leaving)
    until("the drain has begun", lambda: "drain begins" in leaving.log(), 30)
    until("its turn has come", lambda: '"hub_left":0' in leaving.log(), 30)

    answer = request(staying.http, "GET", place, fields)
    assert answer.status == 200 and json.loads(answer.body[:-1]) == CLOSE, answer
    assert leaving.wait() == 0
    for pod in pods:
        pod.end()
