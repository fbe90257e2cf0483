"""W01 to W20: the WebSocket transport, frame by frame.

    frames and messages in, any cut ──▶ one stream of bytes     out: whole hub messages only
"""

import pytest
from hub.client import HubClient, handshake
from support.http_wire import PeerClosed, Wire, request
from support.websocket_wire import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Refused,
                                    close_payload, encode)


def call(client: HubClient, name: str, value) -> bytes:
    return client.codec.encode({"type": 1, "invocationId": name, "target": "Echo",
                                "arguments": [value]})


@pytest.mark.case("W01")
@pytest.mark.parametrize("protocol, opcode", [
    # Text must be UTF-8, which MessagePack hardly ever is.
    ("json", TEXT), ("json", BINARY), ("messagepack", BINARY)])
def test_either_kind_of_frame_brings_bytes(connect, server, protocol, opcode):
    client = connect(server, protocol=protocol)
    client.transport.send(call(client, "7", "Hello"), opcode)

    assert client.completion("7")["result"] == "Hello"


@pytest.mark.case("W02", "X42")
@pytest.mark.parametrize("protocol, opcode", [("json", TEXT), ("messagepack", BINARY)])
def test_a_protocol_has_its_kind_of_frame(connect, server, protocol, opcode):
    client = connect(server, protocol=protocol)
    client.result("Echo", "Hello")
    client.result("SendCaller", "Hello")

    assert set(client.transport.opcodes) == {opcode}
    # Every message is one frame.
    assert len(client.transport.opcodes) == len(client.transport.fragments)


@pytest.mark.case("W03")
def test_fragments_are_one_stream(client):
    record = call(client, "7", "HelloWorld")

    client.transport.send(record[:20], TEXT, is_final=False)
    client.transport.send(record[20:40], CONTINUATION, is_final=False)
    client.transport.send(record[40:], CONTINUATION)

    assert client.completion("7")["result"] == "HelloWorld"


@pytest.mark.case("W04", "E73")
def test_a_hub_that_ends_a_connection_closes_with_1000(client, log):
    client.tell("AbortMe")

    assert client.until_end() == [{"type": 7}]
    assert client.transport.close_frame.payload in (b"", close_payload(1000))
    assert client.transport.close_frame.close_code == 1000
    assert log.end_of(client.connection_id) == "-"


@pytest.mark.case("W06")
@pytest.mark.parametrize("payload", [b"", close_payload(1000), close_payload(1001, b"going")])
def test_the_close_of_a_client_is_answered(connect, server, log, payload):
    client = connect(server)
    client.transport.socket.send(CLOSE, payload)

    assert client.until_end() == []
    assert client.transport.close_frame.payload[:2] == payload[:2]
    assert log.end_of(client.connection_id) == "-"


@pytest.mark.case("W07")
def test_a_reset_is_no_error_to_the_hub(connect, server, log):
    client = connect(server)
    client.transport.reset()

    assert log.end_of(client.connection_id) == "-"


@pytest.mark.case("W09")
def test_a_client_that_closes_while_it_is_written_to_is_let_go(connect, server, log):
    client = connect(server)
    client.item(client.stream("Endless", "W09"))

    client.transport.stop()

    client.until_end(10)
    assert log.end_of(client.connection_id) == "-"
    log.until("cancelled W09 Endless")


@pytest.mark.case("W10")
def test_no_sub_protocol_is_chosen(server):
    with Wire(server.address) as wire:
        wire.send(b"GET /hub HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                  b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                  b"Sec-WebSocket-Protocol: chat, superchat\r\n\r\n")
        answer = wire.read_response()

    assert answer.status == 101
    assert answer.header("Sec-WebSocket-Protocol") is None
    assert answer.header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.case("W11")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_a_large_message_is_whole_and_ends_with_data(connect, server, protocol):
    client = connect(server, "/unlimited", protocol=protocol)
    text = "x" * 900_000

    assert client.result("Echo", text, within=15) == text
    assert all(client.transport.fragments)


@pytest.mark.case("W12")
def test_a_hub_message_over_three_WebSocket_messages_runs_once_it_is_whole(client):
    record = call(client, "7", "Hello")

    for piece in (record[:10], record[10:30], record[30:]):
        client.send_bytes(piece)

    assert client.completion("7")["result"] == "Hello"


@pytest.mark.case("W13", "J33", "M13")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_three_hub_messages_in_one_WebSocket_message_run_in_order(connect, server, protocol):
    client = connect(server, protocol=protocol)

    client.send_bytes(b"".join(call(client, name, name) for name in "abc"))

    assert [client.next()["result"] for _ in range(3)] == ["a", "b", "c"]


@pytest.mark.case("W14")
def test_the_handshake_of_messagepack_is_answered_in_a_binary_frame(connect, server):
    client = connect(server, protocol="messagepack", shakes=False)
    client.send_bytes(handshake("messagepack"))

    frame = client.transport.socket.receive()

    assert (frame.opcode, frame.payload, frame.is_final) == (BINARY, b"\x7b\x7d\x1e", True)


@pytest.mark.case("W15")
@pytest.mark.parametrize("payload", [b"", b"are you there", b"x" * 125])
def test_a_ping_is_answered_with_its_payload(client, payload):
    client.transport.socket.send(PING, payload)

    frame = client.transport.socket.receive()

    assert (frame.opcode, frame.payload) == (PONG, payload)


@pytest.mark.case("W16")
@pytest.mark.parametrize("frame, code", [
    (encode(TEXT, b"x", is_masked=False), 1002), (encode(TEXT, b"x", reserved=4), 1002),
    (encode(TEXT, b"x", reserved=1), 1002), (encode(3, b"x"), 1002), (encode(11, b"x"), 1002),
    (encode(CLOSE, b"\x03"), 1002), (encode(PING, b"x" * 126), 1002),
    (encode(PING, b"x", is_final=False), 1002), (encode(CONTINUATION, b"x"), 1002),
    (encode(TEXT, b"\xff\xfe"), 1007)],
    ids=["unmasked", "RSV1", "RSV3", "opcode 3", "opcode 11", "close of 1 byte", "ping of 126",
         "ping in fragments", "continuation of nothing", "no UTF-8"])
def test_a_violation_closes_with_its_code(client, log, frame, code):
    client.transport.socket.wire.send(frame)

    client.until_end()

    assert client.transport.close_frame.close_code == code
    log.end_of(client.connection_id)


@pytest.mark.case("W17")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents"])
def test_a_token_in_the_query_names_the_same_user(connect, server, transport):
    by_query = connect(server, transport=transport, query="access_token=ann")
    by_header = connect(server, transport=transport, user="ann")

    assert by_query.result("UserId") == by_header.result("UserId") == "ann"


@pytest.mark.case("W19")
def test_compression_is_offered_in_vain(server):
    with Wire(server.address) as wire:
        wire.send(b"GET /hub HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                  b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                  b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n")
        answer = wire.read_response()

    assert answer.status == 101
    assert answer.header("Sec-WebSocket-Extensions") is None


@pytest.mark.case("W20")
@pytest.mark.parametrize("field, value, status", [
    ("Sec-WebSocket-Key", None, 400), ("Sec-WebSocket-Key", "short", 400),
    ("Sec-WebSocket-Version", None, 426), ("Sec-WebSocket-Version", "8", 426)])
def test_a_broken_upgrade_is_refused(server, field, value, status):
    fields = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    del fields[field]
    if value is not None:
        fields[field] = value

    answer = request(server.address, "GET", "/hub", fields)

    assert answer.status in (400, status), answer


@pytest.mark.case("X01")
def test_an_upgrade_with_an_unknown_id_is_refused(server):
    with pytest.raises(Refused) as refused:
        HubClient(server, negotiates=False, query="id=unknown")
    assert refused.value.response.status == 404


@pytest.mark.case("W07")
def test_a_connection_lost_within_a_frame_is_let_go(connect, server, log):
    client = connect(server)
    client.transport.socket.wire.send(encode(TEXT, b"half", length=100))
    client.transport.drop()

    log.end_of(client.connection_id)


@pytest.mark.case("W06")
def test_nothing_is_sent_behind_the_close(connect, server):
    client = connect(server)
    client.transport.stop()
    client.until_end()

    with pytest.raises(PeerClosed) as closed:
        client.transport.socket.receive()
    assert closed.value.received == b""
