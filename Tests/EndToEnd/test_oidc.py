"""Tokens of an OpenID Connect authority, against the binary as it runs in production.

Source: OpenID Connect Discovery 1.0; RFC 7517; RFC 8725 (what must never pass).
"""

import base64
import itertools
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from support.certificate import make_certificate
from support.deadline import until
from support.http_wire import PeerClosed, request
from support.hub_client import HubClient, negotiate, status_of_connecting
from support.oidc import AUDIENCE, KEYS, METADATA, ProductionServer, SigningKey, running
from support.server import OUTPUT, run_to_end
from support.shop import Shop, new_user
from support.tokens import SIGNING_KEY, sign

CONFIGURATION = 78
# A key nobody knew is asked for at most every thirty seconds.
ROTATED_WITHIN = 45.0

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def authority(certificate):
    with running(certificate) as started:
        yield started


def make(certificate, authority) -> ProductionServer:
    directory = OUTPUT / "servers" / f"oidc-{next(_numbers):02}"
    return ProductionServer(directory, certificate).trusting(authority)


def is_ready(server) -> bool:
    return request(server.http, "GET", "/health/ready").status == 200


@pytest.fixture(scope="module")
def server(certificate, authority):
    started = make(certificate, authority).start()
    until("the keys have come", lambda: is_ready(started), 15.0)
    yield started
    started.end()


def statuses(server, token: str) -> set[int]:
    """What API, negotiation and hub say to a token: one answer, if they agree."""
    return {Shop(server, token=token).get("/api/orders?offset=0&size=10").status,
            {101: 200}.get(status := status_of_connecting(server, "u", token), status),
            negotiate(server, token).status}


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"])
def test_a_token_of_the_authority_opens_api_and_hub(certificate, algorithm):
    with running(certificate) as authority:
        authority.key = SigningKey("only", algorithm)
        authority.published = [authority.key.jwk()]
        server = make(certificate, authority).start()
        until("the keys have come", lambda: is_ready(server), 15.0)

        assert statuses(server, authority.token_for(new_user())) == {200}
        server.end()


def test_an_order_of_a_user_of_the_authority_is_completed(server, authority):
    user = new_user()
    shop = Shop(server, user, authority.token_for(user))
    with HubClient(server, user, shop.token) as hub:
        correlation = shop.ordered()["correlationId"]
        hub.result("RegisterOrder", correlation)
        hub.notification(correlation, within=15.0)


def test_what_is_not_ours_is_refused_by_api_and_hub_alike(server, authority):
    stranger = SigningKey(authority.key.id)
    public = authority.key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = authority.claims("u")
    good = authority.token_for("u")
    head, body, signature = good.split(".")
    forged = base64.urlsafe_b64encode(
        json.dumps({**claims, "sub": "victim"}).encode()).rstrip(b"=").decode()
    for name, token in {
        "another issuer": authority.token_for("u", iss="https://evil.example"),
        "another audience": authority.token_for("u", aud="other"),
        "no audience": authority.key.sign({k: v for k, v in claims.items() if k != "aud"}),
        "expired": authority.token_for("u", lifetime=-3600),
        "not yet valid": authority.token_for("u", nbf=claims["exp"] - 60),
        "a stranger's key under a known id": stranger.sign(claims),
        "a key nobody knows": SigningKey("unknown").sign(claims),
        "our development secret": sign(claims, SIGNING_KEY),
        "the public key as a secret": sign(claims, public.decode(), {"alg": "HS256", "typ": "JWT",
                                                                     "kid": authority.key.id}),
        "no signature": jwt.encode(claims, None, "none"),
        "none with a signature": jwt.encode(claims, None, "none") + signature,
        "changed claims": f"{head}.{forged}.{signature}",
        "half a signature": f"{head}.{body}.{signature[:43]}",
    }.items():
        assert statuses(server, token) == {401}, name
    assert statuses(server, good) == {200}


def test_no_token_is_issued_outside_development(server):
    answer = request(server.http, "POST", "/dev/token", {"Content-Type": "application/json"},
                     b'{"userId":"u"}')
    assert answer.status in (404, 405)


def test_a_connection_ends_with_its_token_and_may_come_back(server, authority):
    user = new_user()
    with HubClient(server, user, authority.token_for(user, lifetime=3)) as hub:
        record = hub.next_record(within=15.0)
        assert record["type"] == 7 and record["allowReconnect"] is True, record
        with pytest.raises(PeerClosed):
            hub.next_record(within=15.0)


def test_a_rotated_key_is_found_and_a_flood_of_made_up_ones_asks_once(server, authority):
    made_up = [SigningKey(f"made-up-{number}") for number in range(20)]
    before = authority.asked[KEYS]
    successor = SigningKey("second")
    authority.published = [authority.key.jwk(), successor.jwk()]
    token = successor.sign(authority.claims(new_user()))

    def is_known() -> bool:
        for key in made_up:
            assert Shop(server, token=key.sign(authority.claims("u"))).get(
                "/api/orders").status == 401
        return Shop(server, token=token).get("/api/orders").status == 200

    until("the new key is known", is_known, ROTATED_WITHIN)
    assert authority.asked[KEYS] - before <= 2
    assert statuses(server, authority.token_for("u")) == {200}


def test_without_the_authority_nobody_is_ready_and_then_everybody_is(certificate):
    with running(certificate) as authority:
        authority.stop()
        server = make(certificate, authority)
        server.start()
        assert not is_ready(server)
        assert statuses(server, authority.token_for("u")) == {401}

        authority.start()
        until("the keys have come", lambda: is_ready(server), 30.0)
        assert statuses(server, authority.token_for("u")) == {200}

        authority.stop()
        assert statuses(server, authority.token_for("another")) == {200}
        assert is_ready(server)
        assert authority.url in server.log()
        server.end()


def test_an_authority_with_a_stranger_s_certificate_is_not_believed(certificate, tmp_path):
    with running(make_certificate(tmp_path / "stranger")) as authority:
        server = make(certificate, authority)
        server.start()
        until("it has tried", lambda: "does not answer" in server.log(), 15.0)
        assert not is_ready(server)
        assert authority.asked[METADATA] == 0
        server.end()


@pytest.mark.parametrize("flags, words", [
    (["--jwt-authority", "https://login.example"], "audience"),
    (["--jwt-authority", "http://login.example", "--jwt-audience", AUDIENCE], "https"),
    (["--jwt-authority", "login.example", "--jwt-audience", AUDIENCE], "authority"),
    (["--jwt-authority", "https://login.example", "--jwt-audience", AUDIENCE,
      "--jwt-algorithms", "none"], "algorithms"),
    (["--jwt-authority", "https://login.example", "--jwt-audience", AUDIENCE,
      "--jwt-algorithms", "HS256"], "algorithms"),
    (["--jwt-authority", "https://login.example", "--jwt-audience", AUDIENCE,
      "--jwt-authority-ca", "/no/such/file.pem"], "/no/such/file.pem"),
])
def test_a_wrong_setting_ends_the_start_with_one_complaint(tmp_path, flags, words):
    code, out, err = run_to_end(
        ["serve", "--data", str(tmp_path / "data"), "--http", "127.0.0.1:0", *flags])
    assert code == CONFIGURATION, err
    assert words in err.splitlines()[-1], err
    assert "ready" not in out
