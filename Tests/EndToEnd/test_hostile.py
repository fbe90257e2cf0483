"""Hostile octets: each ends its own connection with the right status or code, and no other.

    attacker ── broken request or frame ──▶ server ◀── canary: a good call after every attack

A canary hub connection is open all the time and must answer after every case; a second answer on
the attacker's connection would mean that the rest of a broken request was taken for a new one.
Source: RFC 6455 sections 5.1-5.5, 7.4; docs/LIMITS.md.
"""

from pathlib import Path

import pytest

from edge.websocket_cases import VIOLATIONS
from support.deadline import Deadline, until
from support.hub_client import HANDSHAKE, HUB, SEPARATOR, HubClient
from support.http_wire import NothingCame, PeerClosed, Wire
from support.shop import Shop
from support.tokens import token_for
from support.websocket_wire import (CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket,
                                    close_payload, encode)

RECORD_LIMIT = 32768
ANSWER_OR_CLOSE_WITHIN = 5.0
CANARY_WITHIN = 1.0
HEAD_LIMIT = 15.0


@pytest.fixture(scope="module")
def canary_connection(server):
    with HubClient(server, "canary") as hub:
        yield hub


@pytest.fixture(autouse=True)
def canary(server, canary_connection):
    """After each case another connection's call is answered, and quickly."""
    yield
    assert "error" not in canary_connection.invoke("Ping", within=CANARY_WITHIN)
    with Wire(server.http) as wire:
        assert wire.request("GET", "/health/live").status == 200


# HTTP: what is malformed stands in edge/, and is run by test_edge_http.py.

GET = b"GET /health/live HTTP/1.1\r\n"


def test_a_head_that_never_ends_is_cut_while_others_are_served(server):
    """One octet now and then does not buy time: the limit counts from the first octet."""
    with Wire(server.http) as slow:
        slow.send(GET + b"X-Slow: ")
        deadline = Deadline(HEAD_LIMIT + 3)
        with pytest.raises(PeerClosed) as closed:
            while not deadline.passed():
                with Wire(server.http) as other:
                    assert other.request("GET", "/health/live").status == 200
                slow.send(b"a")
                try:
                    slow.more(Deadline(0.2))
                except NothingCame:
                    continue
        assert deadline.left() > 0
        assert closed.value.received == b"" or b" 408 " in closed.value.received.split(b"\r\n")[0]


def test_a_hub_client_without_a_handshake_is_cut_in_time(new_server):
    server = new_server(environment={"CONTOSO_HUB__HANDSHAKE_TIMEOUT": "1s"}).start()
    with HubClient(server, "mute", handshake=False) as mute:
        assert mute.next_record(within=3) == {"error": "Handshake was canceled."}


# WebSocket

PING_CALL = b'{"type":1,"invocationId":"1","target":"Ping","arguments":[]}' + SEPARATOR

@pytest.mark.parametrize("octets, code", VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_a_broken_frame_closes_its_connection_with_the_right_code(server, octets, code):
    with HubClient(server, "attacker") as hub:
        hub.socket.wire.send(octets)

        assert hub.socket.receive_close(ANSWER_OR_CLOSE_WITHIN).close_code == code


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 3000, 4999])
def test_a_good_close_is_answered_with_the_same_code(server, code):
    with HubClient(server, "leaver") as hub:
        hub.socket.send(CLOSE, close_payload(code, "until we meet again \u2014".encode()))

        assert hub.socket.receive_close().close_code == code


def test_a_record_of_exactly_the_limit_passes_and_one_octet_more_does_not(server):
    def padded(size: int) -> bytes:
        start, end = b'{"type":1,"invocationId":"1","target":"Ping","arguments":[],"x":"', b'"}'
        return start + b"a" * (size - len(start) - len(end) - 1) + end + SEPARATOR

    with HubClient(server, "n") as hub:
        hub.send_bytes(padded(RECORD_LIMIT - 1))
        hub.send_bytes(padded(RECORD_LIMIT))
        assert [hub.next_record()["type"] for _ in range(2)] == [3, 3]
        hub.send_bytes(padded(RECORD_LIMIT + 1))
        close = hub.next_record()
        assert (close["type"], close["allowReconnect"]) == (7, True)
        with pytest.raises(PeerClosed):
            hub.next_record()


def test_a_ping_between_two_fragments_is_answered_before_the_message(server):
    with HubClient(server, "n") as hub:
        hub.socket.send(TEXT, PING_CALL[:9], is_final=False)
        hub.socket.send(PING, b"between")
        frame = hub.socket.receive()
        assert (frame.opcode, frame.payload) == (PONG, b"between")
        hub.socket.send(CONTINUATION, PING_CALL[9:])
        assert hub.next_record()["type"] == 3


def test_a_flood_of_pings_is_answered_in_bounds_or_cut_and_nobody_else_notices(
        server, canary_connection):
    """4 MiB of pings whose answers are not read: the server may drop pongs or the connection."""
    flood = encode(PING, b"p" * 125) * 8000
    with HubClient(server, "flooder") as hub:
        hub.socket.wire.socket.settimeout(0.2)
        for _ in range(4):
            try:
                hub.socket.wire.socket.sendall(flood)
            except (TimeoutError, OSError):
                break
            assert "error" not in canary_connection.invoke("Ping", within=CANARY_WITHIN)


def test_a_flood_of_tiny_fragments_does_not_delay_others(server, canary_connection):
    with HubClient(server, "fragmenter") as hub:
        hub.socket.send(TEXT, b" ", is_final=False)
        hub.socket.wire.send(encode(CONTINUATION, b" ", is_final=False) * 20000)
        assert "error" not in canary_connection.invoke("Ping", within=CANARY_WITHIN)


def upgrade(**changes: bytes | None) -> bytes:
    fields = {"Host": b"localhost", "Connection": b"Upgrade", "Upgrade": b"websocket",
              "Sec-WebSocket-Version": b"13", "Sec-WebSocket-Key": b"dGhlIHNhbXBsZSBub25jZQ=="}
    fields.update({name.replace("_", "-"): value for name, value in changes.items()})
    target = f"{HUB}?access_token={token_for('u')}".encode()
    return b"GET " + target + b" HTTP/1.1\r\n" + b"".join(
        name.encode() + b": " + value + b"\r\n"
        for name, value in fields.items() if value is not None) + b"\r\n"


@pytest.mark.parametrize("octets, status", [
    (upgrade(Sec_WebSocket_Version=b"12"), 426),
    (upgrade(Sec_WebSocket_Key=b"short"), 400),
    (upgrade(Sec_WebSocket_Key=None), 400),
    (upgrade(Sec_WebSocket_Key=b"dGhlIHNhbXBsZSBub25jZQ==\r\n"
                               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400),
], ids=["version 12", "short key", "no key", "two keys"])
def test_a_malformed_upgrade_is_refused(server, octets, status):
    with Wire(server.http) as wire:
        wire.send(octets)
        response = wire.read_response()
        assert response.status == status
        if status == 426:
            assert response.header("Sec-WebSocket-Version") == "13"


def test_clients_that_vanish_leave_nothing_behind(server):
    """Upgrades, half requests and calls whose peers go away at once: the descriptors come back."""
    def descriptors() -> int:
        return sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir())

    before = descriptors()
    for _ in range(50):
        with Wire(server.http) as wire:
            wire.send(GET)
        with WebSocket(server.http, f"{HUB}?access_token={token_for('v')}") as socket:
            socket.send(TEXT, HANDSHAKE + PING_CALL)
    until("the descriptors are back", lambda: descriptors() <= before + 2)
    assert Shop(server).orders()["total"] == 0
