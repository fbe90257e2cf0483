"""JSON Web Tokens (RFC 7519, HS256), made by hand so that each part can be wrong on purpose."""

import base64
import hashlib
import hmac
import json
import time

# Long enough (RFC 7518 section 3.2 asks for 256 bits) and not the default that ships.
SIGNING_KEY = "black-box-signing-key-0123456789-abcdefghij"

ISSUER = "contoso-order-notification-dev"
AUDIENCE = "contoso-spa-dev"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims: dict, key: str = SIGNING_KEY, header: dict | None = None) -> str:
    """A token of exactly these claims."""
    head = _base64url(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode())
    body = _base64url(json.dumps(claims).encode())
    mac = hmac.new(key.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_base64url(mac)}"


def token_for(user: str | None, key: str = SIGNING_KEY, lifetime: int = 3600, **claims) -> str:
    """A token as the token endpoint makes it; `lifetime` in seconds, negative: expired."""
    now = int(time.time())
    content = {"nbf": now - 7200, "exp": now + lifetime, "iss": ISSUER, "aud": AUDIENCE}
    if user is not None:
        content["sub"] = user
    content.update(claims)
    return sign(content, key)


def claims_of(token: str) -> dict:
    """The claims, unverified."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
