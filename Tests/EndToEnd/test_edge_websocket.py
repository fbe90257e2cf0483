"""Hostile WebSocket clients: each ends with the right code, and nobody else notices.

    P L   what no client may send       ──▶ its close code, then the end
    F     floods                        ──▶ a canary is answered all the while, memory stays
    D     peers that are dead           ──▶ pinged, then cut
    S     readers that do not read      ──▶ reset in time; the kernel holds little for them
    R     herds that come back          ──▶ nobody lost, nothing left behind

Source: edge/websocket_cases.py; docs/LIMITS.md "WebSocket" and "Connections".
"""

import os
import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from edge.attacks import FLOODS, MESSAGE_LIMIT, fill, flood, is_reset, reset
from edge.http_connection import upgrade
from edge.websocket_cases import ANSWERED, CLOSES, VIOLATIONS, violations_of_limit
from support.deadline import Deadline, until
from support.echo_server import EchoServer
from support.http_wire import PeerClosed, Wire
from support.process_watch import ProcessWatch
from support.server import OUTPUT
from support.websocket_wire import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket,
                                    close_payload, encode)

WITHIN = 60.0
GROWTH = 48 << 20
# The bar is a second on a calm machine; this one may be shared with a compiler.
CANARY_WITHIN = 5.0

BROKEN = {**VIOLATIONS, **violations_of_limit(MESSAGE_LIMIT)}


def rows(table: dict):
    return pytest.mark.parametrize("row", table.values(), ids=table.keys())


@pytest.fixture(scope="module", params=["ws", "wss"])
def any_echo(request, certificate):
    server = EchoServer(OUTPUT / "servers" / f"edge-{request.param}",
                        certificate if request.param == "wss" else None,
                        "--message-max", str(MESSAGE_LIMIT))
    yield server
    server.end()


@pytest.fixture(scope="module")
def echo():
    server = EchoServer(OUTPUT / "servers" / "edge-storms", None,
                        "--message-max", str(MESSAGE_LIMIT), "--silence", "600")
    yield server
    server.end()


@pytest.fixture(scope="module")
def impatient():
    server = EchoServer(OUTPUT / "servers" / "edge-impatient", None, "--silence", "3")
    yield server
    server.end()


def connected(server: EchoServer) -> WebSocket:
    return WebSocket(server.address, "/", tls=server.is_tls)


def closed_with(client: WebSocket) -> bytes:
    """The payload of the close frame, which is all that comes before the end."""
    frame = client.receive(WITHIN)
    while frame.opcode == PONG:
        frame = client.receive(WITHIN)
    assert frame.opcode == CLOSE, frame
    try:
        while True:
            client.wire.more(Deadline(WITHIN))
            assert False, f"more behind the close frame: {client.wire.buffer!r}"
    except PeerClosed as closed:
        assert not closed.reset, "a reset may overtake the close frame"
    return frame.payload


# P, L


@rows(BROKEN)
def test_a_broken_frame_is_the_end_with_its_code(row, any_echo):
    octets, code = row
    with connected(any_echo) as client:
        # What follows is not looked at.
        client.wire.send(octets + encode(TEXT, b"unheard"))
        assert closed_with(client)[:2] == close_payload(code)


@rows({name: row for name, row in BROKEN.items() if len(row[0]) <= 200})
def test_a_broken_frame_is_seen_octet_by_octet(row, any_echo):
    octets, code = row
    with connected(any_echo) as client:
        for octet in octets:
            client.wire.send(bytes([octet]))
        assert closed_with(client)[:2] == close_payload(code)


@rows(CLOSES)
def test_a_good_close_is_answered_with_its_code(row, any_echo):
    payload, answer = row
    with connected(any_echo) as client:
        client.wire.send(encode(CLOSE, payload) + encode(TEXT, b"unheard"))
        assert closed_with(client) == answer


@rows(ANSWERED)
def test_what_is_allowed_is_answered(row, any_echo):
    octets, answers = row
    with connected(any_echo) as client:
        client.wire.send(octets)
        for opcode, payload in answers:
            frame = client.receive(WITHIN)
            assert (frame.opcode, frame.payload, frame.is_final) == (opcode, payload, True)


@pytest.mark.parametrize("row", [ANSWERED[name] for name in (
    "V: text", "V: empty fragments around others", "V: 126 octets", "V: a ping between fragments",
    "V: a character in four fragments")], ids=str)
def test_what_is_allowed_is_answered_in_single_octets_too(row, any_echo):
    octets, answers = row
    with connected(any_echo) as client:
        for octet in octets:
            client.wire.send(bytes([octet]))
        for opcode, payload in answers:
            frame = client.receive(WITHIN)
            assert (frame.opcode, frame.payload) == (opcode, payload)


def test_a_message_of_exactly_the_limit_passes(any_echo):
    payload = os.urandom(MESSAGE_LIMIT)
    with connected(any_echo) as client:
        client.send(BINARY, payload)
        assert client.receive(WITHIN).payload == payload
        client.send(BINARY, payload[:1000], is_final=False)
        client.send(CONTINUATION, payload[1000:])
        assert client.receive(WITHIN).payload == payload


# F


class Canary:
    """Somebody else's calls, one after the other, for as long as the block lasts."""

    def __init__(self, server: EchoServer):
        self.socket = connected(server)
        self.worst = 0.0
        self.calls = 0
        self.failure: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            while not self._stopping.is_set():
                start = time.monotonic()
                self.socket.send(TEXT, b"are you there?")
                while self.socket.receive(WITHIN).opcode != TEXT:
                    pass
                self.worst = max(self.worst, time.monotonic() - start)
                self.calls += 1
                self._stopping.wait(0.01)
        except BaseException as failure:
            self.failure = failure

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()
        self.socket.wire.close()


@rows(FLOODS)
def test_a_flood_delays_nobody_and_fills_no_memory(row, echo):
    first, again, reads = row
    watch = ProcessWatch(echo.process.pid)
    with Canary(echo) as canary, connected(echo) as flooder:
        flooder.wire.send(first)
        flood(flooder, again, reads=reads)
        calls = canary.calls
        until("the canary sings on", lambda: canary.calls > calls + 1 or canary.failure, WITHIN)
    assert canary.failure is None, canary.failure
    assert canary.worst < CANARY_WITHIN
    watch.expect_memory_within(GROWTH)


def test_ten_flooders_at_once_delay_nobody(echo):
    flooders = [connected(echo) for _ in range(10)]
    octets = list(FLOODS.values())
    with Canary(echo) as canary:
        threads = [threading.Thread(target=flood, args=(one, octets[index][1]))
                   for index, one in enumerate(flooders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for one in flooders:
        one.wire.close()
    assert canary.failure is None, canary.failure
    assert canary.worst < CANARY_WITHIN


# D


HALF_FRAMES = {
    "nothing": b"",
    "half a header": b"\x82",
    "half a length": b"\x82\xfe\x01",
    "a header without its payload": encode(BINARY, b"", length=100),
    "half a payload": encode(BINARY, b"half", length=100),
    "half a mebibyte": encode(BINARY, bytes(1 << 19), length=1 << 20),
    "half a message": encode(TEXT, b"half", is_final=False),
    "half a ping": encode(PING, b"half", length=100),
}


def test_who_is_silent_is_pinged_and_then_cut_whatever_is_unfinished(impatient):
    start = time.monotonic()
    silent = {name: connected(impatient) for name in HALF_FRAMES}
    for name, one in silent.items():
        one.wire.send(HALF_FRAMES[name])
    for name, one in silent.items():
        assert one.receive(WITHIN).opcode == PING, name
        with pytest.raises(PeerClosed):
            while True:
                one.wire.more(Deadline(WITHIN))
        one.wire.close()
        assert time.monotonic() - start >= 2.5, name


def test_who_answers_pings_stays(impatient):
    with connected(impatient) as quiet:
        for _ in range(2):
            assert quiet.receive(WITHIN).opcode == PING
            quiet.send(PONG)
        quiet.send(TEXT, b"still here")
        assert quiet.receive(WITHIN).payload == b"still here"


def test_who_closes_tcp_in_a_message_is_forgotten(echo):
    watch = ProcessWatch(echo.process.pid)
    for half in HALF_FRAMES.values():
        for end in (lambda wire: wire.close(), reset,
                    lambda wire: wire.socket.shutdown(socket.SHUT_WR)):
            gone = connected(echo)
            gone.wire.send(half)
            end(gone.wire)
            if gone.wire.socket.fileno() >= 0:
                with pytest.raises(PeerClosed):
                    gone.wire.more(Deadline(WITHIN))
                gone.wire.close()
    watch.expect_descriptors_back()


# S


def kernel_queue(port: int) -> int:
    """Octets that the kernel holds for the peers of a listening port."""
    total = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == port:
            total += int(fields[4].split(":")[0], 16)
    return total


@pytest.mark.parametrize("sizes", [[4 << 10, 16 << 10]], ids=["4 and 16 KiB"])
def test_readers_that_do_not_read_are_reset_and_cost_little(sizes, echo):
    """Twenty of each size send until they are reset and never read; the deadline is 10 s."""
    watch = ProcessWatch(echo.process.pid)
    deaf = [connected(echo) for _ in sizes * 20]
    with Canary(echo) as canary, ThreadPoolExecutor(len(deaf)) as threads:
        for one in deaf:
            one.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        filling = [threads.submit(fill, one, encode(BINARY, bytes(size)) * 8)
                   for one, size in zip(deaf, sizes * 20)]
        held = 0
        while wait(filling, timeout=0.1).not_done:
            held = max(held, kernel_queue(echo.address[1]))
        watch.expect_memory_within(GROWTH)
        deadline = Deadline(WITHIN)
        assert all(is_reset(one.wire.socket, deadline) for one in deaf)
    for one in deaf:
        one.wire.close()
    assert canary.failure is None and canary.worst < CANARY_WITHIN, canary.failure
    # SO_SNDBUF is 64 KiB, which the kernel doubles.
    assert held < len(deaf) * (256 << 10)
    watch.expect_descriptors_back()


# H


def test_half_upgrades_leave_nothing_behind(echo):
    watch = ProcessWatch(echo.process.pid)
    octets = upgrade().replace(b"<get>", b"/")
    for cut in range(1, len(octets), 3):
        wire = Wire(echo.address)
        wire.send(octets[:cut])
        reset(wire)
    watch.expect_descriptors_back()


# R


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def herd(server: EchoServer, count: int) -> list[WebSocket]:
    """All connect, then all ask for their upgrade, then all read: as after an outage."""
    octets = upgrade().replace(b"<get>", b"/")
    wires = [Wire(server.address) for _ in range(count)]
    for wire in wires:
        wire.send(octets)
    for wire in wires:
        assert wire.take_through(b"\r\n\r\n", Deadline(WITHIN)).startswith(b"HTTP/1.1 101 ")
    made = []
    for wire in wires:
        made.append(WebSocket.__new__(WebSocket))
        made[-1].wire = wire
    return made


def all_echo(sockets: list[WebSocket]) -> None:
    for number, one in enumerate(sockets):
        one.send(TEXT, b"%d" % number)
    for number, one in enumerate(sockets):
        frame = one.receive(WITHIN)
        while frame.opcode == PING:
            frame = one.receive(WITHIN)
        assert frame.payload == b"%d" % number


def test_a_herd_comes_back_three_times_and_nobody_is_lost(echo, many_descriptors):
    watch = ProcessWatch(echo.process.pid)
    for end in (lambda one: one.wire.close(), lambda one: reset(one.wire),
                lambda one: one.wire.close()):
        sockets = herd(echo, 1000)
        all_echo(sockets)
        for one in sockets:
            end(one)
        watch.expect_descriptors_back()
    watch.expect_memory_within(GROWTH)


def test_two_thousand_upgrades_are_all_kept(echo, many_descriptors):
    watch = ProcessWatch(echo.process.pid)
    sockets = herd(echo, 2000)
    all_echo(sockets)
    for one in sockets:
        one.wire.close()
    watch.expect_descriptors_back()
