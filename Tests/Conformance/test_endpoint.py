"""X01 to X47: what a hub's path answers to every method, with and without a connection.

    GET (WebSocket │ SSE │ poll)   POST   DELETE   ──▶ status and text of each refusal
"""

import threading

import pytest
from hub.client import HubClient, handshake, negotiate
from hub.transports import Endpoint, LongPolling, ServerSentEvents, WebSockets
from support.deadline import Deadline, until
from support.http_wire import ANSWER_WITHIN, Response, Wire, request
from support.websocket_wire import Refused

UNKNOWN = "A" * 22
SSE = {"Accept": "text/event-stream"}
DELETE_REFUSED = b"Cannot terminate this connection using the DELETE endpoint."


def upgrade(server, target: str) -> Response:
    """The answer to an upgrade that must be refused."""
    with pytest.raises(Refused) as refused:
        path, _, query = target.partition("?")
        WebSockets(Endpoint([server.address], path, query=query), is_binary=False)
    return refused.value.response


def assert_plain(answer: Response, status: int, text: bytes | None = None) -> None:
    assert answer.status == status, answer
    assert answer.header("Content-Type").split(";")[0] == "text/plain"
    if text is not None:
        assert answer.body == text


def new_token(server, hub: str = "/hub") -> str:
    return negotiate(server, hub).json()["connectionToken"]


@pytest.mark.case("X01")
def test_no_transport_opens_an_unknown_id(server):
    target = f"/hub?id={UNKNOWN}"

    for answer in (upgrade(server, target), request(server.address, "GET", target, SSE),
                   request(server.address, "GET", target)):
        assert_plain(answer, 404, b"No Connection with that ID")


@pytest.mark.case("X02", "X35")
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_an_unknown_id_cannot_be_sent_to_or_ended(server, method):
    assert_plain(request(server.address, method, f"/hub?id={UNKNOWN}"), 404,
                 b"No Connection with that ID")


@pytest.mark.case("X03", "X35")
@pytest.mark.parametrize("method, headers", [("GET", SSE), ("GET", {}), ("POST", {}),
                                             ("DELETE", {})])
def test_everything_but_a_WebSocket_needs_an_id(server, method, headers):
    assert_plain(request(server.address, method, "/hub", headers), 400, b"Connection ID required")


@pytest.mark.case("X04")
def test_a_WebSocket_without_an_id_is_a_new_connection(connect, server):
    assert len(connect(server, negotiates=False).result("ConnectionId")) == 22


@pytest.mark.parametrize("hub, refused", [
    pytest.param("/lp", ["WebSockets", "ServerSentEvents"], marks=pytest.mark.case("X05")),
    pytest.param("/sse", ["WebSockets", "LongPolling"], marks=pytest.mark.case("X06")),
    pytest.param("/ws", ["ServerSentEvents", "LongPolling"], marks=pytest.mark.case("X07")),
    pytest.param("/ws-sse", ["LongPolling"], marks=pytest.mark.case("X08"))])
def test_a_transport_that_a_hub_has_not_is_404_by_its_name(server, hub, refused):
    for name in refused:
        target = f"{hub}?id={new_token(server, hub)}"
        answer = (upgrade(server, target) if name == "WebSockets" else
                  request(server.address, "GET", target,
                          SSE if name == "ServerSentEvents" else {}))
        assert_plain(answer, 404,
                     f"{name} transport not supported by this end point type".encode())


@pytest.mark.case("X09")
def test_a_WebSocket_is_not_sent_to_by_POST(client):
    answer = client.endpoint.post(b"Hello World")

    assert_plain(answer, 405, b"POST requests are not allowed for WebSocket connections.")
    assert client.result("Echo", 1) == 1


@pytest.mark.case("X10")
@pytest.mark.parametrize("transport", ["ServerSentEvents", "LongPolling"])
def test_what_is_posted_is_read_exactly(connect, server, transport):
    client = connect(server, transport=transport)
    record = b'{"type":1,"invocationId":"x","target":"Echo","arguments":["Hello World"]}\x1e'

    answers = [client.endpoint.post(piece) for piece in (record[:7], record[7:40], record[40:])]

    for answer in answers:
        assert answer.status == 200 and answer.body == b""
        assert answer.header("Content-Type").split(";")[0] == "text/plain"
    assert client.completion("x")["result"] == "Hello World"


@pytest.mark.case("X10")
def test_what_is_posted_before_any_transport_is_kept(server):
    endpoint = Endpoint([server.address], "/hub", new_token(server))

    assert endpoint.post(handshake()).status == 200

    events = ServerSentEvents(endpoint, is_binary=False)
    assert events.receive() == b"{}\x1e"
    events.drop()


@pytest.mark.case("X11")
def test_POSTs_at_the_same_time_do_not_mix(connect, server):
    client = connect(server, transport="LongPolling")
    names = [str(number) for number in range(8)]
    records = [client.codec.encode({"type": 1, "invocationId": name, "target": "Length",
                                    "arguments": [[1] * 8_000]}) * 3 for name in names]
    answers: list[Response] = []
    threads = [threading.Thread(target=lambda body=body: answers.append(
        client.endpoint.post(body))) for body in records]

    for thread in threads:
        thread.start()
    completions = [client.take("completion", lambda each: each["type"] == 3, 15)
                   for _ in range(3 * len(names))]
    for thread in threads:
        thread.join(ANSWER_WITHIN)

    assert [answer.status for answer in answers] == [200] * len(names)
    # Each body's three calls stand behind each other.
    order = [each["invocationId"] for each in completions]
    assert [order[index] for index in range(0, len(order), 3) for _ in range(3)] == order
    assert {each["result"] for each in completions} == {8_000}


@pytest.mark.case("X12")
def test_a_POST_whose_body_is_broken_is_400(connect, server):
    client = connect(server, transport="LongPolling")
    with Wire(server.address) as wire:
        wire.send(f"POST {client.endpoint.target()} HTTP/1.1\r\nHost: localhost\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\nno size\r\n".encode())
        answer = wire.read_response()

    assert answer.status == 400
    assert client.result("Echo", 1) == 1


@pytest.mark.case("X13", "X24", "X34")
def test_whatever_is_asked_of_a_connection_that_has_ended_is_404(connect, server):
    client = connect(server, transport="LongPolling")
    target = client.endpoint.target()

    assert client.endpoint.delete().status == 202

    for answer in (client.endpoint.post(b"x"), request(server.address, "GET", target),
                   request(server.address, "GET", target, SSE), client.endpoint.delete(),
                   upgrade(server, target)):
        assert answer.status == 404


def stuck(connect, server, gate: str) -> HubClient:
    """A client whose hub method waits, so that what it sends is not read."""
    client = connect(server, transport="LongPolling")
    client.call("Gate", gate)
    return client


def post_more_than_fits(client: HubClient, answers: list) -> threading.Thread:
    record = client.codec.encode({"type": 1, "target": "Echo", "arguments": ["x" * 10_000]})
    thread = threading.Thread(target=lambda: answers.append(
        client.endpoint.post(record * 40)))
    thread.start()
    return thread


@pytest.mark.case("X14")
def test_a_POST_that_waits_for_room_ends_with_its_connection(connect, server):
    client, answers = stuck(connect, server, "X14"), []
    thread = post_more_than_fits(client, answers)

    # What was posted in front of it has been taken; it waits.
    thread.join(0.5)
    assert thread.is_alive() and not answers
    assert client.endpoint.delete().status == 202

    thread.join(ANSWER_WITHIN)
    assert [answer.status for answer in answers] == [404]
    assert client.endpoint.post(b"x").status == 404
    connect(server).result("OpenGate", "X14")


@pytest.mark.case("X15")
def test_a_poll_is_answered_while_a_POST_waits_for_room(connect, server):
    client, answers = stuck(connect, server, "X15"), []
    thread = post_more_than_fits(client, answers)
    other = connect(server)

    other.result("SendConnection", client.connection_id, "still here")

    assert client.pushed() == "still here"
    assert not answers
    other.result("OpenGate", "X15")
    thread.join(ANSWER_WITHIN)
    assert [answer.status for answer in answers] == [200]
    assert client.result("Echo", 1, within=15) == 1


@pytest.mark.case("X16")
def test_a_stream_waits_for_a_client_that_does_not_read(connect, server):
    slow, other = connect(server, protocol="messagepack"), connect(server)
    name = slow.stream("Endless", "X16")
    assert slow.item(name) == 0
    before = server.resident_byte_count()

    busy = Deadline(2)
    while not busy.passed():
        other.result("Echo", 1)

    assert server.resident_byte_count() - before < 16 << 20
    assert [slow.item(name) for _ in range(5_000)] == list(range(1, 5_001))


@pytest.mark.parametrize("transport", [
    pytest.param("WebSockets", marks=pytest.mark.case("X17")),
    pytest.param("ServerSentEvents", marks=pytest.mark.case("X17", "S09")),
    pytest.param("LongPolling", marks=pytest.mark.case("X17", "X21"))])
def test_a_connection_that_the_hub_ends_is_gone(connect, server, transport):
    client = connect(server, transport=transport)
    client.tell("AbortMe")

    assert client.until_end() == [{"type": 7}]

    assert client.endpoint.post(b"x").status == 404
    assert request(server.address, "GET", client.endpoint.target()).status == 404


@pytest.mark.case("X18")
def test_events_of_a_hub_that_fails_at_connect_are_200_and_end(connect, server):
    client = connect(server, "/refusing", transport="ServerSentEvents", shakes=False)
    client.send_bytes(handshake())

    assert client.handshake_answer() == {}
    assert client.until_end()[-1]["type"] == 7
    assert client.transport.head.status == 200
    until("it is gone", lambda: client.endpoint.post(b"x").status == 404)


@pytest.mark.case("X19", "W06")
def test_a_WebSocket_that_the_client_closes_ends_the_connection(connect, server, log):
    client = connect(server)
    client.transport.stop()

    assert client.until_end() == []
    assert client.transport.close_frame is not None
    assert log.end_of(client.connection_id) == "-"


@pytest.mark.case("X19", "X29")
def test_a_connection_whose_method_still_runs_is_gone_when_that_returns(connect, server, log):
    client = connect(server, transport="ServerSentEvents")
    client.call("Gate", "X29")
    client.transport.drop()

    log.client.result("OpenGate", "X29")

    assert log.end_of(client.connection_id) == "-"
    assert client.endpoint.post(b"x").status == 404


@pytest.mark.case("X22")
@pytest.mark.parametrize("transport", [WebSockets, ServerSentEvents])
def test_a_second_transport_on_a_connection_is_409(connect, server, transport):
    client = connect(server, transport=transport.name)

    with pytest.raises(Refused) as refused:
        transport(client.endpoint, is_binary=False)

    assert_plain(refused.value.response, 409, b"")
    assert client.result("Echo", 1) == 1


@pytest.mark.case("X23")
@pytest.mark.parametrize("first, second", [
    ("ServerSentEvents", LongPolling), ("ServerSentEvents", WebSockets),
    ("LongPolling", ServerSentEvents), ("WebSockets", LongPolling)])
def test_a_connection_keeps_its_transport(connect, server, first, second):
    client = connect(server, transport=first)

    with pytest.raises(Refused) as refused:
        second(client.endpoint, is_binary=False)

    assert_plain(refused.value.response, 400, b"Cannot change transports mid-connection")
    assert client.result("Echo", 1) == 1


@pytest.mark.case("X32")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents"])
def test_DELETE_is_for_long_polling(connect, server, transport):
    client = connect(server, transport=transport)

    assert_plain(client.endpoint.delete(), 400, DELETE_REFUSED)
    assert client.result("Echo", 1) == 1


@pytest.mark.case("X32")
def test_DELETE_of_a_connection_without_a_transport_is_400(server):
    answer = Endpoint([server.address], "/hub", new_token(server)).delete()

    assert_plain(answer, 400, DELETE_REFUSED)


@pytest.mark.case("X39")
def test_every_request_is_asked_who_it_is(server):
    token = negotiate(server, "/protected", user="ann").json()["connectionToken"]
    target = f"/protected?id={token}"

    for method, headers in (("GET", {}), ("GET", SSE), ("POST", {}), ("DELETE", {})):
        assert request(server.address, method, target, headers).status == 401
        forbidden = {"Authorization": "Bearer forbidden", **headers}
        assert request(server.address, method, target, forbidden).status == 403
    assert upgrade(server, target).status == 401
    assert upgrade(server, f"{target}&access_token=forbidden").status == 403
    assert negotiate(server, "/protected", user="forbidden").status == 403
    # A scheme that is not ours names nobody.
    assert negotiate(server, "/protected", headers={"Authorization": "Basic YTpi"}).status == 401
    assert request(server.address, "GET", target, {"Authorization": "Bearer ann"}).status == 200


@pytest.mark.case("X41")
def test_another_user_cannot_go_on_with_a_connection(connect, server):
    client = connect(server, transport="LongPolling", user="ann")
    target = client.endpoint.target()

    for method in ("GET", "POST", "DELETE"):
        answer = request(server.address, method, target, {"Authorization": "Bearer bob"})
        assert answer.status == 404, method

    assert client.result("UserId") == "ann"


@pytest.mark.case("X44")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD"])
def test_other_methods_are_405(server, method):
    assert request(server.address, method, f"/hub?id={new_token(server)}").status == 405


@pytest.mark.case("X47")
def test_an_id_given_twice_is_unknown(server):
    token = new_token(server)
    target = f"/hub?id={token}&id={token}"

    assert request(server.address, "GET", target).status == 404
    assert request(server.address, "POST", target).status == 404
    assert upgrade(server, target).status == 404


@pytest.mark.case("X10")
def test_a_POST_in_chunks_is_a_POST(connect, server):
    client = connect(server, transport="ServerSentEvents")
    record = client.codec.encode({"type": 1, "invocationId": "c", "target": "Echo",
                                  "arguments": [1]})
    with Wire(server.address) as wire:
        wire.send(f"POST {client.endpoint.target()} HTTP/1.1\r\nHost: localhost\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n".encode())
        for byte in record:
            wire.send(b"1\r\n%c\r\n" % byte)
        wire.send(b"0\r\n\r\n")
        assert wire.read_response().status == 200

    assert client.completion("c")["result"] == 1
