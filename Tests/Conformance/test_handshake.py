"""H01 to H25: the first record of a connection and its answer.

    {"protocol":"json","version":1}␞ ──▶ {}␞ ──▶ messages      else {"error":"…"}␞ and the end
"""

import pytest
from hub.client import handshake, negotiate
from support.http_wire import PeerClosed

MALFORMED = "An unexpected error occurred during connection handshake."
CANCELED = "Handshake was canceled."
NOT_COMPLETE = ['{}', '{"version":1}', '{"protocol":"json"}']
WRONG_TYPES = ['{"protocol":1,"version":1}', '{"protocol":"json","version":"1"}']
NO_OBJECTS = ['null', '42', '"x"', '[]', '{"a']
ECHO = b'{"type":1,"invocationId":"%d","target":"Echo","arguments":[%d]}\x1e'

malformed = pytest.mark.parametrize("request_text", [
    *(pytest.param(text, marks=pytest.mark.case("H14")) for text in NOT_COMPLETE),
    *(pytest.param(text, marks=pytest.mark.case("H15")) for text in WRONG_TYPES),
    *(pytest.param(text, marks=pytest.mark.case("H16")) for text in NO_OBJECTS),
    '{"type":6}'])


@pytest.fixture
def unshaken(connect, server):
    def make(hub: str = "/hub", **options):
        return connect(server, hub, shakes=False, **options)
    return make


def assert_refused(client, error: str) -> None:
    assert client.handshake_answer() == {"error": error}
    assert client.until_end() == []
    assert client.transport.close_frame.close_code == 1000


@pytest.mark.parametrize("request_text", [
    pytest.param('{"protocol":"json","version":1}', marks=pytest.mark.case("H01")),
    pytest.param('{"protocol":"json","version":1,"foo":[1,{"a":"b"}]}',
                 marks=pytest.mark.case("H02")),
    pytest.param('{"version":1,"protocol":"json"}', marks=pytest.mark.case("H02")),
    pytest.param('{"protocol":"JSON","version":1}', marks=pytest.mark.case("H03")),
    pytest.param('{"protocol":"json","version":2}', marks=pytest.mark.case("H04")),
    pytest.param('{"protocol":"json","version":0}', marks=pytest.mark.case("H04"))])
def test_a_good_request_is_answered_with_nothing_but_braces(unshaken, request_text):
    client = unshaken()
    client.send_bytes(request_text.encode() + b"\x1e")

    assert client.transport.receive() == b"{}\x1e"
    assert client.result("Echo", 1) == 1


@pytest.mark.parametrize("text, hub, error", [
    pytest.param(handshake("json", 3), "/hub",
                 "The server does not support version 3 of the 'json' protocol.",
                 marks=pytest.mark.case("H04")),
    pytest.param(handshake("blah"), "/hub", "The protocol 'blah' is not supported.",
                 marks=pytest.mark.case("H05")),
    pytest.param(handshake(""), "/hub", "The protocol '' is not supported.",
                 marks=pytest.mark.case("H06")),
    pytest.param(handshake("messagepack"), "/json",
                 "The protocol 'messagepack' is not supported.", marks=pytest.mark.case("H20"))])
def test_what_is_not_supported_is_named(unshaken, text, hub, error):
    client = unshaken(hub)
    client.send_bytes(text)

    assert_refused(client, error)


@pytest.mark.case("H08")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_a_request_may_come_byte_by_byte(unshaken, protocol):
    client = unshaken(protocol=protocol)
    for byte in handshake(protocol):
        client.send_bytes(bytes([byte]))

    assert client.handshake_answer() == {}


@pytest.mark.case("H09")
def test_a_call_may_come_with_the_second_half(unshaken):
    client, request = unshaken(), handshake()
    client.send_bytes(request[:11])
    client.send_bytes(request[11:] + ECHO % (1, 1))

    assert client.handshake_answer() == {}
    assert client.completion("1")["result"] == 1


@pytest.mark.case("H10")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_calls_may_come_with_the_request(unshaken, transport):
    client = unshaken(transport=transport)
    client.send_bytes(handshake() + ECHO % (1, 10) + ECHO % (2, 20))

    assert client.handshake_answer() == {}
    assert [client.next()["result"] for _ in range(2)] == [10, 20]


@pytest.mark.case("H11")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_a_request_that_does_not_come_in_time_is_given_up(connect, fast, transport):
    client = connect(fast, transport=transport, shakes=False)

    assert client.handshake_answer(within=6) == {"error": CANCELED}
    assert client.until_end() == []


@pytest.mark.parametrize("text", [
    pytest.param(b'{"protocol":"js', marks=pytest.mark.case("H12")),
    pytest.param(b"", marks=pytest.mark.case("H13", "H25"))])
def test_a_client_that_goes_before_its_request_is_whole_is_not_answered(unshaken, log, text):
    client = unshaken()
    if text:
        client.send_bytes(text)
    client.transport.stop()

    with pytest.raises(PeerClosed):
        client.transport.receive()
    assert client.transport.fragments == []
    assert log.of(client.connection_id) == []


@malformed
def test_a_malformed_request_is_refused(unshaken, request_text):
    client = unshaken()
    client.send_bytes(request_text.encode() + b"\x1e")

    assert_refused(client, MALFORMED)


@pytest.mark.case("H17")
@pytest.mark.parametrize("request_text", NOT_COMPLETE + WRONG_TYPES + NO_OBJECTS)
def test_a_malformed_request_is_refused_with_its_detail_where_they_are_on(unshaken, request_text):
    client = unshaken("/detailed")
    client.send_bytes(request_text.encode() + b"\x1e")

    error = client.handshake_answer()["error"]
    assert error.startswith(f"{MALFORMED} InvalidDataException: ")
    assert client.until_end() == []


@pytest.mark.case("H18")
def test_a_request_longer_than_the_limit_is_given_up(unshaken):
    client = unshaken()
    client.send_bytes(b'{"protocol":"json","version":1' + b" " * 33_000)

    assert_refused(client, CANCELED)


@pytest.mark.case("H19")
def test_the_limit_is_the_requests_not_that_of_what_follows(unshaken):
    client = unshaken()
    calls = b"".join(ECHO % (number, number) for number in range(1_000))
    client.send_bytes(handshake() + calls)

    assert client.handshake_answer() == {}
    assert [client.next()["result"] for _ in range(1_000)] == list(range(1_000))


@pytest.mark.case("H21")
def test_a_hub_that_refuses_at_connect_closes_without_leave_to_come_back(unshaken, log):
    client = unshaken("/refusing")
    client.send_bytes(handshake())

    assert client.handshake_answer() == {}
    assert client.until_end() == [{"type": 7, "error": "Connection closed with an error."}]
    assert client.transport.close_frame.close_code == 1000
    assert "disconnected" not in " ".join(log.of(client.connection_id))


@pytest.mark.case("H21")
def test_a_hub_that_aborts_at_connect_closes_without_an_error(unshaken):
    client = unshaken("/aborting")
    client.send_bytes(handshake())

    assert client.handshake_answer() == {}
    assert client.until_end() == [{"type": 7}]


@pytest.mark.case("H23")
@pytest.mark.parametrize("transport, protocol", [
    ("WebSockets", "json"), ("WebSockets", "messagepack"), ("ServerSentEvents", "json"),
    ("LongPolling", "json"), ("LongPolling", "messagepack")])
def test_what_a_hub_sends_at_connect_comes_behind_the_answer(
        unshaken, transport, protocol):
    client = unshaken("/greeting", transport=transport, protocol=protocol)
    client.send_bytes(handshake(protocol))

    assert client.handshake_answer() == {}
    assert client.pushed("Greeting") == "hello"


@pytest.mark.case("H24")
def test_a_call_waits_until_the_hub_has_connected(unshaken, connect, server):
    client = unshaken("/greeting", query="wait=1")
    client.send_bytes(handshake() + ECHO % (1, 1))
    assert client.handshake_answer() == {}
    assert client.pushed("Greeting") == "hello"

    # A round trip of another connection later it still has not run.
    other = connect(server)
    other.result("Echo", 1)
    client.listen(0.2)
    assert client.inbox == []
    other.result("OpenGate", "greeting")

    assert client.completion("1")["result"] == 1


@pytest.mark.case("H25")
def test_a_connection_that_ends_before_its_handshake_is_not_told_to_the_hub(unshaken, log):
    client = unshaken()
    client.transport.reset()

    assert negotiate(client.server).status == 200
    log.client.listen(0.2)
    assert log.of(client.connection_id) == []
