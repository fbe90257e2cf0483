"""The HTTP tables against the real code: plain, over TLS, on the platform, behind nginx.

    table ──▶ echo-server     every row; bodies are compared octet for octet
          ──▶ contoso         every row that needs no echo
          ──▶ nginx ──▶ echo-server    behind each row, a stranger's POST must get its own body back

The last is the test of smuggling proper: nginx shares its connections to the server among its
clients, so that octets which one of them has left over would become part of another's request.
A lenient server, Python's own, shows that the tables find fault. Source: edge/http_*.py.
"""

import http.server
import os
import threading

import pytest

from edge.http_case import Case, Target, get, judge, post
from edge.http_connection import ACCEPTED_UPGRADES, upgrade
from edge.http_table import FIELDS, FRAMING, LINES, REFUSED_UPGRADES, SIZES, TABLE
from support.deadline import Deadline
from support.echo_server import EchoServer
from support.engine import HOST, free_port
from support.engines import NginxServer
from support.http_wire import NothingCame, PeerClosed, Wire
from support.hub_client import HubClient
from support.process_watch import ProcessWatch
from support.server import OUTPUT
from support.websocket_wire import TEXT, WebSocket, encode

# TLS has no half-close that Python could send.
WHOLE = [case for case in TABLE if not case.half_closes]
# The platform answers GETs and refuses what it is POSTed; its upgrades are the hub's.
WITHOUT_ECHO = [case for case in TABLE
                if not case.echoes and case not in SIZES and case not in REFUSED_UPGRADES]


def rows(cases: list[Case]):
    return pytest.mark.parametrize("case", cases, ids=str)


def test_the_tables_are_as_long_as_they_claim_to_be_and_no_row_stands_twice():
    assert len(TABLE) + len(ACCEPTED_UPGRADES) >= 580
    assert len({case.name for case in TABLE}) == len(TABLE)
    assert len({(case.octets, case.dribbles, case.half_closes) for case in TABLE}) == len(TABLE)


@pytest.fixture(scope="module")
def plain():
    server = EchoServer(OUTPUT / "servers" / "edge-plain")
    yield server
    server.end()


@pytest.fixture(scope="module")
def encrypted(certificate):
    server = EchoServer(OUTPUT / "servers" / "edge-tls", certificate)
    yield server
    server.end()


@pytest.fixture(scope="module")
def plain_watch(plain):
    return ProcessWatch(plain.process.pid)


@rows(TABLE)
def test_over_tcp(case, plain, plain_watch):
    judge(case, Target(plain.address))


@rows(WHOLE)
def test_over_tls(case, encrypted):
    judge(case, Target(encrypted.address, tls=True))


@pytest.fixture(scope="module")
def established(server):
    with HubClient(server, "established") as hub:
        yield hub


@rows(WITHOUT_ECHO)
def test_on_the_platform(case, server, established):
    judge(case, Target(server.http, get_path=b"/health/live", post_path=b"/dev/token"))
    assert established.result("Ping") is None


@pytest.mark.parametrize("octets", ACCEPTED_UPGRADES.values(), ids=ACCEPTED_UPGRADES.keys())
@pytest.mark.parametrize("tls", [False, True], ids=["ws", "wss"])
def test_a_good_upgrade_is_accepted(octets, tls, plain, encrypted):
    address = encrypted.address if tls else plain.address
    with WebSocket.from_octets(address, octets.replace(b"<get>", b"/"), tls=tls) as socket:
        socket.send(TEXT, b"hello")
        assert socket.receive().payload == b"hello"


def test_frames_in_the_packet_of_the_upgrade_are_read(plain):
    octets = ACCEPTED_UPGRADES["the usual"].replace(b"<get>", b"/")
    frames = b"".join(encode(TEXT, b"%d" % number) for number in range(100))
    with WebSocket.from_octets(plain.address, octets + frames) as socket:
        assert [socket.receive().payload for _ in range(100)] == [
            b"%d" % number for number in range(100)]


def test_a_body_that_is_waited_for_is_read_before_the_first_frame(plain):
    """Else its octets would be frames, and so would what somebody else has put into it."""
    with Wire(plain.address) as wire:
        wire.send(Target(plain.address).fill(
            upgrade(more=b"Content-Length: 5\r\nExpect: 100-continue\r\n")))
        assert wire.read_response().status == 100
        wire.send(encode(TEXT, b"")[:5] + encode(TEXT, b"hello"))
        assert wire.take_through(b"\r\n\r\n", Deadline(10)).startswith(b"HTTP/1.1 101 ")
        assert wire.take(7, Deadline(10)) == b"\x81\x05hello"


def test_every_split_of_a_request_is_the_same_request(plain):
    """A head with a chunked body, cut in two at each of its octets."""
    request = Target(plain.address).fill(
        post(b"Transfer-Encoding: chunked\r\n", b'5;a="b"\r\nhello\r\n0\r\nX: y\r\n\r\n'))
    with Wire(plain.address) as wire:
        for cut in range(1, len(request)):
            wire.send(request[:cut])
            wire.send(request[cut:])
            assert wire.read_response().body == b"hello", cut


def test_memory_and_descriptors_come_back_behind_the_tables(plain, plain_watch):
    """Three more rounds of all rows: what one round leaves behind would show."""
    for case in TABLE * 3:
        judge(case, Target(plain.address))

    plain_watch.expect_descriptors_back()
    plain_watch.expect_memory_within(64 << 20)


INGRESS = """
%(account)s
worker_processes 1;
pid %(directory)s/nginx.pid;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path %(directory)s/body;
    proxy_temp_path %(directory)s/proxy;
    fastcgi_temp_path %(directory)s/fastcgi;
    uwsgi_temp_path %(directory)s/uwsgi;
    scgi_temp_path %(directory)s/scgi;
    client_max_body_size 32m;
    upstream echo { server %(upstream)s; keepalive 4; }
    server {
        listen %(listen)s;
        location / {
            proxy_pass http://echo;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
        }
    }
}
"""


@pytest.fixture(scope="module")
def ingress(plain):
    port = free_port()
    directory = OUTPUT / "servers" / "edge-nginx"
    nginx = NginxServer(directory, INGRESS % {
        "account": "user root;" if os.geteuid() == 0 else "", "directory": directory,
        "listen": f"{HOST}:{port}", "upstream": "%s:%d" % plain.address}, port=port)
    nginx.start()
    yield HOST, port
    nginx.terminate()


@rows([case for case in [*FRAMING, *FIELDS, *LINES] if not case.half_closes])
def test_no_row_reaches_the_next_client_behind_nginx(case, ingress):
    target = Target(ingress)
    with Wire(ingress) as wire:
        wire.send(target.fill(case.octets + get()))
        # Whatever nginx makes of it; where it waits for more, so will it for ever.
        try:
            wire.more(Deadline(0.05))
        except (PeerClosed, NothingCame):
            pass
        for number in range(2):
            with Wire(ingress) as stranger:
                body = b"%s %d" % (os.urandom(8).hex().encode(), number)
                stranger.send(target.fill(post(b"Content-Length: %d\r\n" % len(body), body)))
                response = stranger.read_response()
                assert (response.status, response.body) == (200, body)


class Lenient(http.server.BaseHTTPRequestHandler):
    """What a server looks like that mends what it is sent."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"ok")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def answer(self, body: bytes):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_the_tables_find_fault_with_a_lenient_server():
    server = http.server.ThreadingHTTPServer((HOST, 0), Lenient)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cases = [case for case in FIELDS if case.ends and len(case.octets) < 10_000]
    found = 0
    try:
        for case in cases:
            try:
                judge(case, Target(server.server_address))
            except AssertionError:
                found += 1
    finally:
        server.shutdown()
        server.server_close()
    assert len(cases) / 2 < found <= len(cases)
