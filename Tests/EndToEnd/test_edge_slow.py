"""Slow and half-hearted clients: each is cut in its time, and nobody else waits for it.

    limits lowered by configuration: head 2 s, body 240 B/s over 2 s, idle 2 s

What is claimed is that a limit holds, so each case also shows that it did not strike too early.
Source: docs/LIMITS.md "HTTP"; RFC 9110 section 15.5.9; RFC 9112 section 9.5.
"""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge.attacks import is_reset, reset
from edge.http_case import HOST
from support.deadline import Deadline
from support.echo_server import EchoServer
from support.http_wire import NothingCame, PeerClosed, Wire
from support.process_watch import ProcessWatch
from support.server import OUTPUT

LIMIT = 2.0
# Timers are coarse and machines are busy; the claim is that it ends, and not at once.
WITHIN = 60.0
EARLIEST = LIMIT * 0.9

SETTINGS = {"CONTOSO_HTTP__HEADER_TIMEOUT": "2s", "CONTOSO_HTTP__BODY_WINDOW": "2s",
            "CONTOSO_HTTP__IDLE_TIMEOUT": "2s", "CONTOSO_HTTP__REQUEST_LINE": "1KiB",
            "CONTOSO_HTTP__HEADER_COUNT": "40", "CONTOSO_HTTP__HEADER_SIZE": "2KiB"}

GET = b"GET /health/live HTTP/1.1\r\n" + HOST
POST = b"POST /dev/token HTTP/1.1\r\n" + HOST
LENGTH = POST + b"Content-Length: 100000\r\n\r\n"
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def strict(make_server):
    server = make_server("edge-slow", environment=SETTINGS).start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def echo():
    server = EchoServer(OUTPUT / "servers" / "edge-slow-echo")
    yield server
    server.end()


def dripped(wire: Wire, octets: Iterator[bytes], pause: float = 0.1) -> tuple[float, bytes]:
    """Sends one piece after the other until the server ends it: seconds, and what it said."""
    start, deadline = time.monotonic(), Deadline(WITHIN)
    while not deadline.passed():
        wire.send(next(octets, b""))
        try:
            wire.more(Deadline(pause))
        except NothingCame:
            continue
        except PeerClosed as closed:
            return time.monotonic() - start, closed.received
    raise AssertionError(f"it was never cut: {wire.buffer!r}")


def once(piece: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([piece])


def begun(start: bytes, piece: bytes) -> Callable[[], Iterator[bytes]]:
    def pieces():
        yield start
        while True:
            yield piece
    return pieces


CUT_WITH_408 = {
    "half a request line": once(b"GET /hea"),
    "a request line and nothing more": once(GET),
    "a head without its last line": once(GET + b"X: a\r\n"),
    "an octet of a field now and then": begun(GET + b"X: ", b"a"),
    "a field now and then": begun(GET, b"X: a\r\n"),
    "an octet of the target now and then": begun(b"GET /", b"a"),
    "an empty line and nothing more": once(b"\r\n"),
    "a length and no body": once(LENGTH),
    "an octet of the body now and then": begun(LENGTH, b"a"),
    "a chunked body that never begins": once(CHUNKS),
    "a chunk of one octet now and then": begun(CHUNKS, b"1\r\na\r\n"),
    "an octet of a chunk now and then": begun(CHUNKS + b"ffff\r\n", b"a"),
    "an octet of an extension now and then": begun(CHUNKS + b"1;", b"a"),
    "an octet of a trailer now and then": begun(CHUNKS + b"0\r\nX: ", b"a"),
    "all of the body but its last octet": once(
        POST + b"Content-Length: 6\r\n\r\nhello"),
    "all chunks but the last line": once(CHUNKS + b"5\r\nhello\r\n0\r\n"),
}


@pytest.fixture(scope="module")
def endings(strict):
    """How each row ends, of all rows at once: they take their time."""
    def ending(row: tuple[str, bool]):
        name, tls = row
        with Wire(strict.https if tls else strict.http, tls=tls) as wire:
            return dripped(wire, CUT_WITH_408[name]())

    every = [(name, tls) for name in CUT_WITH_408 for tls in (False, True)]
    with ThreadPoolExecutor(len(every)) as threads:
        return dict(zip(every, threads.map(ending, every)))


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
@pytest.mark.parametrize("name", CUT_WITH_408)
def test_who_is_too_slow_is_told_so_and_cut(name, tls, endings):
    seconds, received = endings[name, tls]

    assert received.startswith(b"HTTP/1.1 408 "), received
    assert received.count(b"HTTP/1.1 ") == 1, received
    assert seconds >= EARLIEST


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_who_says_nothing_is_left_without_a_word(tls, strict):
    with Wire(strict.https if tls else strict.http, tls=tls) as wire:
        seconds, received = dripped(wire, iter(()))

    assert received == b""
    assert seconds >= EARLIEST


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_who_asks_no_more_is_left_without_a_word_and_not_before_its_time(tls, strict):
    with Wire(strict.https if tls else strict.http, tls=tls) as wire:
        for _ in range(3):
            assert wire.request("GET", "/health/live").status == 200
            time.sleep(LIMIT / 4)
        assert wire.request("GET", "/health/live").status == 200
        seconds, received = dripped(wire, iter(()))

    assert received == b""
    assert seconds >= EARLIEST


def test_a_body_that_is_slow_and_fast_enough_is_taken(strict):
    """Three windows at twice the least speed."""
    body = b'{"userId":"' + b" " * 4000 + b'u"}'
    with Wire(strict.http) as wire:
        wire.send(POST + b"Content-Type: application/json\r\n"
                  + b"Content-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 100):
            wire.send(body[start:start + 100])
            time.sleep(0.1)
        assert wire.read_response().status in (200, 400)
        assert wire.request("GET", "/health/live").status == 200


def test_the_sizes_of_a_head_can_be_set(strict):
    for octets, status in [
            (b"GET /" + b"a" * 1200 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
            (GET + b"X: a\r\n" * 40 + b"\r\n", 431),
            (GET + b"X: " + b"a" * 2100 + b"\r\n\r\n", 431),
            (GET + b"X: " + b"a" * 1900 + b"\r\n\r\n", 200)]:
        with Wire(strict.http) as wire:
            wire.send(octets)
            assert wire.read_response().status == status


def test_three_hundred_half_requests_hurt_no_whole_one(strict):
    pieces = [GET[:20], GET, LENGTH + b"a", CHUNKS + b"5\r\nhe", b"\r\n", b""]
    held = [Wire(strict.http) for _ in range(300)]
    try:
        for number, wire in enumerate(held):
            wire.send(pieces[number % len(pieces)])
        worst = 0.0
        for _ in range(20):
            start = time.monotonic()
            with Wire(strict.http) as wire:
                assert wire.request("GET", "/health/live").status == 200
            worst = max(worst, time.monotonic() - start)
    finally:
        for wire in held:
            wire.close()
    # Milliseconds on a calm machine; this one may be shared with a compiler.
    assert worst < 3.0


def test_two_thousand_connections_that_reset_at_once_leave_nothing_behind(strict):
    watch = ProcessWatch(strict.process.pid)
    for number in range(2000):
        wire = Wire(strict.http)
        if number % 2:
            wire.send(GET[:number % len(GET)])
        reset(wire)

    watch.expect_descriptors_back()
    watch.expect_memory_within(64 << 20)


def test_who_never_reads_its_answer_is_cut_and_pins_little_memory(echo):
    """Twenty ask for a mebibyte each, many times over, and read nothing."""
    watch = ProcessWatch(echo.process.pid)
    request = (b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 1048576\r\n\r\n"
               + bytes(1 << 20))
    deaf = []
    for _ in range(20):
        deaf.append(socket.socket())
        deaf[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf[-1].connect(echo.address)
        deaf[-1].settimeout(0.2)
    try:
        for one in deaf:
            try:
                for _ in range(8):
                    one.sendall(request)
            except (TimeoutError, OSError):
                pass
        watch.expect_memory_within(128 << 20)
        for one in deaf:
            assert is_reset(one, Deadline(WITHIN))
    finally:
        for one in deaf:
            one.close()
    watch.expect_descriptors_back()
    with Wire(echo.address) as wire:
        assert wire.request("GET", "/").status == 200
