"""Behind an ingress: who the client is, where it thinks it is, and whom to believe.

    client ──▶ nginx (127.0.0.1) ──▶ server         X-Forwarded-*, base path, identity header
    client, as a proxy would speak ──▶ server       PROXY protocol, raw bytes

The server trusts 127.0.0.1; clients come from other addresses of the loopback network.
"""

import json
import os
import struct
from string import Template
from types import SimpleNamespace

import pytest

from support.browser import Browser, is_installed
from support.deadline import until
from support.engine import HOST, free_port
from support.engines import HAProxyServer, NginxServer
from support.hub_client import HUB, HubClient
from support.http_wire import PeerClosed, Wire
from support.metrics import LISTENING, Metrics
from support.otlp_sink import OTLPSink
from support.server import OUTPUT, ROOT
from support.shop import new_user
from support.tokens import token_for
from support.websocket_wire import Refused, WebSocket

TRUSTING = {"CONTOSO_INGRESS__TRUSTED": "127.0.0.1"}
CLIENT, STRANGER = "127.0.0.9", "127.0.0.10"
ORDER = json.dumps({"items": [{"productId": "AZ-900", "quantity": 1}]}).encode()

NGINX = Template("""
$account
worker_processes 1;
pid $directory/nginx.pid;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $directory/body;
    proxy_temp_path $directory/proxy;
    fastcgi_temp_path $directory/fastcgi;
    uwsgi_temp_path $directory/uwsgi;
    scgi_temp_path $directory/scgi;
    map $$http_upgrade $$connection_upgrade { default upgrade; "" ""; }
    server {
        listen 127.0.0.1:$$port ssl;
        listen 127.0.0.1:$plain;
        ssl_certificate $certificate;
        ssl_certificate_key $key;
        location /shop/ {
            proxy_http_version 1.1;
            proxy_set_header Host $$http_host;
            proxy_set_header X-Forwarded-For $$proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $$scheme;
            proxy_set_header Upgrade $$http_upgrade;
            proxy_set_header Connection $$connection_upgrade;
            # Stands for a single sign-on: its cookie names the user.
            proxy_set_header X-Auth-User $$cookie_user;
            proxy_buffering off;
            proxy_pass http://$host:$backend$taken_off;
        }
    }
}
""")


@pytest.fixture
def make_ingress(request, certificate):
    """Puts nginx in front of a server, which it knows as /shop/; stopped at the end of the test."""
    made = []

    def make(server, *, takes_off: bool = True):
        directory = OUTPUT / "engines" / f"ingress-{free_port()}"
        plain = free_port()
        text = NGINX.substitute(
            account="user root;" if os.geteuid() == 0 else "", directory=directory, plain=plain,
            certificate=certificate.certificate, key=certificate.key, host=HOST,
            backend=server.http[1], taken_off="/" if takes_off else "")
        nginx = NginxServer(directory, text)
        made.append(nginx.start())
        return SimpleNamespace(http=(HOST, plain), https=(HOST, nginx.port))

    yield make
    for nginx in made:
        nginx.terminate()


def call(address, method, target, headers=None, body=b"", **wire):
    with Wire(address, **wire) as open_wire:
        return open_wire.request(method, target, {"Connection": "close", **(headers or {})}, body)


def bearer(user: str) -> dict:
    return {"Authorization": f"Bearer {token_for(user)}"}


def post_order(address, prefix="", headers=None, **wire):
    return call(address, "POST", f"{prefix}/api/orders",
                {"Content-Type": "application/json", **(headers or {})}, ORDER, **wire)


def client_addresses(sink: OTLPSink, count: int) -> list[str]:
    """Where the posted orders came from, as their traces say."""
    def found():
        posts = [span for trace in sink.traces().values() for span in trace
                 if span.name == "POST /api/orders"]
        return posts if len(posts) >= count else None
    spans = until(f"{count} orders are traced", found, 60.0)
    return [span.attributes["client.address"] for span in sorted(spans, key=lambda s: s.start)]


# Forwarded headers


def test_the_client_is_whom_nginx_saw_and_not_whom_it_claims_to_be(new_server, make_ingress):
    with OTLPSink() as sink:
        server = new_server(environment={**TRUSTING, **sink.environment}).start()
        ingress = make_ingress(server)
        user = bearer(new_user())
        lie = {"X-Forwarded-For": "198.51.100.1", "Forwarded": "for=198.51.100.1", **user}

        assert post_order(ingress.http, "/shop", lie, source=CLIENT).status == 201
        # Past the ingress, from an address that is not its.
        assert post_order(server.http, "", lie, source=STRANGER).status == 201

        assert client_addresses(sink, 2) == [CLIENT, STRANGER]


# Base path


@pytest.mark.parametrize("takes_off", [True, False], ids=["taken off", "left on"])
def test_everything_is_below_the_base_path(new_server, make_ingress, takes_off):
    server = new_server(environment={**TRUSTING, "CONTOSO_BASE_PATH": "/shop",
                                     "CONTOSO_WEB": str(ROOT / "web")}).start()
    ingress = make_ingress(server, takes_off=takes_off)
    user = bearer(new_user())

    created = post_order(ingress.http, "/shop", user)
    assert created.status == 201
    # The place of the order is one that the client can go to.
    place = created.header("Location")
    assert place.startswith("/shop/api/orders/")
    assert call(ingress.http, "GET", place, user).status == 200
    assert call(ingress.http, "GET", "/shop/health/ready").status == 200
    page = call(ingress.http, "GET", "/shop/orders/7")
    assert b'href="/shop/styles/base.css"' in page.body
    assert call(ingress.http, "GET", "/shop/styles/base.css").status == 200
    negotiated = call(ingress.http, "POST", f"/shop{HUB}/negotiate?negotiateVersion=1", user)
    assert negotiated.status == 200
    WebSocket(ingress.http, f"/shop{HUB}?access_token={token_for('anyone')}").wire.close()
    # Probes come without it.
    assert call(server.http, "GET", "/health/ready").status == 200


@pytest.mark.skipif(not is_installed(), reason="no chromium and chromedriver here")
@pytest.mark.parametrize("takes_off", [True, False], ids=["taken off", "left on"])
def test_the_shop_works_below_the_base_path_in_a_browser(new_server, make_ingress, takes_off):
    server = new_server(environment={**TRUSTING, "CONTOSO_BASE_PATH": "/shop",
                                     "CONTOSO_WEB": str(ROOT / "web")}).start()
    ingress = make_ingress(server, takes_off=takes_off)
    with Browser(ingress, below="/shop") as browser:
        browser.sign_in(new_user("buyer"))
        assert browser.path() == "/products"
        browser.add("AZ-900")
        browser.go_to_cart()
        browser.review_order()
        assert browser.path() == "/checkout"
        browser.check_out()
        until("the order is completed", lambda: browser.status() == "completed", within=60)
        browser.click("orders-link")
        browser.one("order-row")
        assert browser.path() == "/orders"
        browser.driver.back()
        browser.driver.refresh()
        browser.one("connection-pill")
        assert browser.path().startswith(("/checkout", "/orders"))
        assert browser.errors() == []


# Identity header


@pytest.fixture
def identified(new_server, make_ingress):
    server = new_server(environment={
        **TRUSTING, "CONTOSO_BASE_PATH": "/shop", "CONTOSO_IDENTITY_HEADER": "X-Auth-User"}).start()
    return SimpleNamespace(server=server, **vars(make_ingress(server)))


def status(address, headers, **wire) -> int:
    prefix = wire.pop("prefix", "/shop")
    return call(address, "GET", f"{prefix}/api/orders?offset=0&size=1", headers, **wire).status


def test_the_ingress_says_who_the_user_is(identified):
    alice, bob = new_user("alice"), new_user("bob")
    cookie = {"Cookie": f"user={alice}"}

    place = post_order(identified.http, "/shop", cookie).header("Location")

    assert call(identified.http, "GET", place, cookie).status == 200
    assert call(identified.http, "GET", place, {"Cookie": f"user={bob}"}).status == 404
    # A token speaks first, and one that is not good speaks for nobody.
    assert call(identified.http, "GET", place, {**cookie, **bearer(bob)}).status == 404
    assert status(identified.http, {**cookie, "Authorization": "Bearer a.b.c"}) == 401
    # nginx replaces what a client has written.
    assert status(identified.http, {"X-Auth-User": alice}) == 401


def test_nobody_but_the_ingress_says_who_the_user_is(identified):
    direct = identified.server.http
    forwarded = {"X-Forwarded-For": CLIENT}
    assert status(direct, {"X-Auth-User": "alice", **forwarded}, source=STRANGER) == 401
    assert status(direct, {"X-Auth-User": "alice"}) == 401
    # As the ingress would ask; with the header once and twice.
    assert status(direct, {"X-Auth-User": "alice", **forwarded}) == 200
    assert status(direct, {"X-Auth-User": "alice", "x-auth-user": "bob", **forwarded}) == 401
    assert status(direct, {"X-Auth-User": "a" * 65, **forwarded}) == 401


def test_the_page_of_a_stranger_gets_no_socket_with_the_cookie(identified):
    def opens(origin: str) -> bool:
        fields = {"Host": "shop.example", "Cookie": "user=alice", "Origin": origin}
        try:
            WebSocket(identified.http, f"/shop{HUB}", fields).wire.close()
            return True
        except Refused as refused:
            assert refused.response.status == 401
            return False

    assert opens("http://shop.example")
    assert not opens("https://shop.example")
    assert not opens("http://evil.example")


# PROXY protocol


def text_header(client: str) -> bytes:
    return f"PROXY TCP4 {client} 10.0.0.1 51234 443\r\n".encode()


def binary_header(client: str) -> bytes:
    """With an extension that nobody knows."""
    block = bytes(map(int, client.split("."))) + bytes([10, 0, 0, 1]) + struct.pack("!HH", 51234, 443)
    block += b"\xEE\x00\x01x"
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x11, len(block)) + block


def test_a_proxy_header_names_the_client_in_front_of_tls_and_of_http(new_server):
    with OTLPSink() as sink:
        server = new_server(environment={
            **TRUSTING, **sink.environment, "CONTOSO_PROXY_PROTOCOL": "http,https"}).start()
        user = bearer(new_user())
        lie = {"X-Forwarded-For": "198.51.100.1", **user}

        for number, header in enumerate([text_header, binary_header]):
            plain, encrypted = f"203.0.113.{number}", f"203.0.113.1{number}"
            assert post_order(server.http, "", lie, preface=header(plain)).status == 201
            assert post_order(server.https, "", lie, tls=True, preface=header(encrypted)).status == 201

        assert client_addresses(sink, 4) == [
            "203.0.113.0", "203.0.113.10", "203.0.113.1", "203.0.113.11"]


def test_haproxy_names_the_client_in_both_versions_and_lets_sockets_through(new_server):
    with OTLPSink() as sink:
        server = new_server(environment={
            **TRUSTING, **sink.environment, "CONTOSO_PROXY_PROTOCOL": "http,https"}).start()
        routes = [(address[1], header) for header in ("send-proxy", "send-proxy-v2")
                  for address in (server.http, server.https)]
        haproxy = HAProxyServer(OUTPUT / "engines" / f"haproxy-{free_port()}", routes).start()
        try:
            for number, port in enumerate(haproxy.ports):
                user, tls = new_user(), number % 2 == 1
                front = SimpleNamespace(http=(HOST, port), https=(HOST, port))
                answer = post_order((HOST, port), "", bearer(user), tls=tls,
                                    source=f"127.0.0.{20 + number}")
                assert answer.status == 201, answer
                with HubClient(front, user, tls=tls) as tab:
                    status = tab.result("GetCurrentStatus", answer.json()["correlationId"])
                    assert status["orderId"] == answer.json()["id"]
        finally:
            haproxy.terminate()

        assert client_addresses(sink, 4) == [f"127.0.0.{20 + number}" for number in range(4)]


def test_a_proxy_in_front_of_nginx_and_nginx_together_name_the_client(new_server):
    """The header names nginx, which is trusted, and nginx names the client."""
    with OTLPSink() as sink:
        server = new_server(environment={
            "CONTOSO_INGRESS__TRUSTED": "loopback,10.0.0.0/8", **sink.environment,
            "CONTOSO_PROXY_PROTOCOL": "http"}).start()
        fields = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", **bearer(new_user())}

        assert post_order(server.http, "", fields, preface=text_header("10.0.0.7")).status == 201

        assert client_addresses(sink, 1) == ["203.0.113.7"]


def test_a_listener_for_proxies_closes_on_everybody_else_and_counts_them(new_server):
    server = new_server(environment={
        **TRUSTING, **LISTENING, "CONTOSO_PROXY_PROTOCOL": "http",
        "CONTOSO_INGRESS__PROXY_HEADER_TIMEOUT": "500ms"}).start()

    def is_refused(data: bytes, **wire) -> bool:
        with Wire(server.http, **wire) as open_wire:
            open_wire.send(data)
            with pytest.raises(PeerClosed) as closed:
                open_wire.read_response(within=60)
        return closed.value.received == b""

    assert is_refused(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
    assert is_refused(text_header("203.0.113.7"), source=STRANGER)
    assert is_refused(b"PROXY TCP4 ")
    # TLS has no business here; the other listener wants no header.
    assert call(server.https, "GET", "/health/ready", tls=True).status == 200

    def counted():
        values = Metrics(server).scrape()
        return {reason: values[f'contoso_proxy_header_refusals_total{{reason="{reason}"}}']
                for reason in ("missing", "untrusted", "timedOut", "malformed")}
    assert counted() == {"missing": 1, "untrusted": 1, "timedOut": 1, "malformed": 0}
