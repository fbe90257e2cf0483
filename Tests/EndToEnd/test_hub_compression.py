"""permessage-deflate as clients see it: asked for, agreed on, used, and not to be abused.

    offer ──▶ server_no_context_takeover; client_no_context_takeover
    order ──▶ Notification, compressed once ──▶ every tab of its owner that agreed

Source: RFC 7692; the limits of docs/LIMITS.md.
"""

import asyncio
import re
import ssl
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect

from support.deadline import until
from support.hub_client import HANDSHAKE, HUB, SEPARATOR, HubClient
from support.shop import Shop, new_user
from support.tokens import token_for
from support.websocket_wire import BINARY, CONTINUATION, PING, PONG, TEXT, deflated

ANSWER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
# Of the WebSocket, for the default limit of a hub message.
MESSAGE_MAX = 128 << 10
# A bomb's payload, whose message would be 512 times larger than the limit.
BOMB = deflated(bytes(64 << 20))


@pytest.fixture(scope="module")
def server(make_server):
    # A push has some 200 bytes.
    running = make_server("compression", environment={
        "CONTOSO_HUB__COMPRESSION": "true", "CONTOSO_HUB__COMPRESSION_SIZE": "64B"}).start()
    yield running
    running.end()


@pytest.fixture
def agreed(server, shop):
    """A tab of the shop's user that has agreed to compression."""
    with HubClient(server, shop.user, deflate="; client_max_window_bits") as hub:
        assert hub.socket.extensions == ANSWER
        yield hub


def push_to(hub: HubClient):
    """The next text frame, whose records the client has taken."""
    while True:
        frame = hub.socket.receive()
        if frame.opcode == TEXT and frame.payload != b'{"type":6}' + SEPARATOR:
            hub._split(frame)
            return frame


def test_a_push_is_compressed_for_tabs_that_agreed_and_plain_for_the_others(server, shop, agreed):
    with HubClient(server, shop.user) as plain:
        order = shop.ordered()
        frames = [push_to(agreed), push_to(plain)]

    assert [frame.is_compressed for frame in frames] == [True, False]
    assert frames[0].payload == frames[1].payload
    assert agreed.notification()["orderId"] == order["id"]


def test_a_compressed_call_is_understood_whole_and_in_pieces_around_a_ping(agreed):
    record = b'{"type":1,"invocationId":"%s","target":"Ping","arguments":[]}' + SEPARATOR
    agreed.socket.send(TEXT, deflated(record % b"a"), reserved=4)
    payload = deflated(record % b"b")
    agreed.socket.send(TEXT, payload[:9], reserved=4, is_final=False)
    agreed.socket.send(PING, b"between")
    agreed.socket.send(CONTINUATION, payload[9:])

    opcodes = [agreed.socket.receive().opcode for _ in range(3)]
    assert opcodes == [TEXT, PONG, TEXT]


@pytest.mark.parametrize("offer", ["; server_max_window_bits=9", "; server_no_context_takeover",
                                   "; client_no_context_takeover; client_max_window_bits=8"])
def test_an_offer_with_parameters_is_answered_with_those_that_bind_us(server, offer):
    with HubClient(server, new_user(), deflate=offer) as hub:
        own = "; server_max_window_bits=9" if "server_max" in offer else ""
        assert hub.socket.extensions == ANSWER + own
        assert hub.result("Ping") is None


@pytest.mark.parametrize("offer", ["; server_max_window_bits=7", "; client_max_window_bits=99",
                                   "; server_no_context_takeover=1", "; unknown"])
def test_a_bad_offer_is_declined_and_the_connection_is_served(server, offer):
    with HubClient(server, new_user(), deflate=offer) as hub:
        assert hub.socket.extensions is None
        assert hub.result("Ping") is None


@pytest.mark.parametrize("opcode, payload, options, code", [
    (BINARY, BOMB, {}, 1009),
    (TEXT, deflated(b"x" * (MESSAGE_MAX + 1)), {}, 1009),
    (TEXT, b"\xff\xff\xff", {}, 1007),
    (TEXT, deflated(b"\xc3\x28"), {}, 1007),
    (PING, b"", {}, 1002),
    (CONTINUATION, b"", {}, 1002),
], ids=["bomb", "too large", "no deflate", "no UTF-8", "ping", "continuation"])
def test_what_breaks_the_rules_is_closed_with_its_code(server, opcode, payload, options, code):
    with HubClient(server, new_user(), deflate="") as hub:
        hub.socket.send(opcode, payload, reserved=4, **options)
        assert hub.socket.receive_close().close_code == code


def resident_bytes(server) -> int:
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) << 10


def test_a_hundred_bombs_leave_no_trace_in_memory(server):
    def explode():
        with HubClient(server, new_user(), deflate="") as hub:
            hub.socket.send(BINARY, BOMB, reserved=4)
            assert hub.socket.receive_close().close_code == 1009

    explode()
    before = resident_bytes(server)
    for _ in range(100):
        explode()

    # Inflated, they would be 6.4 GB.
    until("the memory is back", lambda: resident_bytes(server) < before + (16 << 20))


def test_connections_between_messages_keep_no_window(server):
    """A window each way would be 32 KiB and more for every one of them."""
    tabs = [HubClient(server, new_user(), deflate="") for _ in range(20)]
    before = resident_bytes(server)
    tabs += [HubClient(server, new_user(), deflate="") for _ in range(400)]
    record = b'{"type":6}' + SEPARATOR
    try:
        for tab in tabs:
            tab.socket.send(TEXT, deflated(record), reserved=4)
            assert tab.result("Ping") is None

        assert resident_bytes(server) - before < 400 * (16 << 10)
    finally:
        for tab in tabs:
            tab.close()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_the_websockets_library_agrees_and_reads_a_push(server, scheme):
    shop = Shop(server)
    address = server.https if scheme == "wss" else server.http
    url = (f"{scheme}://{address[0]}:{address[1]}{HUB}"
           f"?access_token={quote(token_for(shop.user))}")
    context = ssl._create_unverified_context() if scheme == "wss" else None

    async def listen() -> None:
        async with connect(url, compression="deflate", ssl=context) as socket:
            assert socket.response.headers["Sec-WebSocket-Extensions"] == ANSWER
            await socket.send(HANDSHAKE.decode())
            assert await socket.recv() == "{}\x1e"
            order = await asyncio.to_thread(shop.ordered)
            while "Notification" not in (message := await socket.recv()):
                pass
            assert f'"orderId":{order["id"]}}}' in message

    asyncio.run(asyncio.wait_for(listen(), 60))


def test_off_which_is_the_default_nobody_is_agreed_with(make_server):
    running = make_server("no-compression").start()
    with HubClient(running, new_user(), deflate="") as hub:
        assert hub.socket.extensions is None
        hub.socket.send(TEXT, deflated(HANDSHAKE), reserved=4)
        assert hub.socket.receive_close().close_code == 1002
    running.end()
