"""One user's view of the API: signs in, orders, lists and deletes, on a connection per call."""

import itertools
import json
from urllib.parse import quote

from .http_wire import Response, request
from .server import Server
from .tokens import token_for

_numbers = itertools.count(1)

JSON = "application/json"
PROBLEM = "application/problem+json"


def new_user(prefix: str = "user") -> str:
    """A user nobody has used before, so that tests can share a server."""
    return f"{prefix}-{next(_numbers)}"


class Shop:
    def __init__(self, server: Server, user: str | None = None, token: str | None = None):
        self.server = server
        self.user = user or new_user()
        self.token = token if token is not None else token_for(self.user)

    def call(self, method: str, target: str, body: bytes = b"", **headers: str) -> Response:
        """One request; header names are given with underscores: `Idempotency_Key="…"`."""
        fields = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        return request(self.server.http, method, target, fields, body)

    def get(self, target: str, **headers: str) -> Response:
        return self.call("GET", target, **headers)

    def delete(self, target: str) -> Response:
        return self.call("DELETE", target)

    def post(self, target: str, content, **headers: str) -> Response:
        headers.setdefault("Content_Type", JSON)
        return self.call("POST", target, json.dumps(content).encode(), **headers)

    def order(self, *items: tuple[str, int], **headers: str) -> Response:
        """Posts an order of (product id, quantity) pairs; one AZ-900 if none is named."""
        lines = [{"productId": product, "quantity": quantity}
                 for product, quantity in items or [("AZ-900", 1)]]
        return self.post("/api/orders", {"items": lines}, **headers)

    def ordered(self, *items: tuple[str, int], **headers: str) -> dict:
        """The same for a test that is about something else: the order, which must be accepted."""
        response = self.order(*items, **headers)
        assert response.status == 201, response
        return response.json()

    def orders(self) -> dict:
        response = self.get("/api/orders?offset=0&size=100")
        assert response.status == 200, response
        return response.json()

    def product(self, product_id: str) -> dict:
        response = self.get(f"/api/products/{quote(product_id)}")
        assert response.status == 200, response
        return response.json()


def assert_problem(response: Response, status: int, title: str | None = None,
                   detail: str | None = None) -> dict:
    """The answer is a problem document (RFC 9457, with a traceId); returns it."""
    assert response.status == status, response
    assert response.header("Content-Type").split(";")[0] == PROBLEM, response
    problem = response.json()
    assert problem["status"] == status, problem
    assert problem["type"] == f"https://httpstatuses.com/{status}", problem
    assert problem["title"], problem
    assert problem["traceId"], problem
    if title is not None:
        assert problem["title"] == title, problem
    if detail is not None:
        assert problem["detail"] == detail, problem
    return problem
