"""What a stranger can do to the TLS listener, and what it does for those who speak well.

    bare socket ── hand-made ClientHello ──▶ server        what libraries would not send
    ssl, openssl s_client ── real handshakes ──▶ server    sessions, names, staples, renewal

Source: RFC 8446, RFC 5246, RFC 9325 (recommendations), docs/LIMITS.md.
"""

import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from support import tls_wire
from support.certificate import RSA, Authority, together
from support.deadline import until
from support.http_wire import Wire
from support.metrics import LISTENING, Metrics
from support.tls_wire import (ECDHE_AEAD, P256, P384, P521, SSL30, TLS10, TLS11, X25519, Alert,
                              ClientHello, ServerHello, TLSWire, answer, extension, vector)

GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
WITHIN = 30.0


def handshake(address, context: ssl.SSLContext | None = None, name: str | None = "localhost",
              session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    raw = socket.create_connection(address, timeout=WITHIN)
    context = context or any_server()
    # A close without close_notify is an error.
    return context.wrap_socket(raw, server_hostname=name, session=session,
                               suppress_ragged_eofs=False)


def any_server(version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.certificate))


def get(secured: ssl.SSLSocket) -> bytes:
    """One request; the head of its answer, and whatever of the body came with it."""
    secured.sendall(GET)
    return secured.recv(65536)


def s_client(address, *words: str, said: bytes = b"") -> str:
    """What openssl's own client sees; it ends when it has said everything."""
    host, port = address
    ended = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", *words],
                           input=said, capture_output=True, timeout=WITHIN)
    return (ended.stdout + ended.stderr).decode(errors="replace")


@pytest.fixture(autouse=True)
def canary(server):
    """Whatever was done, others are served."""
    yield
    with handshake(server.https) as secured:
        assert get(secured).startswith(b"HTTP/1.1 200")


# Versions, ciphers, groups

@pytest.mark.parametrize("version", [SSL30, TLS10, TLS11])
def test_versions_before_1_2_are_refused(server, version):
    refused = answer(server.https, ClientHello(version, ciphers=[0xC009, 0xC013, 0x2F, 0x35]))
    # For SSL 3 OpenSSL says handshake_failure.
    assert refused in (None, Alert(2, tls_wire.PROTOCOL_VERSION),
                       Alert(2, tls_wire.HANDSHAKE_FAILURE)), refused


def test_a_hello_of_SSL_2_is_refused(server):
    body = b"\x01\x00\x02\x00\x03\x00\x00\x00\x10\x01\x00\x80" + bytes(16)
    refused = answer(server.https, bytes([0x80, len(body)]) + body)
    assert refused is None or isinstance(refused, Alert), refused


@pytest.mark.parametrize("version, name", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
                                           (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_versions_1_2_and_1_3_are_served_with_forward_secrecy_and_AEAD(server, version, name):
    with handshake(server.https, any_server(version)) as secured:
        assert secured.version() == name
        cipher = secured.cipher()[0]
        assert "GCM" in cipher or "CHACHA20" in cipher, cipher
        assert name == "TLSv1.3" or cipher.startswith("ECDHE"), cipher
        assert get(secured).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("cipher", ECDHE_AEAD[:2] + ECDHE_AEAD[5:])
def test_each_cipher_for_our_certificate_is_served(server, cipher):
    hello = answer(server.https, ClientHello(ciphers=[cipher]))
    assert isinstance(hello, ServerHello) and hello.cipher == cipher, hello


WEAK = {
    "RSA key transport": [0x009C, 0x009D, 0x003C, 0x002F, 0x0035],
    "ECDHE with CBC": [0xC009, 0xC00A, 0xC023, 0xC024, 0xC013, 0xC014],
    "finite-field Diffie-Hellman": [0x009E, 0x009F, 0x0033, 0x0039, 0xCCAA],
    "anonymous": [0x0018, 0x0034, 0x00A6, 0xC017, 0xC018],
    "no encryption": [0x0000, 0x0001, 0x0002, 0x003B, 0xC006, 0xC010],
    "export": [0x0003, 0x0006, 0x0008, 0x0014],
    "RC4": [0x0004, 0x0005, 0xC007, 0xC011],
    "3DES": [0x000A, 0xC008, 0xC012],
    "CCM with a short tag": [0xC0AE, 0xC0AF],
}


@pytest.mark.parametrize("ciphers", WEAK.values(), ids=WEAK.keys())
def test_a_client_with_nothing_but_weak_ciphers_is_refused(server, ciphers):
    refused = answer(server.https, ClientHello(ciphers=ciphers))
    assert refused == Alert(2, tls_wire.HANDSHAKE_FAILURE), refused


def test_our_order_of_ciphers_counts(server):
    chosen = {answer(server.https, ClientHello(ciphers=order)).cipher
              for order in ([0xC02B, 0xC02C, 0xCCA9], [0xC02C, 0xC02B, 0xCCA9])}
    assert len(chosen) == 1, chosen


def test_but_a_client_that_puts_ChaCha20_first_gets_it(server):
    assert answer(server.https, ClientHello(ciphers=[0xCCA9, 0xC02C, 0xC02B])).cipher == 0xCCA9


def test_a_client_that_had_to_fall_back_is_told_that_it_need_not(server):
    """RFC 7507: we know 1.3, so that a client that comes with less has been tricked."""
    refused = answer(server.https, ClientHello(ciphers=[*ECDHE_AEAD, tls_wire.FALLBACK_SCSV]))
    assert refused == Alert(2, tls_wire.INAPPROPRIATE_FALLBACK), refused


@pytest.mark.parametrize("group", [X25519, P256, P384])
def test_groups_for_the_key_exchange(server, group):
    assert isinstance(answer(server.https, ClientHello(groups=[group, P256])), ServerHello)


@pytest.mark.parametrize("group", [P521, 30, 1, 0x0100])
def test_other_groups_are_refused(server, group):
    assert isinstance(answer(server.https, ClientHello(groups=[group])), Alert)


# Extensions and what they must not open

def test_compression_is_never_chosen(server):
    hello = answer(server.https, ClientHello(compressions=b"\x01\x00"))
    assert isinstance(hello, ServerHello) and hello.compression == 0, hello


def test_the_extended_master_secret_is_agreed_on(server):
    hello = answer(server.https, ClientHello(more=extension(tls_wire.EMS, b"")))
    assert hello.extensions.get(tls_wire.EMS) == b"", hello


def test_secure_renegotiation_is_announced_and_heartbeats_are_not(server):
    offered = extension(tls_wire.RENEGOTIATION, b"\0") + extension(tls_wire.HEARTBEATS, b"\1")
    hello = answer(server.https, ClientHello(more=offered))
    assert hello.extensions.get(tls_wire.RENEGOTIATION) == b"\0", hello
    assert tls_wire.HEARTBEATS not in hello.extensions


def test_a_heartbeat_is_not_answered(server):
    with TLSWire(server.https) as wire:
        wire.send(ClientHello(more=extension(tls_wire.HEARTBEATS, b"\1")).bytes())
        assert isinstance(wire.answer(), ServerHello)
        wire.send(bytes([tls_wire.HEARTBEAT, 3, 3, 0, 3, 1, 0x40, 0]))
        kinds = []
        try:
            while True:
                kinds.append(wire.record()[0])
        except (tls_wire.Closed, ConnectionResetError):
            pass
        assert tls_wire.HEARTBEAT not in kinds, kinds


def test_extensions_nobody_knows_are_ignored(server):
    unknown = b"".join(extension(kind, b"\0" * 8) for kind in (0x0A0A, 0x7777, 0xFAFA))
    assert isinstance(answer(server.https, ClientHello(more=unknown)), ServerHello)


def test_ALPN_chooses_http_1_1(server):
    hello = answer(server.https, ClientHello(more=tls_wire.protocols("h2", "http/1.1")))
    assert hello.extensions[tls_wire.ALPN] == vector(vector(b"http/1.1", 1))


def test_a_client_that_speaks_h2_only_is_refused(server):
    refused = answer(server.https, ClientHello(more=tls_wire.protocols("h2")))
    assert refused == Alert(2, tls_wire.NO_ALPN), refused


@pytest.mark.parametrize("name", ["localhost", "elsewhere.example", "a" * 250, "127.0.0.1", "*"])
def test_any_server_name_is_served(server, name):
    assert isinstance(answer(server.https, ClientHello(more=tls_wire.server_name(name))),
                      ServerHello)


@pytest.mark.parametrize("content", [b"\0\0", b"\0\x05\0\0\x09abc", b"\0\x04\0\0\x01\0"])
def test_a_malformed_server_name_is_refused(server, content):
    refused = answer(server.https, ClientHello(more=extension(tls_wire.SERVER_NAME, content)))
    assert isinstance(refused, Alert), refused


def test_renegotiation_is_refused(server):
    seen = s_client(server.https, "-tls1_2", "-state", said=b"R\nQ\n")
    assert "no renegotiation" in seen.lower(), seen[-2000:]


def test_no_data_is_taken_before_the_handshake(server, tmp_path):
    """0-RTT data can be repeated by anybody who saw it."""
    kept, early = tmp_path / "session", tmp_path / "early"
    early.write_bytes(GET)
    s_client(server.https, "-tls1_3", "-sess_out", str(kept), "-ign_eof",
             said=GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    seen = s_client(server.https, "-tls1_3", "-sess_in", str(kept), "-early_data", str(early))
    assert "Reused, TLSv1.3" in seen, seen
    assert "Early data was accepted" not in seen, seen


# Bytes

def test_a_hello_in_single_bytes_is_put_together(server):
    with TLSWire(server.https) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in ClientHello().bytes():
            wire.send(bytes([byte]))
        assert isinstance(wire.answer(), ServerHello)


def test_a_hello_in_many_records_is_put_together(server):
    message = ClientHello().bytes()[5:]
    pieces = [message[position:position + 7] for position in range(0, len(message), 7)]
    records = b"".join(b"\x16\x03\x01" + vector(piece) for piece in pieces)
    assert isinstance(answer(server.https, records), ServerHello)


def test_50_pipelined_requests_in_one_record_are_all_answered(server):
    """What is left inside the TLS library is reported by no poller."""
    with Wire(server.https, tls=True) as wire:
        wire.send(GET * 50)
        assert [wire.read_response().status for _ in range(50)] == [200] * 50


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("request_line", ["GET /health/live HTTP/1.1", "BREAK IT"])
def test_every_close_of_ours_is_announced(server, version, request_line):
    with handshake(server.https, any_server(version)) as secured:
        secured.sendall(f"{request_line}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        while secured.recv(65536):
            pass  # A close without close_notify raises.


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT"])
def test_plain_HTTP_on_the_TLS_port_is_told_what_the_port_speaks(server, method):
    with Wire(server.https) as wire:
        wire.send(f"{method} / HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        response = wire.read_response()
        assert (response.status, response.header("Connection")) == (400, "close")
        assert b"This port speaks TLS" in response.body
        assert wire.is_closed(WITHIN)


@pytest.mark.parametrize("octets", [b"SSH-2.0-x\r\n", bytes(64), b"\x16\x03\x01\xff\xff" + bytes(99),
                                    b"\x17\x03\x03\x00\x01\x00", b"OPTIONS * HTTP/1.1\r\n\r\n"])
def test_what_is_no_handshake_is_refused_at_once(server, octets):
    with TLSWire(server.https, within=WITHIN) as wire:
        wire.send(octets)
        refused = wire.answer()
        assert refused is None or isinstance(refused, Alert), refused


def test_a_handshake_has_its_time(new_server):
    server = new_server(environment={"CONTOSO_TLS__HANDSHAKE_TIMEOUT": "1s", **LISTENING}).start()
    for octets in (b"", ClientHello().bytes()[:20]):
        with TLSWire(server.https, within=WITHIN) as wire:
            wire.send(octets)
            assert wire.answer() is None
    failures = Metrics(server).scrape()
    assert failures['contoso_tls_handshake_failures_total{reason="timeout"}'] == 2


def test_500_broken_handshakes_leave_nothing_behind(new_server):
    server = new_server(environment=LISTENING).start()
    metrics = Metrics(server)
    hello = ClientHello().bytes()
    broken = [hello[:30], hello + hello, b"\x16\x03\x01\x00\x02\x01\x00", GET, bytes(9), hello]
    descriptors = metrics.scrape()["process_open_fds"]
    for number in range(500):
        with TLSWire(server.https) as wire:
            wire.send(broken[number % len(broken)])

    def is_over():
        now = metrics.scrape()
        counted = sum(value for name, value in now.items()
                      if name.startswith("contoso_tls_handshake_failures_total"))
        return counted == 500 and now["process_open_fds"] <= descriptors
    until("all have failed and their descriptors are back", is_over, WITHIN)


# Sessions

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_goes_on_with_another_pod_and_after_a_renewal(new_server, version):
    shared = {"CONTOSO_TLS__TICKET_SECRET": "a secret of all pods, " + "x" * 32}
    pods = [new_server(environment={**shared, "CONTOSO_ROLES": "accept"}).start()
            for _ in range(2)]
    context = any_server(version)
    session = None
    for pod, is_resumed in [(pods[0], False), (pods[1], True), (pods[0], True)]:
        with handshake(pod.https, context, session=session) as secured:
            assert get(secured).startswith(b"HTTP/1.1 200")
            assert secured.session_reused == is_resumed
            session = secured.session
    pods[1].stop()
    pods[1].start()
    with handshake(pods[1].https, context, session=session) as secured:
        assert get(secured) and secured.session_reused, "after a restart"


def test_a_session_of_a_server_with_random_keys_goes_on_there_only(server, new_server):
    stranger = new_server(environment={"CONTOSO_ROLES": "accept"}).start()
    context = any_server(ssl.TLSVersion.TLSv1_2)
    with handshake(server.https, context) as secured:
        session = secured.session
    for address, is_resumed in [(server.https, True), (stranger.https, False)]:
        with handshake(address, context, session=session) as secured:
            assert secured.session_reused == is_resumed
            assert get(secured).startswith(b"HTTP/1.1 200")


# Certificates

def test_the_server_name_chooses_among_certificates(new_server, tmp_path):
    authority = Authority(tmp_path / "ca")
    server = new_server(environment=LISTENING)
    certificates = [authority.issue("localhost", "IP:127.0.0.1"),
                    authority.issue("shop.example", "*.shop.example"),
                    authority.issue("shop.example", key=RSA)]
    server.certificate = together(*certificates)
    server.start()
    context = trusting(authority)
    for name in ("localhost", "shop.example", "WWW.shop.example"):
        with handshake(server.https, context, name) as secured:
            assert get(secured).startswith(b"HTTP/1.1 200")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server.https, context, "elsewhere.example")
    seen = s_client(server.https, "-servername", "shop.example", "-sigalgs", "RSA-PSS+SHA256")
    assert "RSA-PSS" in seen and "Cipher is (NONE)" not in seen, seen
    ends = [value for name, value in Metrics(server).scrape().items()
            if name.startswith("contoso_tls_certificate_expiry_timestamp_seconds")]
    assert len(ends) == 3


def test_a_renewed_certificate_is_served_without_a_signal_and_nobody_is_cut(new_server, tmp_path):
    authority = Authority(tmp_path / "ca")
    server = new_server(environment={"CONTOSO_TLS__RELOAD_INTERVAL": "1s", **LISTENING})
    server.certificate = authority.issue("localhost")
    server.start()
    with handshake(server.https, trusting(authority)) as old:
        before = old.getpeercert()["serialNumber"]
        fresh = authority.issue("localhost")
        # Half of the pair: the old one stays.
        shutil.copy(fresh.certificate, server.certificate.certificate)
        until("the reload has failed", lambda: Metrics(server).scrape()[
            "contoso_tls_reload_failures_total"] == 1, WITHIN)
        with handshake(server.https, trusting(authority)) as secured:
            assert secured.getpeercert()["serialNumber"] == before
        shutil.copy(fresh.key, server.certificate.key)

        def is_renewed():
            with handshake(server.https, trusting(authority)) as secured:
                return secured.getpeercert()["serialNumber"] != before
        until("the new certificate is served", is_renewed, WITHIN)
        assert get(old).startswith(b"HTTP/1.1 200")


def test_SIGHUP_renews_at_once(new_server, tmp_path):
    authority = Authority(tmp_path / "ca")
    server = new_server(environment={"CONTOSO_TLS__RELOAD_INTERVAL": "1h"})
    server.certificate = authority.issue("localhost")
    server.start()
    fresh = authority.issue("localhost")
    shutil.copy(fresh.certificate, server.certificate.certificate)
    shutil.copy(fresh.key, server.certificate.key)
    served = ssl.PEM_cert_to_DER_cert(fresh.certificate.read_text().partition("\n-----END")[0]
                                      + "\n-----END CERTIFICATE-----\n")

    server.process.send_signal(signal.SIGHUP)

    def is_renewed():
        with handshake(server.https, trusting(authority)) as secured:
            return secured.getpeercert(binary_form=True) == served
    until("the new certificate is served", is_renewed, WITHIN)


def test_an_OCSP_response_is_stapled(new_server, tmp_path):
    authority = Authority(tmp_path / "ca")
    certificate = authority.issue("localhost")
    server = new_server(environment={"CONTOSO_TLS__OCSP": str(authority.staple(certificate))})
    server.certificate = certificate
    server.start()
    for version in ("-tls1_2", "-tls1_3"):
        seen = s_client(server.https, "-status", version)
        assert "OCSP Response Status: successful" in seen, seen
        assert "Cert Status: good" in seen, seen


def test_clients_without_a_required_certificate_are_refused_and_counted(new_server, tmp_path):
    authority = Authority(tmp_path / "ca")
    server = new_server(environment={
        "CONTOSO_TLS__CLIENT_AUTH": "required",
        "CONTOSO_TLS__CLIENT_CA": str(authority.certificate), **LISTENING}).start()
    courier = authority.issue("courier", usage="clientAuth")
    context = any_server()
    context.load_cert_chain(courier.certificate, courier.key)
    with handshake(server.https, context) as secured:
        assert get(secured).startswith(b"HTTP/1.1 200")
    with pytest.raises(OSError):
        with handshake(server.https) as secured:
            get(secured)
    refused = 'contoso_tls_handshake_failures_total{reason="certificate"}'
    until("the refusal is counted", lambda: Metrics(server).scrape()[refused] == 1, WITHIN)


def test_strict_transport_security_is_said_over_TLS_only(new_server):
    server = new_server(environment={"CONTOSO_TLS__HSTS": "365d"}).start()
    for address, tls, value in [(server.https, True, "max-age=31536000"),
                                (server.http, False, None)]:
        with Wire(address, tls) as wire:
            response = wire.request("GET", "/health/live")
            assert response.header("Strict-Transport-Security") == value
