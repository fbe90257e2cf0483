"""An OpenID Connect authority of our own: metadata, keys and tokens, over TLS.

    Authority ── metadata, keys ──▶ the server under test
        └── token_for(user) ──▶ the test ──▶ Authorization: Bearer …

What it publishes and what it signs with are two things, so that a test can rotate, forget or forge a
key. It answers from a thread and counts what it is asked.
"""

import json
import ssl
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from .certificate import Certificate
from .server import Server

AUDIENCE = "shop"
METADATA = "/tenant/.well-known/openid-configuration"
KEYS = "/tenant/keys"


class SigningKey:
    """A private key with its id and its algorithm."""

    def __init__(self, key_id: str, algorithm: str = "ES256"):
        self.id = key_id
        self.algorithm = algorithm
        if algorithm.startswith(("RS", "PS")):
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        elif algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[algorithm]
            self.private = ec.generate_private_key(curve)

    def jwk(self) -> dict:
        """The public half, as it is published."""
        kind = get_default_algorithms()[self.algorithm]
        public = kind.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.id, "alg": self.algorithm, "use": "sig"}

    def sign(self, claims: dict, **header) -> str:
        return jwt.encode(claims, self.private, self.algorithm, {"kid": self.id, **header})


class Authority:
    """Starts with one key, published and in use."""

    def __init__(self, certificate: Certificate, port: int = 0):
        self._certificate = certificate
        self.key = SigningKey("first")
        self.published = [self.key.jwk()]
        self.asked: Counter[str] = Counter()
        self._server: ThreadingHTTPServer | None = None
        self.port = port
        self.start()
        # Found by the name the certificate is for.
        self.url = f"https://localhost:{self.port}/tenant"

    def start(self) -> None:
        """Listens; the second time on the same port."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                authority.asked[self.path] += 1
                document = authority._document(self.path)
                body = json.dumps(document or {}).encode()
                self.send_response(200 if document else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate.certificate, self._certificate.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _document(self, path: str) -> dict | None:
        if path == METADATA:
            return {"issuer": self.url, "jwks_uri": f"https://localhost:{self.port}{KEYS}",
                    "id_token_signing_alg_values_supported": ["RS256", "ES256"]}
        return {"keys": self.published} if path == KEYS else None

    def claims(self, user: str, lifetime: int = 3600, **claims) -> dict:
        now = int(time.time())
        return {"sub": user, "iss": self.url, "aud": AUDIENCE, "iat": now, "nbf": now - 60,
                "exp": now + lifetime, **claims}

    def token_for(self, user: str, lifetime: int = 3600, **claims) -> str:
        return self.key.sign(self.claims(user, lifetime, **claims))


@contextmanager
def running(certificate: Certificate):
    authority = Authority(certificate)
    try:
        yield authority
    finally:
        authority.stop()


class ProductionServer(Server):
    """A server as it runs in production: no --dev, tokens of an authority only."""

    authority: Authority | None = None

    def trusting(self, authority: Authority) -> "ProductionServer":
        self.authority = authority
        # The authority's certificate is its own; nobody else's is trusted.
        self.environment = {"SSL_CERT_FILE": str(self.certificate.certificate),
                            "CONTOSO_DRAIN__DELAY": "0s", "CONTOSO_DRAIN__PERIOD": "2s",
                            "CONTOSO_DRAIN__FILE": str(self.directory / "draining")}
        return self

    def arguments(self) -> list[str]:
        flags = [flag for flag in super().arguments() if flag != "--dev"]
        return [*flags, "--jwt-authority", self.authority.url, "--jwt-audience", AUDIENCE]
