"""X25 to X50: what ends by itself, and when; on servers with times of one and two seconds.

    attached ──▶ inactive ──(disconnect timeout)──▶ gone       expired, shut down, not read
"""

import socket

import pytest
from hub.client import HubClient, negotiate
from hub.transports import Endpoint, WebSockets, is_reset
from support.deadline import Deadline, until
from support.http_wire import PeerClosed, request

TIMEOUT = 2.0
# On a loaded machine, beyond the time that is tested.
PATIENCE = 4.0


@pytest.mark.case("X25", "L05")
def test_a_poll_without_data_is_answered_empty_and_the_connection_stays(connect, fast):
    client = connect(fast, transport="LongPolling")
    client.transport.begin_poll()
    waited = Deadline(TIMEOUT / 2)

    answer = client.transport._answer(Deadline(TIMEOUT + PATIENCE))

    assert waited.passed()
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("Content-Length") == "0"
    assert answer.header("Content-Type").split(";")[0] == "text/plain"
    assert client.result("Echo", 1) == 1


@pytest.mark.case("X28")
def test_a_connection_that_nobody_polls_is_gone(connect, fast, fast_log):
    client = connect(fast, transport="LongPolling")

    assert fast_log.end_of(client.connection_id, TIMEOUT + PATIENCE) == "-"

    assert request(fast.address, "GET", client.endpoint.target()).status == 404


@pytest.mark.case("X45", "E64", "X30")
def test_a_connection_that_is_polled_stays_and_is_not_pinged(connect, fast, fast_log):
    client = connect(fast, transport="LongPolling")

    client.listen(3 * TIMEOUT)

    assert client.pings == 0 and client.inbox == []
    assert not fast_log.has_ended(client.connection_id)
    assert client.result("Echo", 1) == 1


@pytest.mark.case("X36")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_a_client_that_does_not_read_is_cut(connect, fast, fast_log, transport, monkeypatch):
    # So that little fits between the two.
    connected = socket.create_connection

    def narrow(address, timeout=None, source_address=None):
        made = socket.socket()
        made.settimeout(timeout)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.connect(address)
        return made

    monkeypatch.setattr(socket, "create_connection", narrow)
    client = connect(fast, transport=transport)
    if transport == "LongPolling":
        client.transport.begin_poll()
    # One message alone is more than the kernel takes; those behind it wait, so that no bound is hit.
    client.tell("Flood", 10, 900_000)
    monkeypatch.setattr(socket, "create_connection", connected)
    waited = Deadline(TIMEOUT / 2)

    until("it is cut", lambda: is_reset(client.transport.wire.socket), TIMEOUT + 2 * PATIENCE)
    assert waited.passed()
    fast_log.end_of(client.connection_id, TIMEOUT + 2 * PATIENCE)
    assert request(fast.address, "GET", client.endpoint.target()).status == 404


@pytest.mark.case("X37", "W08")
def test_a_client_that_does_not_answer_the_close_is_cut(connect, server):
    client = connect(server)
    client.transport.answers_close = False
    client.tell("AbortMe")
    client.until_end()

    # Five seconds for its close frame, then the connection ends without a word.
    with pytest.raises(PeerClosed):
        client.transport.socket.wire.more(Deadline(5 + PATIENCE))


@pytest.mark.case("X40")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents"])
def test_a_connection_ends_with_its_authentication(connect, server, transport):
    client = connect(server, transport=transport, user="expiring-2")

    assert client.until_end(2 + PATIENCE) == [{"type": 7, "allowReconnect": True}]


@pytest.mark.case("X40")
def test_each_poll_extends_the_authentication(connect, server):
    client = connect(server, transport="LongPolling", user="expiring-2")

    longer = Deadline(4.5)
    while not longer.passed():
        assert client.result("Echo", 1) == 1

    assert client.until_end(2 + PATIENCE) == [{"type": 7, "allowReconnect": True}]


@pytest.mark.case("X43", "E75")
def test_a_shutdown_tells_every_client_to_come_back(connect, new_server):
    server = new_server().start()
    clients = [connect(server, transport=name)
               for name in ("WebSockets", "ServerSentEvents", "LongPolling")]
    clients[2].transport.begin_poll()

    server.ask_to_stop()

    for client in clients:
        try:
            ended = client.until_end(5)
        except OSError:
            ended = client.inbox
        # The server may have ended before its poll came, or before the next one.
        if client.transport.name == "LongPolling" and not ended:
            continue
        assert ended == [{"type": 7, "allowReconnect": True}], client.transport.name
    assert clients[0].transport.close_frame.close_code == 1000
    assert server.wait(5) == 0


@pytest.mark.case("X46")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_a_connection_starts_and_ends_once(connect, server, log, transport):
    client = connect(server, transport=transport)
    for _ in range(3):
        client.result("Echo", 1)
    client.transport.stop()

    assert log.end_of(client.connection_id) == "-"
    lines = log.of(client.connection_id)
    assert lines.count("connected") == 1
    assert lines.count("disconnected -") == 1


# Stateful reconnect as the endpoint sees it


def reattached(client: HubClient) -> WebSockets:
    return WebSockets(client.endpoint, client.codec.IS_BINARY)


@pytest.mark.case("X48")
def test_a_new_WebSocket_of_a_stateful_connection_takes_the_place_of_the_old(connect, server):
    client = connect(server, "/stateful", stateful=True, version=2)

    newer = reattached(client)

    # The old one ends; the new one begins with its Sequence.
    client.until_end()
    assert b'"type":9' in newer.receive()
    newer.drop()


def status_of_reattaching(client: HubClient) -> int:
    fields = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    return request(client.endpoint.address, "GET", client.endpoint.target(), fields).status


@pytest.mark.case("X49")
def test_an_aborted_stateful_connection_does_not_come_back(connect, server):
    client = connect(server, "/stateful", stateful=True, version=2)
    client.tell("AbortMe")
    client.until_end()

    until("it is gone", lambda: status_of_reattaching(client) == 404)


@pytest.mark.case("X50", "F14")
def test_a_stateful_connection_that_was_closed_does_not_come_back(connect, server, log):
    client = connect(server, "/stateful", stateful=True, version=2)
    client.transport.stop()
    client.until_end()

    assert log.end_of(client.connection_id, 3) == "-"
    assert status_of_reattaching(client) == 404


@pytest.mark.case("N20")
def test_a_stateful_token_that_is_not_used_opens_nothing(connect, fast):
    token = negotiate(fast, "/stateful", "negotiateVersion=1&useStatefulReconnect=true").json()[
        "connectionToken"]
    clock = connect(fast)
    until("its time is over", lambda: clock.listen(1) or clock.pings >= 4, within=10)

    endpoint = Endpoint([fast.address], "/stateful", token)
    assert request(fast.address, "GET", endpoint.target()).status == 404
